/**
 * Forks: a new run that begins where another one was at some point. The other run is only read; it never changes.
 *
 * What the new run begins with is what the events of the other one fold to up to that point: its state, and the
 * bookkeeping of its steps, so that finished steps keep their results. What binds the other run to the outside stays
 * behind: its children and a request to cancel it.
 *
 * A state that was edited on the way is told from nothing else, so the first event of the new run holds what was edited:
 * its past can be read even when its snapshots have moved on.
 */
import { encode } from '../../core/codec.ts';
import { ForgottenError, InvalidError, RunError } from '../../core/errors.ts';
import type { StepCompletedData, StoredEvent } from '../../core/event.ts';
import { fixedLimits, type Limits } from '../../core/limits.ts';
import {
  anything,
  needed,
  optionsOf,
  plainObject,
  type Rule,
  text,
} from '../../core/option-rules.ts';
import type { RunRecord } from '../../core/run.ts';
import type { Fold, State } from '../../core/fold.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { validate } from '../../core/schema.ts';
import type { RunStore } from '../../core/store.ts';
import { pendingUndos, undoing } from '../../core/undo.ts';
import { recallCheckpoint } from './checkpoints.ts';
import { editsBetween, foldAt, withoutTies } from './fold-at.ts';
import { stateField } from '../payloads.ts';
import { decodeEvent } from '../replay.ts';
import { startOptionRules } from '../definition/options.ts';
import type { StartOptions } from '../definition/start-options.ts';
import type { Fork } from './start.ts';
import { keepUnchanged } from '../definition/state-schema.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';

/** Where to fork: at a checkpoint, or after an event, a step's last completion, or a graph node's last visit. */
export type ForkPoint =
  | { readonly checkpoint: string }
  | { readonly seq: number }
  | { readonly step: string }
  | { readonly node: string };

/** How a fork is made, beside how any run is started. */
export interface ForkOptions<S> extends StartOptions {
  /** The state the fork begins with instead of the one the other run had: whole, or made from that one. */
  readonly state?: S | ((state: S) => S);
  /** Who makes the fork, for its first event. */
  readonly actor?: string;
}

const points: Readonly<Record<string, Rule>> = {
  checkpoint: optionsOf<{ readonly checkpoint: string }>({ checkpoint: needed(text) }),
  seq: optionsOf<{ readonly seq: number }>({ seq: needed(anything) }),
  step: optionsOf<{ readonly step: string }>({ step: needed(text) }),
  node: optionsOf<{ readonly node: string }>({ node: needed(text) }),
};

const checkForkOptions = optionsOf<ForkOptions<unknown>>({
  ...startOptionRules,
  state: anything,
  actor: text,
});

/** @throws InvalidError that names what does not fit. */
export function checkFork(point: ForkPoint, options: unknown): void {
  plainObject(point, 'fork point');
  const kind = Object.keys(points).find((one) => one in point);
  if (kind === undefined) {
    throw new InvalidError('fork point', 'must have checkpoint, seq, step or node.');
  }
  points[kind]?.(point, 'fork point');
  checkForkOptions(options, 'fork options');
}

/**
 * What a fork of a run at a point begins with, and the input its handler is called with.
 * @throws RunError `PAWL_RUN_NOT_FOUND`; InvalidError when the run never came to that point, or never stood there, or an
 *   edited state does not fit; ForgottenError when it did, and what led there is kept no more; LimitError when more was
 *   edited than an event may hold.
 */
export async function prepareFork<S>(
  { store, limits }: { readonly store: RunStore; readonly limits: Limits },
  workflow: AnyWorkflow,
  run: string,
  point: ForkPoint,
  { state: edit, actor }: Pick<ForkOptions<S>, 'state' | 'actor'>,
): Promise<{ readonly fork: Fork; readonly input: Uint8Array }> {
  const record = await store.record(run);
  if (record === undefined) {
    throw new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
  }
  const seq = 'seq' in point ? point.seq : await findSeq(store, record, point);
  if (!Number.isInteger(seq) || seq < 1 || seq > record.seq) {
    throw new InvalidError(
      'seq',
      `${seq} is not in the log of run ${run}, which ends at ${record.seq}.`,
    );
  }
  if ('seq' in point) await refuseInside(store, run, seq);
  const fold = await foldAt(store, workflow, run, seq);
  await refuseUndone({ store, workflow }, record, fold);
  const state = edit === undefined ? fold.state : edited(workflow, fold.state, edit);
  const edits = edit === undefined ? undefined : editsBetween(fold.state, state);
  if (edits !== undefined) encode(edits, 'edited state', limits.eventBytes);
  const set = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(state)) {
    set.set(stateField(key), encode(value, `state.${key}`, limits.stateBytes));
  }
  for (const [field, value] of withoutTies(fold)) {
    set.set(field, encode(value, field, limits.stateBytes));
  }
  const by = actor === undefined ? {} : { actor };
  const from = { run, seq, ...by, ...(edits === undefined ? {} : { edited: edits }) };
  const fork = { from, snapshot: { schema: workflow.version, set, remove: [] } };
  return { fork, input: fold.input ?? record.input };
}

