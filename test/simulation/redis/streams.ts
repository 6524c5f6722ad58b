/** The commands on streams that pawl uses, for the in-process Redis. */
import { type Keyspace, ReplyError, type SimReply, type StreamEntry } from './values.ts';

interface Id {
  readonly major: number;
  readonly minor: number;
}

const least: Id = { major: 0, minor: 0 };
const greatest: Id = { major: Infinity, minor: Infinity };

function parseId(text: string, minor: number): Id {
  if (text === '-') return least;
  if (text === '+') return greatest;
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (match === null) {
    throw new ReplyError('ERR Invalid stream ID specified as stream command argument');
  }
  return { major: Number(match[1]), minor: match[2] === undefined ? minor : Number(match[2]) };
}

function isAfter(a: Id, b: Id): boolean {
  return a.major > b.major || (a.major === b.major && a.minor > b.minor);
}

function formatId({ major, minor }: Id): string {
  return `${major}-${minor}`;
}

/** `nowMs` makes the id of an entry that was added without one. */
export function xadd(keys: Keyspace, args: readonly string[], nowMs: number): SimReply {
  const isCapped = args[1] === 'MAXLEN';
  const [key = '', wanted = '', ...fields] = isCapped ? args.toSpliced(1, 3) : args;
  if (fields.length === 0 || fields.length % 2 !== 0) {
    throw new ReplyError("ERR wrong number of arguments for 'xadd' command");
  }
  const last = keys.stream(key)?.last ?? least;
  const id = wanted === '*' ? nextId(last, nowMs) : parseId(wanted, 0);
  if (!isAfter(id, last)) {
    throw new ReplyError(
      'ERR The ID specified in XADD is equal or smaller than the target stream top item',
    );
  }
  const stream = keys.streamToWrite(key);
  stream.entries.push({ ...id, fields });
  stream.last = { ...id };
  if (isCapped) stream.entries.splice(0, stream.entries.length - Number(args[3]));
  return formatId(id);
}

function nextId(last: Id, nowMs: number): Id {
  return nowMs > last.major
    ? { major: nowMs, minor: 0 }
    : { major: last.major, minor: last.minor + 1 };
}

export function xrange(keys: Keyspace, args: readonly string[]): SimReply {
  const [key = '', from = '', to = '', option, count] = args;
  const max = option === 'COUNT' ? Number(count) : Infinity;
  const entries = keys.stream(key)?.entries ?? [];
  const end = parseId(to, Infinity);
  const isBehind = from.startsWith('(');
  const start = parseId(isBehind ? from.slice(1) : from, 0);
  const found: SimReply[] = [];
  for (let i = firstFrom(entries, start); i < entries.length; i++) {
    const entry = entries[i];
    if (isBehind && entry !== undefined && !isAfter(entry, start)) continue;
    if (entry === undefined || isAfter(entry, end) || found.length >= max) break;
    found.push([formatId(entry), entry.fields]);
  }
  return found;
}

/** Place of the first entry that is not before `from`. */
function firstFrom(entries: readonly StreamEntry[], from: Id): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry !== undefined && isAfter(from, entry)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Only from the end to the beginning, which is all that is asked for. */
export function xrevrange(keys: Keyspace, args: readonly string[]): SimReply {
  const [key = '', from, to, , count] = args;
  if (from !== '+' || to !== '-') throw new ReplyError('ERR the simulation knows + and - only');
  const newest = (keys.stream(key)?.entries ?? []).slice(-Number(count)).toReversed();
  return newest.map((entry) => [formatId(entry), entry.fields]);
}

/** A stream stays when its last entry goes, as in Redis. */
export function xdel(keys: Keyspace, args: readonly string[]): SimReply {
  const [key = '', ...ids] = args;
  const stream = keys.stream(key);
  if (stream === undefined) return 0;
  const gone = new Set(ids.map((id) => formatId(parseId(id, 0))));
  const before = stream.entries.length;
  stream.entries = stream.entries.filter((entry) => !gone.has(formatId(entry)));
  return before - stream.entries.length;
}

/** By the least id that stays, which is all that is asked for. */
export function xtrim(keys: Keyspace, args: readonly string[]): SimReply {
  const [key = '', by, exactly, from = ''] = args;
  if (by !== 'MINID' || exactly !== '=') throw new ReplyError('ERR the simulation knows MINID =');
  const stream = keys.stream(key);
  if (stream === undefined) return 0;
  const gone = firstFrom(stream.entries, parseId(from, 0));
  stream.entries = stream.entries.slice(gone);
  return gone;
}
