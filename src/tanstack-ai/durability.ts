/**
 * The durability that TanStack AI wants of a stream: `toServerSentEventsResponse(stream, { durability: pawlStream(pawl,
 * request) })`. A stream is a run, its chunks are an output, and whoever appends has a lease: see `RunStreams`.
 *
 * A producer that comes for a stream which is there goes on with it, as TanStack AI wants of one that was started again. The
 * one before it is refused from then on, so two producers never mix what they say.
 */
import { createHash } from 'node:crypto';
import { resolveResumeRunId, type StreamDurability } from '@tanstack/ai';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { InvalidError } from '../core/errors.ts';
import { escapedId } from '../core/escaped-id.ts';
import { duration, optionsOf, textOf } from '../core/option-rules.ts';
import type { Pawl } from '../pawl.ts';
import { RunStreams } from '../streams/run-streams.ts';
import { Parts, toParts } from './parts.ts';

/** A stream by its name, for callers that have no request. */
export interface PawlStreamInit {
  /** The run of TanStack AI; any text of a line, up to 256 characters. */
  readonly runId: string;
  /** After which chunk a reader goes on, as it was told. Default: it is a producer, or reads from the beginning. */
  readonly offset?: string | null;
}

/** How streams are kept. */
export interface PawlStreamOptions {
  /** How long after its last chunk, or its end, a stream is kept. Default: a day. */
  readonly ttl?: Duration;
  /** How long somebody who reads from the beginning waits for a stream to be made. Default: 5 s. */
  readonly firstChunk?: Duration;
  /** Before the ids of the runs that streams are: `ai~` unless two apps share a pawl. At most 32 characters. */
  readonly idPrefix?: string;
}

const checkOptions = optionsOf<PawlStreamOptions>({
  ttl: duration,
  firstChunk: duration,
  idPrefix: textOf(1, 32),
});
const defaultTtlMs = 24 * 3_600_000;
const defaultFirstMs = 5_000;
const pollMs = 50;
const runPattern = /^[^\r\n]{1,256}$/;
/** From the beginning; and only what comes from now on. */
const [beginning, now] = ['-1', 'now'];

/**
 * Makes the durability of one stream, of a request or of a name. What was acknowledged is read by everybody, from any
 * process, also when its producer was killed.
 * @throws InvalidError for an option, a run or an offset that does not fit.
 */
export function pawlStream(
  pawl: Pick<Pawl, 'checkpointer'>,
  source: Request | PawlStreamInit,
  options: PawlStreamOptions = {},
): StreamDurability {
  checkOptions(options, 'pawlStream options');
  const { idPrefix = 'ai~' } = options;
  const ttlMs = options.ttl === undefined ? defaultTtlMs : toMilliseconds(options.ttl, 'ttl');
  const { firstChunk: first } = options;
  const firstMs = first === undefined ? defaultFirstMs : toMilliseconds(first, 'firstChunk');
  const { runId, offset } = source instanceof Request ? ofRequest(source) : ofName(source);
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const streams = new RunStreams(pawl.checkpointer, {
    workflow: 'tanstack-ai',
    output: 'stream',
    runOf: (name) => escapedId(idPrefix, name, hash),
  });
  let leasing: Promise<string> | undefined;

  const lease = async (): Promise<string> => {
    const found = (await streams.open(runId, ttlMs)) ?? (await streams.takeOver(runId));
    if (found === undefined) throw new Error(`Stream ${runId} has ended; nothing was stored.`);
    return found;
  };

  return {
    resumeFrom: () => offset,
    async append(chunks) {
      if (chunks.length === 0) return [];
      leasing ??= lease();
      const all = chunks.map((chunk) => toParts(chunk));
      const appended = await streams.append(runId, await leasing, all.flat());
      if (appended.outcome !== 'appended') {
        const why =
          appended.outcome === 'superseded'
            ? 'is written by another producer now'
            : appended.outcome === 'ended'
              ? 'has ended'
              : 'was deleted';
        throw new Error(`Stream ${runId} ${why}; the last chunks may not be stored.`);
      }
      let behind = 0;
      return all.map((parts) => {
        behind += parts.length;
        return offsetOf(runId, appended.numbers[behind - 1] ?? 0);
      });
    },
    async close() {
      // Who has said nothing ends a stream that nobody has made, and no other one.
      const own = leasing === undefined ? await streams.open(runId, ttlMs) : await leasing;
      if (own !== undefined) await streams.finish(runId, own, { status: 'done' });
    },
    async snapshot() {
      const parts = new Parts();
      return (await streams.kept(runId)).flatMap(({ number, value }) => {
        const chunk = parts.add(value);
        return chunk === undefined ? [] : [{ offset: offsetOf(runId, number), chunk }];
      });
    },
    async *read(from, signal) {
      if (from === beginning || from === now) await madeWithin(firstMs, runId, streams, signal);
      const kept = from === now ? await streams.kept(runId) : [];
      const after = from === now ? (kept.at(-1)?.number ?? 0) : numberOf(from, runId);
      const parts = new Parts();
      for await (const { number, value } of streams.read(runId, after, signal)) {
        const chunk = parts.add(value);
        if (chunk !== undefined) yield { offset: offsetOf(runId, number), chunk };
      }
    },
  };
}

/** The stream may be asked for before its producer has made it. */
async function madeWithin(
  ms: number,
  runId: string,
  streams: RunStreams,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isStopped = (): boolean => signal?.aborted === true;
  for (let left = ms; left > 0 && !isStopped(); left -= pollMs) {
    if ((await streams.status(runId)) !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

interface Asked {
  readonly runId: string;
  readonly offset: string | null;
}

function ofRequest(request: Request): Asked {
  const { headers, url } = request;
  const offset = headers.get('Last-Event-ID') ?? new URL(url).searchParams.get('offset');
  const isKnown = offset !== null && offset !== '' && offset !== beginning && offset !== now;
  const runId = isKnown ? runOf(offset) : (resolveResumeRunId(request) ?? crypto.randomUUID());
  return ofName({ runId, offset: offset === '' ? null : offset });
}

function ofName({ runId, offset = null }: PawlStreamInit): Asked {
  if (typeof runId !== 'string' || !runPattern.test(runId)) {
    throw new InvalidError('runId', 'must be a line of 1 to 256 characters.');
  }
  return { runId, offset };
}

const offsetPattern = /^(\d{1,15})\.(.+)$/;

/** Fits into a header, whatever the run is called. */
function offsetOf(runId: string, number: number): string {
  return `${number}.${encodeURIComponent(runId)}`;
}

function runOf(offset: string): string {
  const [, , run] = offsetPattern.exec(offset) ?? [];
  try {
    return decodeURIComponent(run ?? '');
  } catch {
    return '';
  }
}

function numberOf(offset: string, runId: string): number {
  if (offset === beginning) return 0;
  const [, number] = offsetPattern.exec(offset) ?? [];
  if (number === undefined || runOf(offset) !== runId) {
    throw new InvalidError('offset', `is not one of stream ${runId}.`);
  }
  return Number(number);
}
