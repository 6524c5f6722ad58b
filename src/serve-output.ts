/**
 * The output of runs over HTTP, as a handler for any server that speaks `fetch`. It follows the reading half of the Durable
 * Streams protocol: offsets, `Stream-Next-Offset`, `live=long-poll` and `live=sse`, with JSON messages. docs/outputs.md says
 * where it differs.
 *
 * Nothing is remembered between two requests. An offset is the number of a chunk, so a client that comes back with the last
 * one it has seen, to this process or to another, misses no chunk that is kept and gets none twice.
 */
import { PawlError } from './core/errors.ts';
import { callback, needed, optionsOf } from './core/option-rules.ts';
import { isOver } from './core/run.ts';
import { toTagged } from './core/tagged-json.ts';
import type { OutputChunk } from './engine/definition/outputs.ts';
import type { RunHandle } from './engine/runs/run-handle.ts';
import type { Pawl } from './pawl.ts';
import { textStream } from './text-stream.ts';

/** Which output a request gets. */
export interface ServeOutputOptions {
  /**
   * Returns the id of the run that the request may read, or the response that refuses it. Everybody whose request leads to
   * an id reads all that the run gives out, so check who asks here.
   */
  readonly find: (request: Request) => string | Response | Promise<string | Response>;
}

type Format = 'sse' | 'lines' | 'long-poll' | 'json';

const offsetLength = 16;
const longPollMs = 20_000;
/** Chunks in one answer that is no stream. */
const chunksPerAnswer = 1_000;

const checkOptions = optionsOf<ServeOutputOptions>({ find: needed(callback) });

/**
 * Makes a handler that serves the output of runs: `serveOutput(pawl, { find: (request) => … })` takes a request and resolves
 * with the response. `GET` with `Accept: text/event-stream`, or `?live=sse`, is answered with server-sent events, and with
 * `Accept: application/x-ndjson` by lines of JSON. Both go on until the run has ended or is quarantined. Else the answer is
 * a JSON array of what is kept; `?live=long-poll` waits for something, and is answered with 204 when nothing has come.
 * `Last-Event-ID`, or `?offset=`, says where the client is, and `?output=` names one output.
 * @throws InvalidError when `find` is no function. The handler answers with 404 when there is no such run.
 */
export function serveOutput(
  pawl: Pick<Pawl, 'run'>,
  options: ServeOutputOptions,
): (request: Request) => Promise<Response> {
  checkOptions(options, 'serveOutput options');
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return new Response(null, { status: 405, headers: { Allow: 'GET, HEAD' } });
    }
    const found = await options.find(request);
    if (typeof found !== 'string') return found;
    try {
      return await answer(pawl.run(found), request);
    } catch (error) {
      if (!PawlError.is(error)) throw error;
      const status = statuses[error.code];
      if (status === undefined) throw error;
      const { code, message } = error;
      return Response.json({ code, message }, { status, headers: safety });
    }
  };
}

/** Browsers take an answer for nothing but what it is, and show it to no page of another site. */
const safety = {
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

const statuses: Readonly<Record<string, number>> = { PAWL_RUN_NOT_FOUND: 404, PAWL_INVALID: 400 };

interface Reading {
  readonly run: RunHandle;
  /** The number of the last chunk that the client has. */
  readonly after: number;
  readonly name: string | undefined;
  readonly signal: AbortSignal;
}

async function answer(run: RunHandle, request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url);
  const offset = offsetOf(request.headers.get('last-event-id') ?? searchParams.get('offset'));
  if (offset === undefined) {
    return new Response('No such offset.', { status: 400, headers: safety });
  }
  const name = searchParams.get('output') ?? undefined;
  const whole = { run, after: 0, name, signal: request.signal };
  // Tells a run that is not there before a stream has begun.
  const { status, createdAt } = await run.info();
  const reading = { ...whole, after: offset === 'now' ? await newest(whole) : offset };
  const isClosed = isOver(status);
  const format = formatOf(request.headers.get('accept') ?? '', searchParams.get('live'));
  if (format === 'sse') return stream(reading, 'text/event-stream', toEvents());
  if (format === 'lines') return stream(reading, 'application/x-ndjson', toLines());
  if (format === 'long-poll' && !isClosed) await untilNext(reading);
  const asked = {
    isHead: request.method === 'HEAD',
    isPoll: format === 'long-poll',
    known: request.headers.get('if-none-match'),
  };
  return atOnce(reading, { isClosed, createdAt }, asked);
}

function formatOf(accept: string, live: string | null): Format {
  if (live === 'sse' || accept.includes('text/event-stream')) return 'sse';
  if (live === 'long-poll') return 'long-poll';
  return accept.includes('application/x-ndjson') ? 'lines' : 'json';
}

