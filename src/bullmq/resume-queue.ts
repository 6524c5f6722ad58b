/**
 * The resume queue on BullMQ: one queue for each workflow, so that wake-ups wait for workers that know it and dashboards
 * show each workflow by itself.
 *
 * Why a job looks as it does:
 * - No job id, but a deduplication id made of run and fence, with `keepLastIfActive`: the only combination that lost no
 *   wake-up when many were sent to a run at work. With the fence in it, the wake-up after a take-over does not wait behind
 *   the dead worker's job, which BullMQ would hold for a minute.
 * - No payload beyond run, workflow and fence: everything else is in the store, where it is fenced. The name of the job has
 *   the id of the run for people, who see it in lists that do not show data.
 * - One attempt, and any number of stalls: pawl counts what went wrong by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectionOptions,
  type Job,
  type JobsOptions,
  Queue,
  type QueueBaseOptions,
  UnrecoverableError,
  Worker,
} from 'bullmq';
import { z } from 'zod';
import { PawlError, UnavailableError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type {
  Consumer,
  ConsumeOptions,
  Delivery,
  FailedDelivery,
  QueueDepth,
  ResumeQueue,
  SendOptions,
  Settled,
  WakeUp,
} from '../core/queue.ts';
import { within } from '../core/within.ts';
import { canaryName, depthOf, sendCanary } from './depth.ts';
import { FailedJobs, keepFailedJobs } from './failed-jobs.ts';
import { type Evaluate, QueueLooks } from './queue-looks.ts';
import { isPlain, Places } from './short-way.ts';

/** BullMQ's own queue of a workflow. */
export type BullQueue = Queue;

/** What BullMQ takes as `telemetry`, such as a `BullMQOtel` of the package bullmq-otel. */
export type BullTelemetry = NonNullable<QueueBaseOptions['telemetry']>;

export interface BullQueueOptions {
  /** Makes a connection of its own for each purpose; the queue closes what it was given. */
  readonly connect: (purpose: { readonly blocking: boolean }) => ConnectionOptions & Closable;
  /** Prefix of all keys; with a hash tag, so that a queue's keys share a slot. */
  readonly prefix: string;
  /** For a server that does not tell its version; BullMQ then uses nothing newer than it must. Default false. */
  readonly skipVersionCheck?: boolean;
  /** Failed jobs do not say why: what runs hold is encrypted, and BullMQ keeps its texts in clear. Default false. */
  readonly hidesErrors?: boolean;
  /** Given to BullMQ as it is. Default: none. */
  readonly telemetry?: BullTelemetry | undefined;
  /** Wake-ups may go straight to a consumer of this process: see `short-way.ts`. Default true. */
  readonly shortWay?: boolean | undefined;
  /** Over the connection of the store, to look at a queue: see `queue-looks.ts`. */
  readonly evaluate: Evaluate;
  readonly logger: Logger;
}

/** A consumer of this process, for the wake-ups of one workflow. */
interface Neighbour {
  readonly places: Places;
  readonly handle: (wakeUp: WakeUp) => Promise<Delivery>;
  /** Handlers that it has by the short way. */
  readonly atWork: Set<Promise<void>>;
}

/** One workflow of a consumer. */
interface Side {
  readonly workflow: string;
  readonly worker: Worker;
  readonly neighbour: Neighbour;
}

type Begun = Parameters<NonNullable<Consumer['begin']>>[1];

interface Closable {
  disconnect(): void;
}

/** Queues can be written to by others: what comes out is checked. */
const wakeUpSchema = z.object({
  run: z.string(),
  workflow: z.string(),
  fence: z.number().int().nonnegative(),
  losses: z.number().int().nonnegative(),
  priority: z.number().int().nonnegative().optional(),
});

/** In a job that is there only for people to see: its wake-up went the short way, and its run has failed. */
const failureSchema = z.object({
  failed: z.object({ text: z.string(), stack: z.string().optional() }),
});
type Failure = z.infer<typeof failureSchema>;

