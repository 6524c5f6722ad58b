/**
 * What the handler of a claimed run gives out: chunks on their way to the store.
 *
 * One write at a time. A write is sent as soon as there is something and none is in flight; what comes meanwhile travels
 * together in the next. So chunks stand in the store in the order in which they were given, and their numbers are certain
 * when a write is sent: each is the one after the newest that this owner knows.
 *
 *   source ──write──▶ waiting, at most `pendingChunkBytes` of each source ──a write──▶ stored: its promise resolves
 *
 * A source is an attempt at a step, or the handler as it was called. Its first chunk on an output begins an epoch, which is
 * the number of that chunk. When the attempt is over nothing more is taken from it, and what it gave is in front of
 * everything that a later attempt gives. So no chunk of an epoch comes after one of a newer epoch of the same step.
 *
 * Crash before a write: its chunks never were, and nobody was told that they are stored. Crash after: they are there, and
 * the step that runs again begins a new epoch behind them. No answer: the same write is sent again, with the same token.
 * A step completes only when its chunks are stored, so a stored result never has less output than it had.
 *
 * A run is not parked while a chunk waits. When the run is lost, the promises of its chunks never settle.
 */
import { encode } from '../../core/codec.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { LimitError, PawlError } from '../../core/errors.ts';
import { defaults, fixedLimits } from '../../core/limits.ts';
import type { NewChunk, WriteOutcome, WriteParams } from '../../core/outputs.ts';
import { validate } from '../../core/schema.ts';
import { outputSchema, type OutputWriter } from '../definition/outputs.ts';
import type { Bodies, Body } from './bodies.ts';
import { never } from './never.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';

const firstRetryMs = 25;
const retryMsMax = 1000;

export interface OutputParts {
  /** The newest chunk that the run had when it was claimed. */
  readonly last: number;
  readonly bodies: Pick<Bodies, 'isOver'>;
  /** Undefined when the run may be written to at once; else resolves when it may. */
  readonly ready: () => Promise<void> | undefined;
  /** All that was given is stored. */
  readonly onIdle: () => void;
  /** Redis has fewer chunks than it had acknowledged. */
  readonly onRewound: (found: number, acknowledged: number) => void;
}

/** Who gives chunks. */
interface Source {
  readonly step: string;
  readonly body: Body | undefined;
  /** By output: the number of its first chunk. */
  readonly epochs: Map<string, number>;
  /** It gives nothing more. */
  isOver: boolean;
  waiting: number;
  waitingBytes: number;
}