/** @throws InvalidError when the fork would take the result of a step for true that the run undoes, or has undone. */
async function refuseUndone(
  { store, workflow }: { readonly store: RunStore; readonly workflow: AnyWorkflow },
  record: RunRecord,
  fold: Fold,
): Promise<void> {
  const { id: run, seq: end } = record;
  const isOpen = pendingUndos(fold.bookkeeping).length > 0;
  const isInside = undoing(fold.bookkeeping) !== undefined;
  if (!isInside && !isOpen) return;
  const latest = isInside ? fold : await foldAt(store, workflow, run, end);
  if (undoing(latest.bookkeeping) === undefined) return;
  throw new InvalidError(
    'seq',
    `${fold.seq}: run ${run} has undone what it had done until there, or does so now. Fork it before the first step that has an undo.`,
  );
}

function edited(workflow: AnyWorkflow, state: State, edit: unknown): State {
  // A copy: a caller that edits the object it was given changes nothing else.
  const given: unknown = typeof edit === 'function' ? makeFrom(edit, structuredClone(state)) : edit;
  if (!isPlainObject(given)) {
    throw new InvalidError('state', 'must be an object, or a function returning one.');
  }
  const { state: schema } = workflow.definition;
  if (schema === undefined) return given;
  // What was not edited is not put through the schema a second time.
  return keepUnchanged(validate<State>(schema, given, 'state'), given, state);
}

/** @throws InvalidError when the event is not the last one of its commit: the run never stood right after it. */
async function refuseInside(store: RunStore, run: string, seq: number): Promise<void> {
  const [event] = await store.events({ run, after: seq - 1, limit: 1 });
  if (event?.more !== true) return;
  const limit = fixedLimits.eventsPerCommit;
  const before = await store.events({ run, after: Math.max(0, seq - 1 - limit), limit });
  const behind = await store.events({ run, after: seq, limit });
  const isEnd = ({ more }: StoredEvent): boolean => more !== true;
  const ends = [before.filter((one) => one.seq < seq).findLast(isEnd), behind.find(isEnd)].flatMap(
    (end) => end?.seq ?? [],
  );
  throw new InvalidError(
    'seq',
    `${seq} is inside of a commit of run ${run}: its events were stored at once, and the run never stood between them. Fork at ${ends.join(' or at ')}.`,
  );
}

function makeFrom(edit: unknown, state: State): unknown {
  return (edit as (state: State) => unknown)(state);
}

/** The last event that completes the step, or the node. */
async function findSeq(
  store: RunStore,
  record: RunRecord,
  point: Exclude<ForkPoint, { seq: number }>,
): Promise<number> {
  const { id: run, firstSeq } = record;
  if ('checkpoint' in point) return (await recallCheckpoint(store, record, point.checkpoint)).seq;
  const [type, field, name] =
    'step' in point
      ? ['step.completed', 'name', point.step]
      : ['node.completed', 'node', point.node];
  let found: number | undefined;
  let after = 0;
  for (;;) {
    const page = await store.events({ run, after, limit: fixedLimits.eventsPerPage });
    for (const event of page) {
      after = event.seq;
      if (event.type !== type) continue;
      const data = decodeEvent(event, `run ${run}`).data as StepCompletedData &
        Record<string, unknown>;
      if (data[field as 'name'] === name) found = event.seq;
    }
    if (page.length < fixedLimits.eventsPerPage) break;
  }
  if (found !== undefined) return found;
  if (firstSeq > 1) {
    throw new ForgottenError(
      run,
      `${name} was not completed in run ${run} since seq ${firstSeq}, where its compacted log begins`,
      firstSeq,
    );
  }
  throw new InvalidError(field ?? 'point', `${name} was never completed in run ${run}.`);
}
