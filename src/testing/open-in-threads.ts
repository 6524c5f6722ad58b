/**
 * Workers as threads of one process, over a store in its memory: a worker can be killed in the middle of a step where there
 * is no Redis, and another thread takes its runs over. Nothing is durable: the end of the process loses all.
 */
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobOptions } from '../blobs/options.ts';
import { checkClose, type CloseOptions } from '../core/closing.ts';
import { detach } from '../core/detached.ts';
import { DefinitionError } from '../core/errors.ts';
import { loggerFor } from '../core/log-lines.ts';
import type { Logger } from '../core/logger.ts';
import { anything, listOf, objectOf, optionsOf, text } from '../core/option-rules.ts';
import type { EncryptionOptions } from '../encryption/keyring.ts';
import { MemoryResumeQueue } from '../memory/resume-queue.ts';
import { MemoryRunStore } from '../memory/run-store.ts';
import type { Limits } from '../core/limits.ts';
import { Pawl } from '../pawl.ts';
import { RemoteResumeQueue, remoteStore } from '../threads/remote-parts.ts';
import { ServedThread } from '../threads/served-thread.ts';
import { Wire } from '../threads/wire.ts';

/** What each thread of `openInThreads` may be given, and the process itself. All are to be given the same. */
export interface InThreadsOptions {
  /** As in `Pawl.open`: warnings and errors are shown, unless it is `false`. */
  readonly logger?: Logger | false;
  /** Other limits than the usual ones, in bytes: see `Limits`. */
  readonly limits?: Partial<Limits>;
  /** As in `Pawl.open`. */
  readonly encryption?: EncryptionOptions;
  /** As in `Pawl.open`; all threads must reach the same blob store, so one in memory does not do. */
  readonly blobs?: BlobOptions;
}

/** How a thread is started. */
export interface ThreadOptions {
  /** What `pawlInThread` returns as `data` there: anything that a structured clone carries. */
  readonly data?: unknown;
  /** Arguments of the thread, as in `process.argv` after the first two. Default: none. */
  readonly argv?: readonly string[];
  /** The environment of the thread. Default: a copy of the process' own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a thread has ended. */
export interface ThreadEnd {
  /** `terminate` was called. */
  readonly terminated: boolean;
  /** The exit code of the thread; 1 when it was terminated, or has thrown. */
  readonly code: number;
  /** What the thread has thrown and nobody caught; undefined when nothing. */
  readonly error: unknown;
}

const checkOpen = optionsOf<InThreadsOptions>({
  logger: anything,
  limits: anything,
  encryption: anything,
  blobs: anything,
});
const checkThread = optionsOf<ThreadOptions>({
  data: anything,
  argv: listOf(text),
  env: objectOf(text),
});

const graceMs = 10_000;
const spareMs = 2_000;

/** What a thread is started with, beside the data of its user. */
interface StartData {
  readonly pawlPort: MessagePort;
  readonly data: unknown;
}

/**
 * A pawl in the memory of this process, for workers in threads of it: `start` starts one from a file that calls
 * `pawlInThread`. Runs go on when a thread is terminated, and end with the process: nothing is durable.
 *
 *     await using threads = openInThreads();
 *     const first = threads.start(new URL('./worker.js', import.meta.url));
 *     threads.start(new URL('./worker.js', import.meta.url));
 *     const run = await threads.pawl.start(order, input);
 *     await first.terminate(); // as kill -9 does: the other thread takes over
 *     expect(await run.result()).toEqual(…);
 *
 * @throws InvalidError for an option that does not fit.
 */
export function openInThreads(options: InThreadsOptions = {}): PawlThreads {
  checkOpen(options, 'openInThreads options');
  return new PawlThreads(options);
}

/** What `openInThreads` returns: the pawl of this thread, and the threads that it has started. */
export class PawlThreads implements AsyncDisposable {
  /** Starts and watches runs; a worker that it makes is in this thread, and cannot be terminated. */
  readonly pawl: Pawl;
  readonly #parts = { store: new MemoryRunStore(), queue: new MemoryResumeQueue() };
  readonly #living = new Set<PawlThread>();
  readonly #logger: Logger;

