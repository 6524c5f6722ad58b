/** Starting a run, from outside or from inside of another run. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { decode, encode } from '../../core/codec.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { InvalidError, RunError } from '../../core/errors.ts';
import type { ForkedFrom } from '../../core/event.ts';
import { defaults, type Limits } from '../../core/limits.ts';
import { checkRunId, checkTags } from '../../core/names.ts';
import type { WakeUp } from '../../core/queue.ts';
import type { RunRecord } from '../../core/run.ts';
import { validate } from '../../core/schema.ts';
import type { RunStore, SnapshotDelta } from '../../core/store.ts';
import type { Tracing } from '../../core/tracing.ts';
import { encodeRecord } from '../payloads.ts';
import { tell } from '../diagnostics.ts';
import type { StartOptions } from '../definition/start-options.ts';
import { type AnyWorkflow, checkWorkflow } from '../definition/workflow.ts';

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

/**
 * Starts a run, or finds the one that was started with the same id, workflow and input.
 * @throws InvalidError, UnstorableError, LimitError: nothing was written. RunError `PAWL_RUN_EXISTS`: the id has another
 *   workflow or input.
 */
export async function startRun(
  { store, limits, newToken, wake, tracing }: StartParts,
  workflow: AnyWorkflow,
  input: unknown,
  options: StartOptions & {
    readonly parent?: string;
    /** Of a child: the token that its parent has noted. A run that has the id and another birth is another run. */
    readonly birth?: string;
    readonly fork?: Fork;
  } = {},
): Promise<RunRecord> {
  const { id = randomUUID(), tags = {}, priority = 0, parent, birth, fork } = options;
  checkWorkflow(workflow);
  checkRunId(id);
  checkTags(tags);
  if (!Number.isInteger(priority) || priority < 0 || priority > priorityMax) {
    throw new InvalidError('priority', `must be a whole number from 0 to ${priorityMax}.`);
  }
  const delayMs = options.delay === undefined ? 0 : toMilliseconds(options.delay, 'delay');
  const { deadline } = options;
  const deadlineMs = deadline === undefined ? undefined : toMilliseconds(deadline, 'deadline');
  const schema = workflow.definition.input;
  const valid: unknown = schema === undefined ? input : validate(schema, input, 'input');
  const bytes = encode(valid, 'input', limits.inputBytes);
  const trace = tracing?.current();
  const { outcome, record } = await store.create({
    ...{ run: id, workflow: workflow.name, input: bytes, tags, delayMs, priority },
    ...(parent === undefined ? {} : { parent }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(fork === undefined ? {} : { snapshot: fork.snapshot }),
    data: encodeRecord({
      ...{ workflow: workflow.name, codeVersion: workflow.version },
      ...(fork === undefined ? {} : { forkedFrom: fork.from }),
      ...(trace === undefined ? {} : { trace }),
    }),
    token: birth ?? newToken(),
    codeVersion: workflow.version,
    resendMs: defaults.resendMs,
  });
  if (outcome === 'exists' && birth !== undefined) throw notTheChild(id, parent);
  if (outcome === 'exists') checkSame(record, workflow, bytes);
  else tell('run:started', () => ({ run: id, workflow: workflow.name }));
  if (record.status === 'queued') {
    await wake({ run: id, workflow: workflow.name, fence: record.fence, deaths: 0, priority });
  }
  return record;
}

function notTheChild(id: string, parent: string | undefined): RunError {
  return new RunError(
    'PAWL_RUN_EXISTS',
    id,
    `Run ${id} exists and is no child of run ${parent}; nothing was written. Give the child another name with { as }, or delete the run that is there.`,
  );
}

function checkSame(record: RunRecord, workflow: AnyWorkflow, input: Uint8Array): void {
  const { id } = record;
  const stored = decode(record.input, { key: `run ${id}, input` });
  const isSame = isDeepStrictEqual(stored, decode(input, { key: 'input' }));
  if (record.workflow === workflow.name && isSame) return;
  const other = record.workflow === workflow.name ? 'another input' : `workflow ${record.workflow}`;
  throw new RunError(
    'PAWL_RUN_EXISTS',
    id,
    `Run ${id} exists with ${other}; nothing was written. Choose another id, or read the run that is there.`,
  );
}
