/** Starting a run, from outside or from inside of another run. */
import { randomUUID } from 'node:crypto';
import { decode } from '../../core/codec.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { InvalidError, RunError } from '../../core/errors.ts';
import type { ForkedFrom } from '../../core/event.ts';
import { defaults, type Limits } from '../../core/limits.ts';
import { checkRunId, checkTags } from '../../core/names.ts';
import type { WakeUp } from '../../core/queue.ts';
import type { RunRecord } from '../../core/run.ts';
import type { CreateOutcome, RunStore, SnapshotDelta } from '../../core/store.ts';
import type { Tracing } from '../../core/tracing.ts';
import { encodeRecord } from '../payloads.ts';
import { tell } from '../diagnostics.ts';
import { encodeInput, isSameInput } from './run-input.ts';
import type { StartOptions } from '../definition/start-options.ts';
import { checkWorkflow } from '../definition/check-workflow.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';

/** What a forked run begins with, and where that comes from. */
export interface Fork {
  readonly from: ForkedFrom;
  readonly snapshot: SnapshotDelta;
}

export interface StartParts {
  readonly store: RunStore;
  readonly limits: Limits;
  readonly tracing?: Tracing | undefined;
  readonly newToken: () => string;
  /** Sends a wake-up; never rejects, because the run is due in any case. */
  readonly wake: (wakeUp: WakeUp) => Promise<void>;
}

const priorityMax = 1_000_000;

/** What pawl itself says of a run that it starts, beside what its caller says. */
interface InternalStartOptions extends StartOptions {
  readonly parent?: string;
  /** Of a child: the token that its parent has noted. A run that has the id and another birth is another run. */
  readonly birth?: string;
  readonly fork?: Fork;
  /** The input as another run, or a schedule, has it: validated before, and taken as it is. `input` is not looked at. */
  readonly stored?: Uint8Array;
}

/**
 * Starts a run, or finds the one that was started with the same id, workflow and input.
 * @throws InvalidError, UnstorableError, LimitError: nothing was written. RunError `PAWL_RUN_EXISTS`: the id has another
 *   workflow or input.
 */
export async function startRun(
  { store, limits, newToken, wake, tracing }: StartParts,
  workflow: AnyWorkflow,
  input: unknown,
  options: InternalStartOptions = {},
): Promise<RunRecord> {
  const start = encodeStart({ limits, newToken }, workflow, input, options);
  const { outcome, record } = await createRun({ store, tracing }, start);
  if (outcome === 'exists' && options.birth !== undefined) {
    throw new TakenIdError(start.run, start.parent ?? '', record.parent);
  }
  if (outcome === 'exists') checkSame(record, start);
  await wakeIfQueued(wake, record);
  return record;
}

/**
 * Checks and encodes all of a run that is to begin. Nothing is written.
 * @throws InvalidError, UnstorableError, LimitError.
 */
export function encodeStart(
  { limits, newToken }: Pick<StartParts, 'limits' | 'newToken'>,
  workflow: AnyWorkflow,
  input: unknown,
  options: InternalStartOptions,
): EncodedRun {
  const { id = randomUUID(), tags = {}, priority = 0, parent, birth, fork, stored } = options;
  checkWorkflow(workflow);
  checkRunId(id);
  checkTags(tags);
  if (!Number.isInteger(priority) || priority < 0 || priority > priorityMax) {
    throw new InvalidError('priority', `must be a whole number from 0 to ${priorityMax}.`);
  }
  const delayMs = options.delay === undefined ? 0 : toMilliseconds(options.delay, 'delay');
  const { deadline } = options;
  const deadlineMs = deadline === undefined ? undefined : toMilliseconds(deadline, 'deadline');
  return {
    run: id,
    workflow: workflow.name,
    codeVersion: workflow.version,
    input: stored === undefined ? encodeInput(workflow, input, limits) : checked(stored),
    tags,
    delayMs,
    priority,
    token: birth ?? newToken(),
    ...(parent === undefined ? {} : { parent }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(fork === undefined ? {} : { fork }),
    ...(workflow.definition.onEnd === undefined ? {} : { onEnd: true }),
  };
}

/** The id of a child that is to be made is another run's. Nothing was written. */
export class TakenIdError extends RunError {
  /** That run is the child of an earlier run that had the parent's id. */
  readonly isOfEarlierParent: boolean;

  constructor(run: string, parent: string, parentOfRun: string | undefined) {
    super(
      'PAWL_RUN_EXISTS',
      run,
      `Run ${run} exists and is no child of run ${parent}; nothing was written. Give the child another name with { as }, or delete the run that is there.`,
    );
    this.isOfEarlierParent = parentOfRun === parent;
  }
}

/** A run that is to begin: all of it is checked and encoded. */
export interface EncodedRun {
  readonly run: string;
  readonly workflow: string;
  readonly codeVersion: number;
  readonly input: Uint8Array;
  readonly tags: Readonly<Record<string, string>>;
  /** A repetition with the same token is the same call. */
  readonly token: string;
  readonly delayMs?: number;
  readonly priority?: number;
  readonly deadlineMs?: number;
  readonly parent?: string;
  /** The workflow has a hook for its end. */
  readonly onEnd?: boolean;
  readonly fork?: Fork;
}

/** Stores a run that begins with an encoded input, as it is. Nobody is woken. */
export async function createRun(
  { store, tracing }: Pick<StartParts, 'store' | 'tracing'>,
  { fork, ...start }: EncodedRun,
): Promise<CreateOutcome> {
  const { run, workflow, codeVersion } = start;
  const trace = tracing?.current();
  const created = await store.create({
    ...start,
    ...(fork === undefined ? {} : { snapshot: fork.snapshot }),
    data: encodeRecord({
      workflow,
      codeVersion,
      ...(fork === undefined ? {} : { forkedFrom: fork.from }),
      ...(trace === undefined ? {} : { trace }),
    }),
    resendMs: defaults.resendMs,
  });
  if (created.outcome === 'created') tell('run:started', () => ({ run, workflow }));
  return created;
}

export async function wakeIfQueued(wake: StartParts['wake'], record: RunRecord): Promise<void> {
  const { id: run, workflow, status, fence, priority } = record;
  if (status === 'queued') await wake({ run, workflow, fence, losses: 0, priority });
}

/** @throws KeyMissingError, CorruptionError when it cannot be read: a run could not either. */
function checked(stored: Uint8Array): Uint8Array {
  decode(stored, { key: 'input' });
  return stored;
}

/** @throws RunError `PAWL_RUN_EXISTS` when the run that is there was started otherwise. */
export function checkSame(
  record: RunRecord,
  { workflow, input }: Pick<EncodedRun, 'workflow' | 'input'>,
): void {
  const { id } = record;
  if (record.workflow === workflow && isSameInput(record.input, input, id)) return;
  const other = record.workflow === workflow ? 'another input' : `workflow ${record.workflow}`;
  throw new RunError(
    'PAWL_RUN_EXISTS',
    id,
    `Run ${id} exists with ${other}; nothing was written. Choose another id, or read the run that is there.`,
  );
}