/** Undefined for a text that is no offset. `-1` is before the first chunk, `now` behind the newest. */
function offsetOf(text: string | null): number | 'now' | undefined {
  if (text === 'now') return text;
  if (text === null || text === '' || text === '-1') return 0;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Offsets are in the order of texts. */
function toOffset(number: number): string {
  return String(number).padStart(offsetLength, '0');
}

function toJson({ value, at, ...chunk }: OutputChunk): object {
  return { ...chunk, value: toTagged(value), at: at.toISOString() };
}

function chunksOf(
  { run, after, name, signal }: Reading,
  live: boolean,
): AsyncGenerator<OutputChunk> {
  return run.output({ from: after + 1, live, signal, ...(name === undefined ? {} : { name }) });
}

/** The number of the newest chunk; 0 where there is none. */
async function newest(whole: Reading): Promise<number> {
  let last = 0;
  for await (const { number } of chunksOf(whole, false)) last = number;
  return last;
}

/** Resolves when a chunk has come, the run is over, or the time is. */
async function untilNext(reading: Reading): Promise<void> {
  const signal = AbortSignal.any([reading.signal, AbortSignal.timeout(longPollMs)]);
  for await (const _ of chunksOf({ ...reading, signal }, true)) return;
}

interface Asked {
  readonly isHead: boolean;
  /** It would rather have waited than get nothing. */
  readonly isPoll: boolean;
  /** Tag of the answer that the client has. */
  readonly known: string | null;
}

async function atOnce(
  reading: Reading,
  { isClosed, createdAt }: { readonly isClosed: boolean; readonly createdAt: Date },
  { isHead, isPoll, known }: Asked,
): Promise<Response> {
  const chunks: OutputChunk[] = [];
  let last = reading.after;
  let hasMore = false;
  for await (const chunk of chunksOf(reading, false)) {
    hasMore = chunks.length === chunksPerAnswer && !isHead;
    if (hasMore) break;
    last = chunk.number;
    if (!isHead) chunks.push(chunk);
  }
  const headers: Record<string, string> = {
    ...safety,
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'Stream-Next-Offset': toOffset(last),
  };
  if (!hasMore) headers['Stream-Up-To-Date'] = 'true';
  if (!hasMore && isClosed) headers['Stream-Closed'] = 'true';
  if (isPoll && chunks.length === 0) return new Response(null, { status: 204, headers });
  // Chunks never change: from where to where, and whether more may come, is all that tells two answers of a run apart.
  const end = hasMore ? 'more' : isClosed ? 'closed' : 'open';
  headers['ETag'] = `"${createdAt.getTime()}-${reading.after}-${last}-${end}"`;
  if (known === headers['ETag']) return new Response(null, { status: 304, headers });
  return new Response(isHead ? null : JSON.stringify(chunks.map(toJson)), { headers });
}

/** How the parts of a stream are written. */
interface Writing {
  /** `upToDate`: the client has all that is there by now. */
  readonly chunk: (chunk: OutputChunk, upToDate: boolean) => string;
  /** There is nothing for the client yet. */
  readonly empty: (last: number) => string;
  readonly end: (last: number) => string;
  readonly ping: string;
}

function toEvents(): Writing {
  const control = (about: object): string => `event: control\ndata: ${JSON.stringify(about)}\n\n`;
  return {
    chunk: (chunk, upToDate) => {
      const offset = toOffset(chunk.number);
      const data = JSON.stringify([toJson(chunk)]);
      return `id: ${offset}\nevent: data\ndata: ${data}\n\n${control({ streamNextOffset: offset, ...(upToDate ? { upToDate } : {}) })}`;
    },
    empty: (last) => control({ streamNextOffset: toOffset(last), upToDate: true }),
    end: (last) =>
      control({ streamNextOffset: toOffset(last), upToDate: true, streamClosed: true }),
    ping: ': ping\n\n',
  };
}

function toLines(): Writing {
  const nothing = (): string => '';
  const chunk = (one: OutputChunk): string => `${JSON.stringify(toJson(one))}\n`;
  return { chunk, empty: nothing, end: nothing, ping: '\n' };
}

/** First what is kept, then what comes, until the run is over. */
async function* partsOf(reading: Reading, writing: Writing): AsyncGenerator<string> {
  let kept: OutputChunk | undefined;
  for await (const chunk of chunksOf(reading, false)) {
    if (kept !== undefined) yield writing.chunk(kept, false);
    kept = chunk;
  }
  let last = kept?.number ?? reading.after;
  yield kept === undefined ? writing.empty(last) : writing.chunk(kept, true);
  for await (const chunk of chunksOf({ ...reading, after: last }, true)) {
    last = chunk.number;
    yield writing.chunk(chunk, true);
  }
  if (!reading.signal.aborted) yield writing.end(last);
}

/** What is read when the client has taken the one before. */
function stream(reading: Reading, type: string, writing: Writing): Response {
  const body = textStream((signal) => partsOf({ ...reading, signal }, writing), {
    signal: reading.signal,
    ping: writing.ping,
  });
  const headers = {
    ...safety,
    'Content-Type': type,
    'Cache-Control': 'no-cache, no-store',
    'X-Accel-Buffering': 'no',
  };
  return new Response(body, { headers });
}