/** BullMQ's `close` hangs while Redis is away; after this it loses its connections. */
const closeMs = 5_000;

export class BullResumeQueue implements ResumeQueue {
  readonly #options: BullQueueOptions;
  readonly #connection: ConnectionOptions & Closable;
  readonly #queues = new Map<string, Queue>();
  readonly #looksAt = new WeakMap<Queue, QueueLooks>();
  readonly #consumers = new Set<Consumer>();
  /** Connections of consumers that are not closed yet. */
  readonly #consuming = new Set<Closable>();
  readonly #failed: FailedJobs;
  readonly #neighbours = new Map<string, Set<Neighbour>>();
  /** Wake-ups on the short way, by their deduplication ids: true for one that was sent again meanwhile. */
  readonly #short = new Map<string, boolean>();
  #closed = false;

  constructor(options: BullQueueOptions) {
    this.#options = options;
    this.#connection = options.connect({ blocking: false });
    this.#failed = new FailedJobs({
      queue: (workflow) => this.#queue(workflow),
      toWakeUp: bullWakeUp,
    });
  }

  async send(wakeUp: WakeUp, options: SendOptions = {}): Promise<void> {
    if (this.#closed) throw closedError();
    const parsed = wakeUpSchema.parse(wakeUp);
    const id = deduplicationId(parsed);
    const isSame = options.again !== true && this.#short.has(id);
    if (isSame) this.#short.set(id, true);
    else if (!(await this.#sendShort(parsed, options))) await this.#add(parsed, options);
  }

  async #add(wakeUp: WakeUp & Partial<Failure>, options: SendOptions): Promise<void> {
    const queue = this.#queue(wakeUp.workflow);
    const id = deduplicationId(wakeUp);
    const job = async (): Promise<JobsOptions> => ({
      deduplication: {
        id: options.again === true ? await freeId(queue, id) : id,
        keepLastIfActive: true,
      },
      removeOnComplete: true,
      removeOnFail: { count: keepFailedJobs },
      attempts: 1,
      // BullMQ serves jobs without a priority before all others, and knows no front among those with one.
      ...(wakeUp.priority === undefined || wakeUp.priority === 0
        ? { lifo: options.urgent ?? false }
        : { priority: wakeUp.priority }),
    });
    try {
      await queue.add(`resume ${wakeUp.run}`, wakeUp, await job());
    } catch (error) {
      this.#forget(wakeUp.workflow, queue);
      throw error;
    }
  }

  /** False when it has to be a job. */
  async #sendShort(wakeUp: WakeUp, { again, elsewhere }: SendOptions): Promise<boolean> {
    if (!this.#isShortOpen || again === true || elsewhere === true || !isPlain(wakeUp))
      return false;
    const neighbours = this.#neighbours.get(wakeUp.workflow) ?? [];
    const neighbour = [...neighbours].find(({ places }) => places.take());
    if (neighbour === undefined) return false;
    const id = deduplicationId(wakeUp);
    this.#short.set(id, false);
    const goes = await this.#looks(wakeUp.workflow).isClear(id);
    if (!goes || this.#closed) {
      this.#short.delete(id);
      neighbour.places.leave();
      return false;
    }
    this.#begin(neighbour, wakeUp, id, () => neighbour.handle(wakeUp));
    return true;
  }

  /** The wake-up of a run that is about to be made; see `Consumer.begin`. */
  #beginNew(sides: readonly Side[], wakeUp: WakeUp, handle: Begun): boolean {
    const side = sides.find(({ workflow }) => workflow === wakeUp.workflow);
    const id = deduplicationId(wakeUp);
    const isOpen = !this.#closed && this.#isShortOpen && isPlain(wakeUp) && !this.#short.has(id);
    if (side === undefined || !isOpen || !side.neighbour.places.takeNew()) return false;
    const { places } = side.neighbour;
    this.#short.set(id, false);
    const looked = this.#looks(wakeUp.workflow).isClear(id);
    const isClear = looked.then((clear) => places.found(clear) && !this.#closed);
    this.#begin(side.neighbour, wakeUp, id, () => handle(isClear));
    return true;
  }

  #begin(neighbour: Neighbour, wakeUp: WakeUp, id: string, handle: () => Promise<Delivery>): void {
    const work = this.#handleShort(neighbour, wakeUp, id, handle).finally(() => {
      neighbour.atWork.delete(work);
    });
    neighbour.atWork.add(work);
  }

  /** Never rejects. */
  async #handleShort(
    neighbour: Neighbour,
    wakeUp: WakeUp,
    id: string,
    handle: () => Promise<Delivery>,
  ): Promise<void> {
    let left: (WakeUp & Partial<Failure>) | undefined;
    try {
      const delivery = await handle();
      if (delivery.outcome === 'declined') left = wakeUp;
      if (delivery.outcome === 'failed') left = { ...wakeUp, ...this.#toFailure(delivery) };
    } catch (error) {
      this.#options.logger.warn({ ...wakeUp, error: String(error) }, 'a wake-up was not handled');
    }
    neighbour.places.leave();
    const wasSentAgain = this.#short.get(id) === true;
    this.#short.delete(id);
    if (this.#closed) return;
    try {
      if (left !== undefined) await this.#add(left, {});
      if (wasSentAgain) await this.#add(wakeUp, {});
    } catch (error) {
      this.#warn(wakeUp.workflow, error as Error);
    }
  }

  #toFailure(delivery: Extract<Delivery, { outcome: 'failed' }>): Failure {
    const { message, stack } = failureOf(delivery, this.#options.hidesErrors !== true);
    return { failed: { text: message, ...(stack === undefined ? {} : { stack }) } };
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    if (this.#closed) throw closedError();
    const connection = this.#options.connect({ blocking: true });
    this.#consuming.add(connection);
    const sides = options.workflows.map((workflow) => this.#side(workflow, connection, options));
    const workers = sides.map(({ worker }) => worker);
    try {
      const ready = workers.map((worker) => worker.waitUntilReady());
      await Promise.all([...ready, ...options.workflows.map((workflow) => this.#warmUp(workflow))]);
    } catch (error) {
      this.#consuming.delete(connection);
      connection.disconnect();
      for (const worker of workers) worker.close(true).catch(() => undefined);
      throw this.#closed ? closedError() : toFault(error);
    }
    for (const { workflow, neighbour } of sides) this.#neighboursOf(workflow).add(neighbour);
    let closing: Promise<void> | undefined;
    const consumer: Consumer = {
      begin: (wakeUp, handle) => this.#beginNew(sides, wakeUp, handle),
      reaches: async (workflow, ms) => (await sendCanary(this.#queue(workflow), ms)) !== undefined,
      close: () => {
        closing ??= (async () => {
          this.#consumers.delete(consumer);
          for (const { workflow, neighbour } of sides) {
            neighbour.places.close();
            this.#neighboursOf(workflow).delete(neighbour);
          }
          const short = sides.flatMap(({ neighbour }) => [...neighbour.atWork]);
          const closed = Promise.all([...workers.map((worker) => worker.close()), ...short]);
          await inTime(closed);
          // What BullMQ still waits for comes back with an error then.
          connection.disconnect();
          await inTime(closed);
          this.#consuming.delete(connection);
        })();
        return closing;
      },
    };
    this.#consumers.add(consumer);
    return consumer;
  }

  inspect(workflow: string): Promise<QueueDepth> {
    return this.#ask(workflow, (queue) => depthOf(queue, this.#options.prefix));
  }

  isPaused(workflow: string): Promise<boolean> {
    return this.#ask(workflow, (queue) => queue.isPaused());
  }

  pause(workflow: string, paused: boolean): Promise<void> {
    return this.#ask(workflow, (queue) => (paused ? queue.pause() : queue.resume()));
  }

  canary(workflow: string, ms: number): Promise<number | undefined> {
    return this.#ask(workflow, async (queue) => {
      const taken = await sendCanary(queue, ms);
      return taken === 'paused' ? undefined : taken;
    });
  }

  failures(workflow: string, offset: number, limit: number): Promise<readonly FailedDelivery[]> {
    return this.#ask(workflow, () => this.#failed.list(workflow, offset, limit));
  }

  forget(workflow: string, jobs: readonly string[]): Promise<void> {
    return this.#ask(workflow, () => this.#failed.forget(workflow, jobs));
  }

  settle(settled: Settled): void {
    if (!this.#closed) this.#failed.settle(settled);
  }

  /** BullMQ's own queue of a workflow, which stays ours: whoever looks into it does not close it. */
  bull(workflow: string): BullQueue {
    if (this.#closed) throw closedError();
    return this.#queue(workflow);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    await inTime(this.#failed.end());
    // Of consumers whose closing takes its time because Redis is away.
    for (const connection of this.#consuming) connection.disconnect();
    for (const queue of this.#queues.values()) {
      // A queue holds no connection of its own, so there is nothing to wait for.
      queue.close().catch(() => undefined);
    }
    this.#connection.disconnect();
  }

  async #ask<Answer>(workflow: string, ask: (queue: Queue) => Promise<Answer>): Promise<Answer> {
    if (this.#closed) throw closedError();
    const queue = this.#queue(workflow);
    try {
      return await ask(queue);
    } catch (error) {
      this.#forget(workflow, queue);
      throw toFault(error);
    }
  }

  /** Who consumes will send wake-ups as well, those of a lost worker in a hurry: connecting then would take half of it. */
  async #warmUp(workflow: string): Promise<void> {
    const queue = this.#queue(workflow);
    await queue.waitUntilReady().catch(() => this.#forget(workflow, queue));
    // So the first wake-up that matters does not compile the check of wake-ups.
    wakeUpSchema.safeParse({ run: '', workflow, fence: 0, losses: 0 });
  }

  #looks(workflow: string): QueueLooks {
    const queue = this.#queue(workflow);
    const known = this.#looksAt.get(queue);
    if (known !== undefined) return known;
    const looks = new QueueLooks(queue, this.#options.evaluate);
    this.#looksAt.set(queue, looks);
    return looks;
  }

  /** BullMQ remembers a first connection that failed for good: the next wake-up makes the queue anew. */
  #forget(workflow: string, queue: Queue): void {
    if (this.#queues.get(workflow) === queue) this.#queues.delete(workflow);
    queue.close().catch(() => undefined);
  }

  #queue(workflow: string): Queue {
    const known = this.#queues.get(workflow);
    if (known !== undefined) return known;
    const queue = new Queue(workflow, {
      connection: this.#connection,
      prefix: this.#options.prefix,
      skipVersionCheck: this.#options.skipVersionCheck ?? false,
      ...this.#telemetry,
      streams: { events: { maxLen: 1000 } },
    });
    queue.on('error', (error) => this.#warn(workflow, error));
    this.#queues.set(workflow, queue);
    return queue;
  }

  #neighboursOf(workflow: string): Set<Neighbour> {
    const known = this.#neighbours.get(workflow) ?? new Set();
    this.#neighbours.set(workflow, known);
    return known;
  }

  #side(workflow: string, connection: ConnectionOptions, options: ConsumeOptions): Side {
    const { concurrency = options.concurrency, rate } = options.paces?.[workflow] ?? {};
    const inClear = this.#options.hidesErrors !== true;
    const places = new Places(concurrency, rate !== undefined);
    const process = (job: Job): Promise<void> => deliver(job, options, places, inClear);
    const worker = new Worker(workflow, process, {
      connection,
      prefix: this.#options.prefix,
      skipVersionCheck: this.#options.skipVersionCheck ?? false,
      ...this.#telemetry,
      concurrency,
      ...(rate === undefined ? {} : { limiter: { max: rate.max, duration: rate.perMs } }),
      lockDuration: 30_000,
      stalledInterval: 30_000,
      maxStalledCount: 1e9,
    });
    worker.on('error', (error) => this.#warn(workflow, error));
    places.serve(worker);
    const noDashboard = (): void => undefined;
    const handle = (wakeUp: WakeUp): Promise<Delivery> => options.handle(wakeUp, noDashboard, true);
    return { workflow, worker, neighbour: { places, handle, atWork: new Set() } };
  }

  get #isShortOpen(): boolean {
    return this.#options.shortWay !== false && this.#options.telemetry === undefined;
  }

  get #telemetry(): Pick<QueueBaseOptions, 'telemetry'> {
    const { telemetry } = this.#options;
    return telemetry === undefined ? {} : { telemetry };
  }

  #warn(workflow: string, error: Error): void {
    if (!this.#closed) {
      this.#options.logger.warn({ workflow, error: error.message }, 'resume queue connection');
    }
  }
}

/**
 * A deduplication id that no job at work stands behind. A worker that took a job and died before its claim leaves the job
 * at work for up to a minute, and BullMQ would hold back every wake-up with the same id for as long.
 */
async function freeId(queue: Queue, id: string): Promise<string> {
  for (let copy = 0; ; copy++) {
    const candidate = copy === 0 ? id : `${id}:${copy}`;
    const jobId = await queue.getDeduplicationJobId(candidate);
    if (jobId === null || (await queue.getJobState(jobId)) !== 'active') return candidate;
  }
}

/** The wake-up in a job's data; undefined when it is none. */
export function bullWakeUp(data: unknown): WakeUp | undefined {
  const parsed = wakeUpSchema.safeParse(data);
  return parsed.success ? parsed.data : undefined;
}

async function deliver(
  job: Job,
  options: ConsumeOptions,
  places: Places,
  inClear: boolean,
): Promise<void> {
  if (job.name === canaryName) return;
  const wakeUp = bullWakeUp(job.data);
  if (wakeUp === undefined) throw new UnrecoverableError('not a wake-up of pawl');
  const failure = failureSchema.safeParse(job.data);
  if (failure.success && job.attemptsMade === 0) throw toError(failure.data.failed);
  // Jobs have one attempt: who tries again is a person.
  const isRetry = job.attemptsMade > 0 && options.retry !== undefined;
  const wanted = isRetry ? await options.retry(wakeUp) : wakeUp;
  const report = (fraction: number): void => {
    // Only a picture for people: nothing depends on it.
    job.updateProgress(Math.round(fraction * 100)).catch(() => undefined);
  };
  const delivery = await places.forJob(() => options.handle(wanted, report));
  if (delivery.outcome === 'failed') throw failureOf(delivery, inClear);
}

/** What BullMQ keeps of a failure, in clear: why the run failed, where its errors are not encrypted. */
function failureOf({ reason, error }: Extract<Delivery, { outcome: 'failed' }>, inClear: boolean) {
  return inClear && error !== undefined ? toError(error) : new UnrecoverableError(reason);
}

function toError({ text, stack }: { text: string; stack?: string | undefined }): Error {
  const failure = new UnrecoverableError(text);
  if (stack !== undefined) failure.stack = stack;
  return failure;
}

/** One wake-up waits, or is handled, once at a time. */
function deduplicationId({ run, fence }: Pick<WakeUp, 'run' | 'fence'>): string {
  return `${run}:${fence}`;
}

/** Waits for `closed`, but not longer than anybody should. */
function inTime(closed: Promise<unknown>): Promise<boolean> {
  const patience = (ms: number, signal: AbortSignal): Promise<void> =>
    sleep(ms, undefined, { signal }).catch(() => undefined);
  return within(patience, closeMs, closed);
}

/** BullMQ gives a consumer up whose first connection is cut, however soon the next one would be there. */
function toFault(error: unknown): unknown {
  const isCut = /Connection is closed|ECONN|EPIPE|ETIMEDOUT/.test(String(error));
  return isCut ? new UnavailableError('consume', 'not-applied', error) : error;
}

function closedError(): PawlError {
  return new PawlError('PAWL_CLOSED', 'The resume queue is closed.');
}