  /** @internal */
  constructor(options: InThreadsOptions) {
    this.#logger = loggerFor(options.logger, {
      host: process,
      out: console,
      now: () => new Date(),
    });
    this.pawl = Pawl.assemble({ ...options, ...this.#parts });
  }

  /**
   * Starts a thread from a file.
   * @throws InvalidError for an option that does not fit. What the file itself throws ends its thread, and is logged.
   */
  start(file: string | URL, options: ThreadOptions = {}): PawlThread {
    checkThread(options, 'thread options');
    const { port1, port2 } = new MessageChannel();
    const { data, argv, env } = options;
    const started: StartData = { pawlPort: port2, data };
    const worker = new Worker(file, {
      workerData: started,
      transferList: [port2],
      ...(argv === undefined ? {} : { argv: [...argv] }),
      ...(env === undefined ? {} : { env: { ...env } }),
    });
    const thread = new PawlThread(worker, new ServedThread(port1, this.#parts), (error) => {
      this.#logger.error({ thread: worker.threadId, error: String(error) }, 'a thread has failed');
    });
    this.#living.add(thread);
    detach(
      thread.ended.then(() => this.#living.delete(thread)),
      () => undefined,
    );
    return thread;
  }

  /** Closes the threads, each as `PawlThread.close` does, then the pawl; with it all runs are gone. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkClose(options, 'close options');
    await Promise.all([...this.#living].map((thread) => thread.close(options)));
    await this.pawl.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A thread that `PawlThreads.start` has started. */
export class PawlThread {
  /** The thread itself, for messages of your own. */
  readonly worker: Worker;
  /** Resolves when the thread has ended, however it did. Never rejects. */
  readonly ended: Promise<ThreadEnd>;
  readonly #served: ServedThread;
  #terminated = false;

  /** @internal */
  constructor(worker: Worker, served: ServedThread, failed: (error: unknown) => void) {
    this.worker = worker;
    this.#served = served;
    this.ended = new Promise((resolve) => {
      let thrown: unknown;
      worker.once('error', (error) => {
        thrown = error;
        failed(error);
      });
      worker.once('exit', (code) => {
        served.over();
        resolve({ terminated: this.#terminated, code, error: thrown });
      });
    });
  }

  /** Ends the thread at once, in the middle of whatever it does. Other threads take its runs over. */
  async terminate(): Promise<void> {
    this.#terminated = true;
    await this.worker.terminate();
    await this.ended;
  }

  /** Lets the thread hand its runs back, as SIGTERM lets a worker process, and ends it. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkClose(options, 'close options');
    const closed = this.#served.ask('close', [options]).catch(() => undefined);
    // A thread that hangs, or whose file has never asked for its pawl, is not waited for any longer.
    const late = sleep((options.graceMs ?? graceMs) + spareMs, undefined, { ref: false });
    await Promise.race([closed, this.ended, late]);
    await this.worker.terminate();
    await this.ended;
  }
}

/** What `pawlInThread` returns. */
export interface PawlInThread {
  /** Makes workers in this thread, over the store of the thread that has started it. */
  readonly pawl: Pawl;
  /** What `start` was given as `data`. */
  readonly data: unknown;
}

/** Whether this thread was started by `PawlThreads.start`. */
function isPawlThread(): boolean {
  return !isMainThread && (workerData as Partial<StartData> | null)?.pawlPort !== undefined;
}

/**
 * The pawl of a thread that `PawlThreads.start` has started. Call it once, in the file of the thread.
 * @throws DefinitionError in any other thread; InvalidError for an option that does not fit.
 */
export function pawlInThread(options: InThreadsOptions = {}): PawlInThread {
  checkOpen(options, 'pawlInThread options');
  if (!isPawlThread()) {
    throw new DefinitionError('pawlInThread is for a thread that PawlThreads.start has started.');
  }
  const { pawlPort, data } = workerData as StartData;
  const wire = new Wire(pawlPort, (_, [close]) => pawl.close(close as CloseOptions));
  const parts = { store: remoteStore(wire), queue: new RemoteResumeQueue(wire) };
  const pawl = Pawl.assemble({ ...options, ...parts });
  return { pawl, data };
}