interface Waiting {
  readonly source: Source;
  readonly output: string;
  readonly data: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class RunOutputs {
  readonly #scope: Pick<RunScope, 'run' | 'workflow' | 'writer' | 'lost' | 'enter'>;
  readonly #services: Pick<ExecutionServices, 'store' | 'limits' | 'clock' | 'logger' | 'newToken'>;
  readonly #parts: OutputParts;
  readonly #handler: Source = newSource('', undefined);
  /** Made when the first step writes: few do. */
  #sources: WeakMap<Body, Source> | undefined;
  #waiting: Waiting[] = [];
  #idle: (() => void)[] = [];
  #last: number;
  #isFlushing = false;
  #isClosed = false;
  /** Why no chunk of this run can be stored. */
  #failure: { readonly error: unknown } | undefined;

  constructor(
    scope: Pick<RunScope, 'run' | 'workflow' | 'writer' | 'lost' | 'enter'>,
    services: Pick<ExecutionServices, 'store' | 'limits' | 'clock' | 'logger' | 'newToken'>,
    parts: OutputParts,
  ) {
    this.#scope = scope;
    this.#services = services;
    this.#parts = parts;
    this.#last = parts.last;
  }

  /** True when everything that was given is stored. */
  get isIdle(): boolean {
    return !this.#isFlushing && this.#waiting.length === 0;
  }

  /** An output, for the handler or for the body of a step. */
  open(name = 'default', body?: Body): OutputWriter {
    const { workflow } = this.#scope;
    const schema = outputSchema(workflow, name);
    const what = `chunk of output ${name}`;
    return {
      write: (chunk: unknown) => {
        const valid: unknown = schema === undefined ? chunk : validate(schema, chunk, what);
        const data = encode(valid, what, this.#services.limits.chunkBytes);
        const given = this.#give(this.#sourceOf(body), name, data);
        // Its failure is that of the step; that nobody looks here must not end the process.
        given.catch(() => undefined);
        return given;
      },
    };
  }

  /**
   * The body has returned: takes nothing more from it. Undefined when all that it gave is stored; else resolves when it is.
   * @throws what no chunk can be stored for.
   */
  settle(body: Body): Promise<void> | undefined {
    const source = this.#sources?.get(body);
    if (source === undefined) return undefined;
    source.isOver = true;
    return this.#settled(source);
  }

  /** As `settle`, of the handler and of all that is on its way. */
  async settleAll(): Promise<void> {
    this.#handler.isOver = true;
    while (!this.isIdle) await this.#becomesIdle();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The handler is left where it stands: nothing more is stored. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  #sourceOf(body: Body | undefined): Source {
    if (body === undefined) return this.#handler;
    this.#sources ??= new WeakMap();
    const known = this.#sources.get(body) ?? newSource(body.name, body);
    this.#sources.set(body, known);
    return known;
  }

  #give(source: Source, output: string, data: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isClosed || source.isOver || this.#parts.bodies.isOver(source.body)) return never();
    const bytes = source.waitingBytes + data.length;
    if (source.waiting > 0 && bytes > fixedLimits.pendingChunkBytes) {
      const what = `chunks of ${source.step || 'the handler'} that wait to be stored (bytes); await write`;
      throw new LimitError(what, fixedLimits.pendingChunkBytes, bytes);
    }
    source.waiting += 1;
    source.waitingBytes = bytes;
    const given = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ source, output, data, resolve, reject });
    });
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      // A microtask later, so that what is given in one go travels in one write.
      queueMicrotask(() => {
        this.#flush().catch((error: unknown) => this.#fail(error));
      });
    }
    return given;
  }

  async #settled(source: Source): Promise<void> {
    while (source.waiting > 0 && this.#failure === undefined) await this.#becomesIdle();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves after the next write; never when the run is lost. */
  #becomesIdle(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const ready = this.#parts.ready();
      if (ready !== undefined) await ready;
      if (!this.#isWanted()) return;
      const batch = this.#batch();
      const params = this.#params(batch);
      const outcome = await this.#persist(params);
      if (outcome === undefined || !this.#isWanted()) return;
      if (!this.#isStored(outcome, params)) return;
      this.#last = params.last + batch.length;
      this.#waiting.splice(0, batch.length);
      for (const { source, data, resolve } of batch) {
        source.waiting -= 1;
        source.waitingBytes -= data.length;
        resolve();
      }
      for (const tell of this.#idle.splice(0)) tell();
    }
    this.#isFlushing = false;
    this.#parts.onIdle();
  }

  /** The oldest that fit into one write. */
  #batch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { data } of this.#waiting) {
      bytes += data.length;
      const isFull = count === fixedLimits.chunksPerWrite || bytes > fixedLimits.bytesPerCommit;
      if (isFull && count > 0) break;
      count += 1;
    }
    return this.#waiting.slice(0, count);
  }

  #params(batch: readonly Waiting[]): WriteParams {
    const { writer, workflow } = this.#scope;
    const { bytes = defaults.keptOutputBytes, age } = workflow.definition.keepOutput ?? {};
    const keepMs = age === undefined ? {} : { keepMs: toMilliseconds(age, 'keepOutput.age') };
    const chunks = batch.map(({ source, output, data }, i): NewChunk => {
      const number = this.#last + 1 + i;
      const epoch = source.epochs.get(output) ?? number;
      source.epochs.set(output, epoch);
      return { output, step: source.step, epoch, data };
    });
    const token = this.#services.newToken();
    return { ...writer.ownership, token, last: this.#last, chunks, keepBytes: bytes, ...keepMs };
  }

  /** Sends a write until there is an answer; undefined when nobody wants it any more. */
  async #persist(params: WriteParams): Promise<WriteOutcome | undefined> {
    const { store, clock, logger } = this.#services;
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        return await store.outputs.write(params);
      } catch (error) {
        const code = PawlError.is(error) ? error.code : undefined;
        if (code === 'PAWL_CLOSED' || !this.#isWanted()) return undefined;
        // Repeating cannot cure it.
        if (code === 'PAWL_CORRUPT') throw error;
        const { run } = params;
        // Stored, but not on enough replicas: the store says so once, for all runs.
        if (code !== 'PAWL_NOT_DURABLE') {
          logger.warn({ run, error: String(error) }, 'output found no answer, trying again');
        }
        await clock.sleep(delayMs);
      }
    }
  }

  #isStored(outcome: WriteOutcome, { last }: WriteParams): boolean {
    const { writer } = this.#scope;
    switch (outcome.outcome) {
      case 'written':
        return true;
      case 'fenced':
        writer.forfeit();
        return false;
      case 'missing':
        writer.forfeit('deleted');
        return false;
      case 'conflict':
        this.#parts.onRewound(outcome.last, last);
        return false;
    }
  }

  readonly #isWanted = (): boolean => !this.#isClosed && !this.#scope.lost.aborted;

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isFlushing = false;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    for (const tell of this.#idle.splice(0)) tell();
    this.#parts.onIdle();
  }
}

function newSource(step: string, body: Body | undefined): Source {
  return { step, body, epochs: new Map(), isOver: false, waiting: 0, waitingBytes: 0 };
}
