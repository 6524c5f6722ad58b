/** Starting a run, from outside or from inside of another run. */
import { randomUUID } from 'node:crypto';
import { decode } from '../../core/codec.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { InvalidError, PawlError, RunError } from '../../core/errors.ts';
import type { ForkedFrom } from '../../core/event.ts';
import { defaults, type Limits } from '../../core/limits.ts';
import { checkKey, checkRunId, checkTags } from '../../core/names.ts';
import type { Logger } from '../../core/logger.ts';
import type { RunRecord } from '../../core/run.ts';
import type { CreateOutcome, FirstClaim, RunStore, SnapshotDelta } from '../../core/store.ts';
import type { LimitsOfCode } from '../../core/turns.ts';
import type { Tracing } from '../../core/tracing.ts';
import { encodeRecord } from '../payloads.ts';
import type { RunsHere } from '../runs-here.ts';
import { tell } from '../diagnostics.ts';
import { encodeInput, isSameInput } from './run-input.ts';
import type { StartOptions } from '../definition/start-options.ts';
import { checkWorkflow } from '../definition/check-workflow.ts';
import { type AnyWorkflow, turnLimitsOf } from '../definition/workflow.ts';
import { askForTurn, takePlace, type TurnParts, type Wake, waitingFor } from './turns.ts';

/** What a forked run begins with, and where that comes from. */
export interface Fork {
  readonly from: ForkedFrom;
  readonly snapshot: SnapshotDelta;
}

export interface StartParts {
  readonly store: RunStore;
  readonly limits: Limits;
  readonly tracing?: Tracing | undefined;
  readonly logger: Logger;
  readonly newToken: () => string;
  readonly wake: Wake;
  /** The workers of this process, and the runs that they hold. */
  readonly here?: RunsHere | undefined;
}

const priorityMax = 1_000_000;

/** What pawl itself says of a run that it starts, beside what its caller says. */
interface InternalStartOptions extends StartOptions {
  readonly parent?: string;
  /** Of a child that is not to begin without its parent: the birth of that. */
  readonly attachedTo?: string;
  /** Of a child: the token that its parent has noted. A run that has the id and another birth is another run. */
  readonly birth?: string;
  readonly fork?: Fork;
  /** The input as another run, or a schedule, has it: validated before, and taken as it is. `input` is not looked at. */
  readonly stored?: Uint8Array;
}

/**
 * Starts a run, or finds the one that was started with the same id, workflow and input.
 * @throws InvalidError, UnstorableError, LimitError: nothing was written. RunError `PAWL_RUN_EXISTS`: the id has another
 *   workflow or input. PawlError `PAWL_KEY_BUSY`: the workflow drops starts whose key is busy.
 */
export async function startRun(
  parts: StartParts,
  workflow: AnyWorkflow,
  input: unknown,
  options: InternalStartOptions = {},
): Promise<RunRecord> {
  const start = encodeStart(parts, workflow, input, options);
  const limits = turnLimitsOf(workflow);
  await refuseIfBusy(parts.store, start, limits);
  const { outcome, record } = await makeRun(parts, workflow, start);
  if (outcome === 'exists' && options.birth !== undefined) {
    throw new TakenIdError(start.run, start.parent ?? '', record.parent);
  }
  if (outcome === 'exists') checkSame(record, start);
  await wakeOrQueue(parts, record, limits);
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
  const { attachedTo, key } = options;
  checkWorkflow(workflow);
  checkRunId(id);
  if (key !== undefined) checkKey(key);
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
    ...(key === undefined ? {} : { key }),
    ...(parent === undefined ? {} : { parent }),
    ...(attachedTo === undefined ? {} : { attachedTo }),
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
  readonly key?: string;
  readonly deadlineMs?: number;
  readonly parent?: string;
  readonly attachedTo?: string;
  /** The workflow has a hook for its end. */
  readonly onEnd?: boolean;
  readonly fork?: Fork;
}

/** Stores a new run. A worker of this process takes it in the same step if it can; else nobody is woken. */
export function makeRun(
  parts: StartParts,
  workflow: AnyWorkflow,
  start: EncodedRun,
): Promise<CreateOutcome> {
  const { run, key, fork, delayMs = 0, priority = 0 } = start;
  const mayBegin = key === undefined && fork === undefined && delayMs === 0 && priority === 0;
  const make = (claim?: FirstClaim): Promise<CreateOutcome> => createRun(parts, start, claim);
  return (mayBegin ? parts.here?.start(workflow, run, make) : undefined) ?? make();
}

/** Stores a run that begins with an encoded input, as it is. Nobody is woken. */
export async function createRun(
  { store, tracing }: Pick<StartParts, 'store' | 'tracing'>,
  { fork, ...start }: EncodedRun,
  claim?: FirstClaim,
): Promise<CreateOutcome> {
  const { run, workflow, codeVersion } = start;
  const trace = tracing?.current();
  const created = await store.create({
    ...start,
    ...(fork === undefined ? {} : { snapshot: fork.snapshot }),
    ...(claim === undefined ? {} : { claim }),
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

/** @throws PawlError `PAWL_KEY_BUSY`. A run that is there already is the one that was asked for. */
export async function refuseIfBusy(
  store: RunStore,
  { run, workflow, key, token: birth, priority = 0 }: EncodedRun,
  limits: LimitsOfCode,
): Promise<void> {
  if (limits.onBusy !== 'drop' || key === undefined) return;
  if ((await store.record(run)) !== undefined) return;
  const asked = { workflow, key, run, birth, priority, limits };
  const { outcome } = await store.turns.enter({ ...asked, ifFree: true });
  if (outcome !== 'busy') return;
  const why = `Key ${key} of workflow ${workflow} is busy; no run was started.`;
  throw new PawlError('PAWL_KEY_BUSY', `${why} Start it when a run of the key has ended.`);
}

/** A new run is woken, or asks for its turn; one that begins later takes the place of older ones. Never rejects. */
export async function wakeOrQueue(
  parts: TurnParts,
  record: RunRecord,
  limits?: LimitsOfCode,
): Promise<void> {
  const { id: run, workflow, status, fence, priority } = record;
  const wakeUp = { run, workflow, fence, losses: 0, priority };
  const waiting = waitingFor(record);
  if (waiting !== undefined && status === 'waiting' && fence === 0 && limits !== undefined) {
    await takePlace(parts, waiting, limits);
  }
  if (status !== 'queued') return;
  const isFree = waiting === undefined || (await askForTurn(parts, waiting, limits));
  if (isFree) await (waiting === undefined ? parts.wake(wakeUp) : parts.wake(wakeUp, true));
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
