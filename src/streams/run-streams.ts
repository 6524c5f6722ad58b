/**
 * Streams that a producer of one's own writes, and that anybody reads: a stream is a run without a workflow, and its chunks
 * are the output of that run. For the stores of streams that other frameworks want.
 *
 *   nothing ──open──▶ owned by a lease ──append──▶ … ──finish──▶ ended ──its time is over──▶ nothing
 *                        │      ▲
 *                        └ take over: a new lease, and the old one writes nothing any more
 *
 * A lease is fence and token of a claim. Each write compares both in the script that writes, so a producer that was replaced
 * can add nothing, however late its write comes. Crash of a producer: what was acknowledged is there, and the stream has no
 * end until somebody takes it over, or its time is over. Crash between the making of a run and its claim: the next one who
 * opens the stream claims it. Of those who open one at the same time, the script of the claim lets one in.
 */
import { hostname } from 'node:os';
import type { Checkpointer } from '../core/checkpointer.ts';
import { decode, encode } from '../core/codec.ts';
import { detach } from '../core/detached.ts';
import { PawlError, RunError } from '../core/errors.ts';
import { fixedLimits } from '../core/limits.ts';
import type { StoredChunk } from '../core/outputs.ts';
import { isEnded, type RunRecord } from '../core/run.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import type { Ownership } from '../core/store.ts';
import { IdleLoops } from '../engine/loop/idle-loops.ts';
import { StoreCheckpointer } from '../engine/loop/store-checkpointer.ts';
import { type LoopParts, loopVersion } from '../engine/loop/store-loop-log.ts';
import { encodeRecord } from '../engine/payloads.ts';
import { changesOf } from '../engine/runs/changes.ts';
import { OutputReader } from '../engine/runs/output-reader.ts';

/** Which runs the streams are, and how they are called. */
export interface StreamKind {
  /** As a kind of loop. */
  readonly workflow: string;
  /** The id of the run of a stream. */
  readonly runOf: (name: string) => string;
  /** Of the runs' output. */
  readonly output: string;
}

/** How a stream has ended. */
export type StreamEnd =
  | { readonly status: 'done' }
  | { readonly status: 'error'; readonly error: string };

/** `superseded`: another lease has the stream. `ended`, `missing`: nobody can write to it. Nothing was written. */
export type AppendOutcome =
  | { readonly outcome: 'appended'; readonly numbers: readonly number[] }
  | { readonly outcome: 'superseded' | 'ended' | 'missing' };

export interface ReadChunk {
  readonly number: number;
  readonly value: unknown;
}

interface Writer extends Ownership {
  readonly queue: SerialQueue;
  /** The number of the newest chunk that is known. */
  last: number;
}

interface About {
  readonly stream: string;
  readonly ttlMs: number;
}

const firstRetryMs = 25;
const retryMsMax = 1_000;

export class RunStreams {
  readonly #parts: LoopParts;
  readonly #kind: StreamKind;
  readonly #idle: IdleLoops;
  readonly #writers = new Map<string, Writer>();

