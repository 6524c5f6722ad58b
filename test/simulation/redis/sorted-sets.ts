/** The commands on sorted sets that pawl uses, for the in-process Redis. */
import { type Keyspace, ReplyError, type SimReply } from './values.ts';

type Command = (keys: Keyspace, args: readonly string[]) => SimReply;

export const sortedSetCommands: Readonly<Record<string, Command>> = {
  ZADD: zadd,
  ZREM: (keys, [key = '', ...members]) => {
    const zset = keys.zset(key);
    if (zset === undefined) return 0;
    const gone = members.filter((member) => zset.delete(member)).length;
    if (zset.scores.size === 0) keys.values.delete(key);
    return gone;
  },
  ZCARD: (keys, [key = '']) => keys.zset(key)?.scores.size ?? 0,
  ZRANGE: zrange,
  ZSCORE: (keys, [key = '', member = '']) => scoreOf(keys, key, member),
  ZMSCORE: (keys, [key = '', ...members]) => members.map((member) => scoreOf(keys, key, member)),
  ZCOUNT: (keys, [key = '', min = '', max = '']) =>
    sorted(keys, key).filter(([, score]) => isBetween(score, min, max)).length,
  ZLEXCOUNT: (keys, [key = '', min = '', max = '']) =>
    sorted(keys, key).filter(([member]) => isWithin(member, min, max)).length,
};

function sorted(keys: Keyspace, key: string): readonly (readonly [string, number])[] {
  return keys.zset(key)?.sorted() ?? [];
}

function scoreOf(keys: Keyspace, key: string, member: string): string | null {
  const score = keys.zset(key)?.scores.get(member);
  return score === undefined ? null : String(score);
}

function zadd(keys: Keyspace, [key = '', ...rest]: readonly string[]): SimReply {
  const isLess = rest[0] === 'LT';
  const isNew = rest[0] === 'NX';
  const pairs = isLess || isNew ? rest.slice(1) : rest;
  let added = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const score = Number(pairs[i]);
    if (Number.isNaN(score) || pairs[i] === '')
      throw new ReplyError('ERR value is not a valid float');
    const before = keys.zset(key)?.scores.get(pairs[i + 1] ?? '');
    if (isLess && (before ?? Infinity) <= score) continue;
    if (isNew && before !== undefined) continue;
    if (keys.zsetToWrite(key).set(pairs[i + 1] ?? '', score)) added += 1;
  }
  return added;
}

function zrange(
  keys: Keyspace,
  [key = '', from = '', to = '', ...options]: readonly string[],
): SimReply {
  let found = sorted(keys, key);
  const isReversed = options.includes('REV');
  if (isReversed) found = found.toReversed();
  if (options.includes('BYSCORE')) {
    const [min, max] = isReversed ? [to, from] : [from, to];
    found = found.filter(([, score]) => isBetween(score, min, max));
  } else if (options.includes('BYLEX')) {
    found = found.filter(([member]) => isWithin(member, from, to));
  } else {
    const last = Number(to);
    found = found.slice(Number(from), last === -1 ? undefined : last + 1);
  }
  const limit = options.indexOf('LIMIT');
  if (limit !== -1) {
    const offset = Number(options[limit + 1]);
    found = found.slice(offset, offset + Number(options[limit + 2]));
  }
  return options.includes('WITHSCORES')
    ? found.flatMap(([member, score]) => [member, String(score)])
    : found.map(([member]) => member);
}

/** A bound is a number, inclusive, or exclusive behind a parenthesis. */
function isBetween(score: number, min: string, max: string): boolean {
  const isAbove = min.startsWith('(') ? score > toScore(min.slice(1)) : score >= toScore(min);
  const isBelow = max.startsWith('(') ? score < toScore(max.slice(1)) : score <= toScore(max);
  return isAbove && isBelow;
}

/** As above, for members that all have the same score: `[` includes, `(` does not. */
function isWithin(member: string, min: string, max: string): boolean {
  const isAbove = min.startsWith('(') ? member > min.slice(1) : member >= min.slice(1);
  const isBelow = max.startsWith('(') ? member < max.slice(1) : member <= max.slice(1);
  return isAbove && isBelow;
}

function toScore(text: string): number {
  if (text === '-inf') return -Infinity;
  return text === '+inf' ? Infinity : Number(text);
}
