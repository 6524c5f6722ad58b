/** What a run was: its events folded up to a point, from the nearest snapshot that is kept. */
import { isDeepStrictEqual } from 'node:util';
import { ForgottenError, InvalidError, RunError } from '../../core/errors.ts';
import type { ForkedFrom, StateEdits } from '../../core/event.ts';
import { type Child, Fold, type Folded, type State } from '../../core/fold.ts';
import { fixedLimits } from '../../core/limits.ts';
import { placedAnew } from '../../core/passed-sets.ts';
import type { LoadedRun, RunStore, Snapshot } from '../../core/store.ts';
import { Upcaster } from '../definition/evolution.ts';
import { decodeEvent, restoreSnapshot } from '../replay.ts';
import { freshState } from '../definition/state-schema.ts';
import { type AnyWorkflow, reducersOf } from '../definition/workflow.ts';
import { checkHole } from '../holes.ts';

/** What binds a run to the outside: a run that is forked from it does not inherit that. */
const staysBehind = /^run:/;
/** What has a place in the log: a result, a child, the signals of a name. */
const hasPlace = /^(?:step|child|signal|undo):/;
/** Changes of the state have one, too. */
const ofSets = /^sets:/;

/**
 * Folds the events up to `seq`. Writes nothing.
 * @throws RunError `PAWL_RUN_NOT_FOUND`; InvalidError when the log does not reach that seq; ForgottenError when what led
 *   there was compacted.
 */
export async function foldAt(
  store: RunStore,
  workflow: AnyWorkflow,
  run: string,
  seq: number,
): Promise<Fold> {
  const key = `run ${run}`;
  const loaded = await store.load(run);
  if (loaded === undefined) {
    throw new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
  }
  const snapshot = await nearestSnapshot(store, loaded, seq);
  checkReach(loaded, snapshot, seq);
  const start: Folded =
    snapshot === undefined
      ? await beginning(store, workflow, run)
      : { seq: snapshot.seq, ...restoreSnapshot(snapshot, workflow, run) };
  const fold = new Fold(start, { reducers: reducersOf(workflow), origin: key, guard: 'none' });
  const upcaster = new Upcaster(workflow, snapshot?.schema ?? 0);
  while (fold.seq < seq) {
    const limit = Math.min(fixedLimits.eventsPerPage, seq - fold.seq);
    const page = await store.events({ run, after: fold.seq, limit });
    if (page.length === 0) {
      await checkHole(store, run, fold.seq + 1);
      throw new InvalidError(
        'seq',
        `${seq} is not in the log of ${key}, which ends at ${fold.seq}.`,
      );
    }
    for (const event of page) {
      fold.replay(event.seq, upcaster.upcast(decodeEvent(event, key)));
    }
  }
  return fold;
}

/** Every event between where the fold begins and `seq` must be there. */
function checkReach({ record }: LoadedRun, snapshot: Snapshot | undefined, seq: number): void {
  const { id, firstSeq } = record;
  const from = snapshot?.seq ?? 0;
  if (from === seq || from + 1 >= firstSeq) return;
  throw new ForgottenError(
    id,
    `The log of run ${id} was compacted and begins at seq ${firstSeq}, so its state at ${seq} cannot be told. Ask for ${firstSeq} or later, or for one of its checkpoints`,
    firstSeq,
  );
}

/**
 * The bookkeeping that another run may inherit. A child that has ended is inherited with its end, and is nobody's to
 * cancel; one that is at work stays with its parent, and the other run starts its own.
 */
export function withoutTies({
  bookkeeping,
  seq,
}: Pick<Folded, 'bookkeeping' | 'seq'>): Map<string, unknown> {
  const inherited = new Map<string, unknown>();
  for (const [field, whole] of bookkeeping) {
    if (staysBehind.test(field)) continue;
    const value = hasPlace.test(field) ? placedBefore(whole, seq) : whole;
    if (ofSets.test(field))
      inherited.set(
        field,
        placedAnew(whole, (at) => at / (seq + 1)),
      );
    else if (!field.startsWith('child:')) inherited.set(field, value);
    else if ((value as Child).end !== undefined)
      inherited.set(field, { ...(value as Child), attached: false });
  }
  return inherited;
}

/**
 * What has a place in the log of the other run keeps its order, and comes before everything in the log of the new one:
 * places are made to lie between 0 and its first event.
 */
function placedBefore(value: unknown, end: number): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => placedBefore(one, end));
  const { seq, order } = value as { readonly seq?: number; readonly order?: number };
  return {
    ...(value as object),
    ...(seq === undefined ? {} : { seq: seq / (end + 1) }),
    ...(order === undefined ? {} : { order: order / (end + 1) }),
  };
}

/** The kept or current snapshot that covers most of the events up to `seq`. */
export async function nearestSnapshot(
  store: RunStore,
  { record: { id: run }, snapshot }: LoadedRun,
  seq: number,
): Promise<Snapshot | undefined> {
  if (snapshot !== undefined && snapshot.seq <= seq) return snapshot;
  let before: string | undefined;
  for (;;) {
    const limit = fixedLimits.runsPerPage;
    const page = await store.checkpoints({
      run,
      limit,
      ...(before === undefined ? {} : { before }),
    });
    const nearest = page.find((checkpoint) => checkpoint.seq <= seq);
    if (nearest !== undefined) return store.recall(run, nearest.id);
    if (page.length < limit) return undefined;
    before = page.at(-1)?.id;
  }
}

/** Where a log begins: at nothing, or at what it was forked from, with what was edited then. */
async function beginning(store: RunStore, workflow: AnyWorkflow, run: string): Promise<Folded> {
  const nothing: Folded = { seq: 0, state: freshState(workflow), bookkeeping: new Map() };
  const [created] = await store.events({ run, after: 0, limit: 1 });
  if (created === undefined) return nothing;
  const { forkedFrom } = decodeEvent(created, `run ${run}`).data as { forkedFrom?: ForkedFrom };
  if (forkedFrom === undefined) return nothing;
  const origin = await foldAt(store, workflow, forkedFrom.run, forkedFrom.seq);
  const { edited } = forkedFrom;
  const state = edited === undefined ? origin.state : withEdits(origin.state, edited);
  return { seq: created.seq, state, bookkeeping: withoutTies(origin) };
}

/** The fields of the state that were edited. */
export function editsBetween(before: State, after: State): StateEdits {
  const set = Object.entries(after).filter(([key, value]) => {
    return !Object.hasOwn(before, key) || !isDeepStrictEqual(before[key], value);
  });
  return {
    set: Object.fromEntries(set),
    remove: Object.keys(before).filter((key) => !Object.hasOwn(after, key)),
  };
}

function withEdits(state: State, { set, remove }: StateEdits): State {
  const left = Object.entries(state).filter(([key]) => !remove.includes(key));
  return { ...Object.fromEntries(left), ...set };
}