  /** @throws InvalidError for a pawl with a checkpointer of somebody else's. */
  constructor(checkpointer: Checkpointer, kind: StreamKind) {
    this.#parts = StoreCheckpointer.partsOf(checkpointer);
    this.#kind = kind;
    this.#idle = new IdleLoops(checkpointer, this.#parts, kind.workflow, async ({ run }, now) => {
      const record = await this.#parts.store.record(run);
      return record !== undefined && (await this.#isOver(record, now));
    });
  }

  /** Makes the stream; resolves with its lease. Undefined when there is one by this name. */
  async open(name: string, ttlMs: number): Promise<string | undefined> {
    const { store, logger } = this.#parts;
    detach(this.#idle.sweep(ttlMs), (error) => {
      logger.warn({ error: String(error) }, 'Streams that are over could not be deleted yet.');
    });
    for (;;) {
      const made = await this.#make(name, ttlMs);
      const { record } = made;
      const now = made.outcome === 'created' ? undefined : await store.observation.now();
      if (now !== undefined && (await this.#isOver(record, now))) {
        await this.#idle.delete({ ...record, run: record.id });
        continue;
      }
      const claimed = await this.#claim(record.id, 0);
      if (claimed !== null) return claimed;
    }
  }

  /** A new lease of a stream that has not ended, whoever has it; what is there stays. Undefined when there is none. */
  async takeOver(name: string): Promise<string | undefined> {
    const record = await this.#living(name);
    if (record === undefined) return undefined;
    const claimed = await this.#claim(record.id, record.fence);
    return claimed ?? undefined;
  }

  /** Adds values, each as a chunk; resolves when they are stored. @throws UnstorableError, LimitError. */
  async append(name: string, lease: string, values: readonly unknown[]): Promise<AppendOutcome> {
    const { limits } = this.#parts;
    const chunks = values.map((value) => encode(value, 'chunk', limits.chunkBytes));
    const writer = await this.#writer(name, lease);
    if (writer === undefined) return { outcome: 'missing' };
    return writer.queue.run(async () => {
      const numbers: number[] = [];
      for (const group of inGroups(chunks)) {
        const outcome = await this.#write(writer, group);
        if (outcome !== 'written') return { outcome: await this.#refusal(writer, outcome) };
        numbers.push(...group.map((_, i) => writer.last - group.length + 1 + i));
      }
      return { outcome: 'appended', numbers };
    });
  }

  /** Ends the stream. False when it has ended before, or the lease has it no more; undefined when there is none. */
  async finish(name: string, lease: string, end: StreamEnd): Promise<boolean | undefined> {
    const writer = await this.#writer(name, lease);
    if (writer === undefined) return undefined;
    return writer.queue.run(async () => {
      const { store, newToken } = this.#parts;
      const record = await store.record(writer.run);
      if (record === undefined) return undefined;
      this.#writers.delete(lease);
      if (isEnded(record.status)) return false;
      const { ttlMs } = this.#aboutOf(record);
      const commit = {
        ...ownershipOf(writer),
        token: newToken(),
        expectedSeq: record.seq,
        events: [{ type: 'run.completed', data: encodeRecord({}) }],
        release: { status: 'completed', output: encodeRecord(end), keepMs: ttlMs } as const,
      };
      const done = await this.#answered(() => store.commit(commit));
      return done.outcome === 'committed' || (done.outcome === 'fenced' && done.applied);
    });
  }

  /** Whether it goes on, or how it has ended; undefined when there is none. */
  async status(name: string): Promise<'streaming' | StreamEnd | undefined> {
    const record = await this.#living(name);
    if (record === undefined) return undefined;
    return this.#endOf(record) ?? 'streaming';
  }

  /** What is there now. */
  async kept(name: string): Promise<readonly ReadChunk[]> {
    const record = await this.#living(name);
    if (record === undefined) return [];
    const reader = new OutputReader(this.#parts.store, record.id, 0);
    const all: ReadChunk[] = [];
    for (;;) {
      const page = await reader.page();
      if (page.length === 0) break;
      all.push(...page.map((chunk) => toRead(record.id, chunk)));
    }
    return all;
  }

  /**
   * What is kept after a number, then what comes, until the stream ends; returns its end. Undefined: it was deleted, or
   * `signal` has stopped the reader.
   * @throws RunError `PAWL_RUN_NOT_FOUND` when there is none, or when its time is over.
   */
  async *read(
    name: string,
    after: number,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadChunk, StreamEnd | undefined, undefined> {
    const found = await this.#living(name);
    if (found === undefined) throw notFound(this.#kind.runOf(name), name);
    const { id: run, birth } = found;
    const { store } = this.#parts;
    const reader = new OutputReader(store, run, after);
    const isStopped = (): boolean => signal?.aborted === true;
    for await (const _ of changesOf(this.#parts, run, { signal, of: 'output' })) {
      let end: StreamEnd | undefined;
      for (let count = 0; ; count += 1) {
        const page = await reader.page();
        // Read after the page: so the page is of this stream, and not of the next one under its name.
        const record = await store.record(run);
        if (record?.birth !== birth) return undefined;
        for (const chunk of page) {
          if (isStopped()) return undefined;
          yield toRead(run, chunk);
        }
        if (isStopped()) return undefined;
        if (page.length > 0) continue;
        // Chunks may have come between the empty page and the end.
        if (end !== undefined) return end;
        end = this.#endOf(record);
        if (end !== undefined) continue;
        if (count === 0 && (await this.#isOver(record))) throw notFound(run, name);
        break;
      }
    }
    return undefined;
  }

  /** Deletes the stream, whoever writes it. */
  async delete(name: string): Promise<void> {
    const run = this.#kind.runOf(name);
    for (;;) {
      const record = await this.#parts.store.record(run);
      if (record === undefined || (await this.#idle.delete({ ...record, run }))) return;
    }
  }

  async #make(name: string, ttlMs: number) {
    const { store, newToken } = this.#parts;
    const run = this.#kind.runOf(name);
    const workflow = `loop~${this.#kind.workflow}`;
    const about: About = { stream: name, ttlMs };
    const made = await store.create({
      run,
      workflow,
      input: encodeRecord(about),
      tags: {},
      data: encodeRecord({ workflow: this.#kind.workflow }),
      token: newToken(),
      resendMs: ttlMs,
      unmanaged: true,
    });
    if (made.record.workflow === workflow) return made;
    const text = `Run ${run} is not a stream; nothing was written. Choose another name.`;
    throw new RunError('PAWL_RUN_EXISTS', run, text);
  }

  /** A lease; undefined when somebody has the run, or it has ended, and null when it is not there. */
  async #claim(run: string, expectedFence?: number): Promise<string | null | undefined> {
    const { store, newToken } = this.#parts;
    const claimed = await store.claim({
      run,
      worker: `${hostname()}:${process.pid}`,
      token: newToken(),
      codeVersion: loopVersion,
      unmanaged: true,
      ...(expectedFence === undefined ? {} : { expectedFence }),
    });
    if (claimed.outcome === 'missing') return null;
    if (claimed.outcome !== 'claimed') return undefined;
    const { ownership, record } = claimed;
    const lease = `${ownership.fence}.${ownership.owner}`;
    this.#writers.set(lease, { ...ownership, queue: new SerialQueue(), last: record.chunks });
    return lease;
  }

  /** Of a lease that another process was given, or this one. */
  async #writer(name: string, lease: string): Promise<Writer | undefined> {
    const known = this.#writers.get(lease);
    if (known !== undefined) return known;
    const run = this.#kind.runOf(name);
    const record = await this.#parts.store.record(run);
    const [, fence = '0', owner = ''] = /^(\d{1,16})\.(.+)$/.exec(lease) ?? [];
    if (record === undefined) return undefined;
    const queue = new SerialQueue();
    const writer = { run, fence: Number(fence), owner, queue, last: record.chunks };
    const other = this.#writers.get(lease);
    // Who does not have the stream needs not be remembered.
    if (other === undefined && record.fence === writer.fence) this.#writers.set(lease, writer);
    return other ?? writer;
  }

  async #write(
    writer: Writer,
    chunks: readonly Uint8Array[],
  ): Promise<'written' | 'fenced' | 'missing'> {
    const { store, newToken } = this.#parts;
    const token = newToken();
    for (;;) {
      const { run, last } = writer;
      const written = await this.#answered(() =>
        store.outputs.write({
          ...ownershipOf(writer),
          token,
          last,
          // One history, whoever writes it: what came before a new lease stays.
          chunks: chunks.map((data) => ({ data, output: this.#kind.output, step: '', epoch: 1 })),
          keepBytes: Number.MAX_SAFE_INTEGER,
        }),
      );
      if (written.outcome === 'conflict') {
        // Another process writes under the same lease, or Redis has lost some.
        const record = await store.record(run);
        if (record === undefined) return 'missing';
        writer.last = record.chunks;
        continue;
      }
      if (written.outcome !== 'written') return written.outcome;
      writer.last = last + chunks.length;
      return 'written';
    }
  }

  async #refusal(
    { run, fence, owner }: Writer,
    outcome: 'fenced' | 'missing',
  ): Promise<'superseded' | 'ended' | 'missing'> {
    this.#writers.delete(`${fence}.${owner}`);
    if (outcome === 'missing') return 'missing';
    const record = await this.#parts.store.record(run);
    if (record === undefined) return 'missing';
    return isEnded(record.status) && record.fence === fence ? 'ended' : 'superseded';
  }

  /** The record of a stream whose time is not over. */
  async #living(name: string): Promise<RunRecord | undefined> {
    const record = await this.#parts.store.record(this.#kind.runOf(name));
    if (record === undefined || (await this.#isOver(record))) return undefined;
    return record;
  }

  async #isOver(record: RunRecord, at?: number): Promise<boolean> {
    const { store } = this.#parts;
    const { ttlMs } = this.#aboutOf(record);
    const now = at ?? (await store.observation.now());
    if (record.changedAt + ttlMs > now) return false;
    const { id: run, chunks } = record;
    const [newest] =
      chunks === 0 ? [] : await store.outputs.read({ run, after: chunks - 1, limit: 1 });
    return newest === undefined || newest.at + ttlMs <= now;
  }

  #aboutOf({ id, input }: RunRecord): About {
    return decode(input, { key: `run ${id}, input` }) as About;
  }

  #endOf({ id, status, output }: RunRecord): StreamEnd | undefined {
    if (!isEnded(status)) return undefined;
    if (output !== undefined) return decode(output, { key: `run ${id}, output` }) as StreamEnd;
    return { status: 'error', error: `The stream was ${status} by hand.` };
  }

  /** A write whose answer was lost is sent again, and known by its token. */
  async #answered<Result>(write: () => Promise<Result>): Promise<Result> {
    const { clock, logger } = this.#parts;
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(2 * delayMs, retryMsMax)) {
      try {
        return await write();
      } catch (error) {
        if (!PawlError.is(error) || error.code !== 'PAWL_UNAVAILABLE') throw error;
        logger.warn({ error: String(error) }, 'write to a stream found no answer, trying again');
        await clock.sleep(delayMs);
      }
    }
  }
}

function ownershipOf({ run, fence, owner }: Writer): Ownership {
  return { run, fence, owner };
}

function toRead(run: string, { number, data }: StoredChunk): ReadChunk {
  return { number, value: decode(data, { key: `run ${run}, output`, seq: number }) };
}

/** As many chunks as one write takes. */
function* inGroups(chunks: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    const isFull =
      group.length === fixedLimits.chunksPerWrite ||
      bytes + chunk.length > fixedLimits.bytesPerCommit;
    if (isFull && group.length > 0) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(chunk);
    bytes += chunk.length;
  }
  if (group.length > 0) yield group;
}

function notFound(run: string, name: string): RunError {
  return new RunError(
    'PAWL_RUN_NOT_FOUND',
    run,
    `There is no stream ${name}, or its time is over.`,
  );
}
