/**
 * The store that assistant-ui keeps resumable streams in: `createResumableStreamContext({ store: resumableStreams(pawl) })`.
 * Its lease is the fence of a run: see `RunStreams`.
 */
import { createHash } from 'node:crypto';
import { ResumableStreamError, type ResumableStreamStore } from 'assistant-stream/resumable';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { escapedId } from '../core/escaped-id.ts';
import { duration, optionsOf, textOf } from '../core/option-rules.ts';
import type { Pawl } from '../pawl.ts';
import { RunStreams } from '../streams/run-streams.ts';

/** Where the streams are, and for how long. */
export interface ResumableStoreOptions {
  /** How long after its last chunk, or its end, a stream is kept, unless its producer says so. Default: a day. */
  readonly ttl?: Duration;
  /** Before the ids of the runs that streams are: `stream~` unless two apps share a pawl. At most 32 characters. */
  readonly idPrefix?: string;
}

type Lease = NonNullable<Parameters<ResumableStreamStore['append']>[2]>;

/** A store of streams, with what the interface of assistant-ui has not. */
export interface ResumableStore extends ResumableStreamStore {
  /** The producer of a stream, if this call has made it; the lease goes with each write. */
  acquireLease: NonNullable<ResumableStreamStore['acquireLease']>;
  /**
   * Makes the caller the producer of a stream that is there and has not ended, such as one whose producer has died. What is
   * stored stays, and the lease before it can write nothing any more. Null when there is no such stream.
   */
  takeOver(streamId: string): Promise<Lease | null>;
}

const checkOptions = optionsOf<ResumableStoreOptions>({ ttl: duration, idPrefix: textOf(1, 32) });
const idPattern = /^[A-Za-z0-9_.:-]{1,256}$/;
const defaultTtlMs = 24 * 3_600_000;
/** Less than a chunk may have, with what is around the bytes. */
const pieceBytes = 60 * 1024;

/**
 * Makes a store of streams in the runs of a pawl. Each stream is a run of the loop `assistant-stream`, which lists and pages
 * show. What was acknowledged stays readable when its producer is killed, and a producer that was replaced is refused in the
 * script that writes.
 * @throws InvalidError for an option that does not fit.
 */
export function resumableStore(
  pawl: Pick<Pawl, 'checkpointer'>,
  options: ResumableStoreOptions = {},
): ResumableStore {
  checkOptions(options, 'resumableStore options');
  const { ttl, idPrefix = 'stream~' } = options;
  const usualMs = ttl === undefined ? defaultTtlMs : toMilliseconds(ttl, 'ttl');
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const streams = new RunStreams(pawl.checkpointer, {
    workflow: 'assistant-stream',
    output: 'stream',
    runOf: (name) => escapedId(idPrefix, name, hash),
  });
  /** For callers without a lease: the one that this store was given last. */
  const own = new Map<string, string>();
  /** Undefined when the stream has ended, and needs none. */
  const leaseOf = async (id: string, lease: Lease | undefined): Promise<string | undefined> => {
    const found = lease?.token ?? own.get(id);
    if (found !== undefined) return found;
    const status = await streams.status(id);
    if (status === undefined) throw new Error(`There is no stream ${id}.`);
    if (status !== 'streaming') return undefined;
    throw new Error(`This store is not the producer of stream ${id}.`);
  };
  const acquireLease: ResumableStore['acquireLease'] = async (id, { ttlMs = usualMs } = {}) => {
    checkId(id);
    const token = await streams.open(id, ttlMs);
    if (token === undefined) return { role: 'consumer' };
    own.set(id, token);
    return { role: 'producer', lease: { token } };
  };
  return {
    acquireLease,
    acquire: async (id, about) => (await acquireLease(id, about)).role,
    async takeOver(id) {
      checkId(id);
      const token = await streams.takeOver(id);
      if (token === undefined) return null;
      own.set(id, token);
      return { token };
    },
    async append(id, chunk, lease) {
      checkId(id);
      // Copied now: the caller may go on with its buffer.
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        pieces.push(chunk.slice(at, at + pieceBytes));
      }
      const found = await leaseOf(id, lease);
      const { outcome } =
        found === undefined
          ? ({ outcome: 'ended' } as const)
          : await streams.append(id, found, pieces);
      if (outcome === 'superseded') {
        throw new ResumableStreamError('missing', `Another producer has stream ${id}.`);
      }
      if (outcome === 'ended') {
        throw new ResumableStreamError('finalized', `Stream ${id} has ended.`);
      }
      if (outcome === 'missing') throw new Error(`There is no stream ${id}.`);
    },
    async finalize(id, status, error, lease) {
      checkId(id);
      const found = await leaseOf(id, lease);
      if (found === undefined) return false;
      if (own.get(id) === found) own.delete(id);
      const end =
        status === 'done'
          ? { status }
          : {
              status,
              error: error === undefined || error === '' ? 'The stream has failed.' : error,
            };
      const finished = await streams.finish(id, found, end);
      if (finished === undefined) throw new Error(`There is no stream ${id}.`);
      return finished;
    },
    async *read(id, cursor, signal) {
      checkId(id);
      const reading = streams.read(id, placeOf(cursor), signal);
      try {
        for (;;) {
          const { done, value } = await reading.next();
          if (done !== true) {
            yield { cursor: String(value.number), chunk: value.value as Uint8Array };
            continue;
          }
          if (value?.status === 'error') throw new Error(value.error);
          return;
        }
      } finally {
        await reading.return(undefined);
      }
    },
    async status(id) {
      checkId(id);
      const found = await streams.status(id);
      if (found === undefined) return 'missing';
      return found === 'streaming' ? found : found.status;
    },
    async delete(id) {
      checkId(id);
      await streams.delete(id);
    },
  };
}

function checkId(id: string): void {
  if (!idPattern.test(id)) {
    const text = `A stream has an id of 1 to 256 of A-Z a-z 0-9 _ . : - and not ${id}.`;
    throw new ResumableStreamError('invalid-id', text);
  }
}

/** What no read has given is the beginning. */
function placeOf(cursor: string): number {
  return /^\d{1,15}$/.test(cursor) ? Number(cursor) : 0;
}
