/**
 * An existing BullMQ processor made durable: it gets a context, and when BullMQ retries its job, or finds it stalled, it
 * goes on from its last step instead of from zero.
 *
 * The job becomes a run of pawl, keyed by queue, job id and the job's time of creation. The processor starts that run, or
 * finds it, and waits for its end; the work is done by a pawl worker in the same process, or, should this process die, at
 * once by the one of another process that serves the queue. BullMQ may hand the job out again whenever it likes: whoever
 * gets it finds the same run.
 */
import { createHash } from 'node:crypto';
import { reviveError } from './core/error-record.ts';
import { DefinitionError, PawlError } from './core/errors.ts';
import { checkRunId } from './core/names.ts';
import { callback, flag, optionsOf, objectOf, schema } from './core/option-rules.ts';
import { unrecoverableIn } from './core/policy.ts';
import type { Schema } from './core/schema.ts';
import type { Context, EventSchemas, StateOf } from './engine/definition/context.ts';
import { definitionRules } from './engine/definition/definition-rules.ts';
import {
  defineWorkflow,
  type Workflow,
  type WorkflowDefinition,
} from './engine/definition/workflow.ts';
import type { RunHandle } from './engine/runs/run-handle.ts';
import type { WorkflowEvent } from './engine/runs/workflow-events.ts';
import type { WorkerOptions } from './engine/worker/settings.ts';
import { checkWorkerAlone } from './option-checks.ts';
import type { Pawl } from './pawl.ts';

/** What a processor needs of a BullMQ job; a `Job` fits. */
export interface JobLike<Data = unknown> {
  /** The id that BullMQ gave the job. It is part of the run's id. */
  readonly id?: string | undefined;
  /** The name that the job was added with. */
  readonly name: string;
  /** The BullMQ queue that the job is in. */
  readonly queueName: string;
  /**
   * When the job was added, in milliseconds since 1970. It tells apart two jobs that had the same id one after the
   * other.
   */
  readonly timestamp: number;
  /** What the job was added with. */
  readonly data: Data;
}

/** The job as the handler sees it, in any process. All of an attempt sees the same data, also after a crash. */
export interface DurableJob<Data = unknown> {
  /** The id of the BullMQ job. */
  readonly id: string;
  /** The name that the job was added with. */
  readonly name: string;
  /** The BullMQ queue that the job is in. */
  readonly queue: string;
  /** What the job had when this attempt began. */
  readonly data: Data;
}

/**
 * What a workflow may have, and how the worker that does the work is set up. `onEnd` is called when the run of a job ends:
 * after each attempt of BullMQ that fails, and after the one that does not.
 */
export interface DurableOptions<S, E extends EventSchemas, G extends EventSchemas> extends Omit<
  WorkflowDefinition<Schema, S, E, unknown, G>,
  'input' | 'run'
> {
  /** Options of the pawl worker that does the work; `concurrency` should be the BullMQ worker's. */
  readonly worker?: Omit<WorkerOptions, 'workflows'>;
  /** Accepts, with an encrypted pawl, that BullMQ keeps the job's data, result and error in clear. Default false. */
  readonly allowClearJobs?: boolean;
}

type AnyDurableOptions = DurableOptions<Schema<unknown, object>, EventSchemas, EventSchemas>;

const { input: _input, ...ownRules } = definitionRules;

const checkOptions = optionsOf<AnyDurableOptions>(
  {
    ...ownRules,
    migrate: objectOf(callback),
    upcast: objectOf(callback),
    outputs: objectOf(schema),
    worker: checkWorkerAlone,
    allowClearJobs: flag,
  },
  "{ name: 'video' }",
);

/**
 * Wraps a processor and starts the pawl worker that does its work: `new Worker('video', durable(pawl, { name: 'video' },
 * async (ctx, job) => …), { connection })`. A job that fails in BullMQ fails its run. The next attempt resumes it with
 * the data that the job has then. Finished steps keep their results. A `NonRetryableError`, or BullMQ's
 * `UnrecoverableError`, ends the job, also when a step throws it.
 * @throws DefinitionError with an encrypted pawl, unless `allowClearJobs` is set.
 */
export function durable<
  Data,
  Output,
  S extends Schema<unknown, object> = Schema<object, Record<never, never>>,
  E extends EventSchemas = Record<never, never>,
  G extends EventSchemas = Record<never, never>,
>(
  pawl: Pawl,
  options: DurableOptions<S, E, G>,
  handler: (ctx: Context<S, E, G>, job: DurableJob<Data>) => Promise<Output>,
): (job: JobLike<Data>) => Promise<Output> {
  checkOptions(options, 'durable options');
  callback(handler, 'handler');
  const { worker: workerOptions, allowClearJobs = false, ...definition } = options;
  if (pawl.isEncrypted && !allowClearJobs) {
    throw new DefinitionError(
      'This pawl encrypts, but BullMQ keeps the data, result and error of a durable job in clear. Start a workflow instead, or accept it with durable(pawl, { allowClearJobs: true }).',
    );
  }
  const workflow = defineWorkflow<Schema, S, E, Output, G>({
    ...definition,
    run: (ctx, job) => handler(ctx, job as DurableJob<Data>),
  });
  // From now on, not from the first job on: a run of a process that dies is taken over by one that never had a job.
  pawl.worker({ ...workerOptions, workflows: [workflow] });
  return async (job) => {
    const { name, queueName: queue, data } = job;
    const input: DurableJob<Data> = { id: job.id ?? '', name, queue, data };
    const run = await startOrFind(pawl, workflow, input, runIdOf(job));
    const { status } = await run.info();
    if (status === 'failed' || status === 'quarantined') {
      // The data may have been changed since: this attempt works with what it is now.
      await run.resume({ reason: 'BullMQ has retried the job', input });
    }
    try {
      return await run.result();
    } catch (error) {
      throw errorOfWork(error);
    }
  };
}

type DurableWorkflow<S, E extends EventSchemas, Output, G extends EventSchemas> = Workflow<
  Schema,
  S,
  E,
  Output,
  G
>;

/** The run of a job, whatever its data was when it was started. */
async function startOrFind<S, E extends EventSchemas, Output, G extends EventSchemas>(
  pawl: Pawl,
  workflow: DurableWorkflow<S, E, Output, G>,
  input: unknown,
  id: string,
): Promise<RunHandle<Output, StateOf<S>, G, WorkflowEvent<E>>> {
  try {
    return await pawl.start(workflow, input, { id });
  } catch (error) {
    if (!PawlError.is(error) || error.code !== 'PAWL_RUN_EXISTS') throw error;
    const run = pawl.run(workflow, id);
    if ((await run.info()).workflow !== workflow.name) throw error;
    return run;
  }
}

/** BullMQ decides by the error of the work itself whether to try again, and one of its own says that it must not. */
function errorOfWork(error: unknown): unknown {
  if (!PawlError.is(error) || error.code !== 'PAWL_RUN_FAILED') return error;
  const final = unrecoverableIn(error);
  if (final === undefined) return error.cause ?? error;
  const revived = reviveError(final);
  if (final.name === 'UnrecoverableError') return revived;
  return Object.assign(new Error(final.message, { cause: revived }), {
    name: 'UnrecoverableError',
  });
}

/** The time of creation tells a job from an earlier one with the same id. */
function runIdOf({ queueName, id, timestamp }: JobLike): string {
  const readable = `${queueName}.${id}.${timestamp}`;
  try {
    checkRunId(readable);
    return readable;
  } catch {
    // BullMQ allows ids that are no run ids.
    return createHash('sha256').update(readable).digest('hex');
  }
}
