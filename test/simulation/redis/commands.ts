/** The other commands that pawl's scripts and reads use, for the in-process Redis: those and no more. */
import { sortedSetCommands } from './sorted-sets.ts';
import { type Keyspace, ReplyError, type SimReply } from './values.ts';

/** What commands need besides the keys. */
export interface Surroundings {
  /** Microseconds since 1970. */
  readonly micros: () => number;
  /** 0 to 1, for SPOP. */
  readonly random: () => number;
}

type Command = (keys: Keyspace, args: readonly string[], around: Surroundings) => SimReply;

export const commands: Readonly<Record<string, Command>> = {
  HGET: (keys, [key = '', field = '']) => keys.hash(key)?.get(field) ?? null,
  HMGET: (keys, [key = '', ...fields]) => {
    const hash = keys.hash(key);
    return fields.map((field) => hash?.get(field) ?? null);
  },
  HGETALL: (keys, [key = '']) => [...(keys.hash(key) ?? [])].flat(),
  HSCAN: hscan,
  HKEYS: (keys, [key = '']) => [...(keys.hash(key)?.keys() ?? [])],
  HLEN: (keys, [key = '']) => keys.hash(key)?.size ?? 0,
  HEXISTS: (keys, [key = '', field = '']) => (keys.hash(key)?.has(field) === true ? 1 : 0),
  HSET: hset,
  HSETNX: (keys, [key = '', field = '', value = '']) => {
    const hash = keys.hashToWrite(key);
    if (hash.has(field)) return 0;
    hash.set(field, value);
    return 1;
  },
  HDEL: (keys, [key = '', ...fields]) => {
    const hash = keys.hash(key);
    if (hash === undefined) return 0;
    const gone = fields.filter((field) => hash.delete(field)).length;
    if (hash.size === 0) keys.values.delete(key);
    return gone;
  },
  HINCRBY: (keys, [key = '', field = '', by = '']) => {
    const hash = keys.hashToWrite(key);
    const sum = toInteger(hash.get(field) ?? '0') + toInteger(by);
    hash.set(field, String(sum));
    return sum;
  },
  SADD: (keys, [key = '', ...members]) => {
    const set = keys.setToWrite(key);
    const before = set.size;
    for (const member of members) set.add(member);
    return set.size - before;
  },
  SREM: (keys, [key = '', ...members]) => {
    const set = keys.set(key);
    if (set === undefined) return 0;
    const gone = members.filter((member) => set.delete(member)).length;
    if (set.size === 0) keys.values.delete(key);
    return gone;
  },
  SPOP: spop,
  SCARD: (keys, [key = '']) => keys.set(key)?.size ?? 0,
  SMISMEMBER: (keys, [key = '', ...members]) =>
    members.map((member) => (keys.set(key)?.has(member) === true ? 1 : 0)),
  SISMEMBER: (keys, [key = '', member = '']) => (keys.set(key)?.has(member) === true ? 1 : 0),
  SMEMBERS: (keys, [key = '']) => [...(keys.set(key) ?? [])],
  ...sortedSetCommands,
  GET: (keys, [key = ''], around) => getString(keys, key, around),
  SET: setString,
  EXISTS: (keys, names) => names.filter((name) => keys.values.has(name)).length,
  // Whoever reads such a key passes over what has ended, so that it may stay here.
  PEXPIRE: (keys, [key = '']) => (keys.values.has(key) ? 1 : 0),
  UNLINK: (keys, names) => names.filter((name) => keys.values.delete(name)).length,
  TIME: (_keys, _args, { micros }) => {
    const now = micros();
    return [String(Math.floor(now / 1_000_000)), String(now % 1_000_000)];
  },
};

function hset(keys: Keyspace, [key = '', ...pairs]: readonly string[]): SimReply {
  if (pairs.length === 0 || pairs.length % 2 !== 0) {
    throw new ReplyError("ERR wrong number of arguments for 'hset' command");
  }
  const hash = keys.hashToWrite(key);
  const before = hash.size;
  for (let i = 0; i < pairs.length; i += 2) hash.set(pairs[i] ?? '', pairs[i + 1] ?? '');
  return hash.size - before;
}

function spop(keys: Keyspace, [key = '']: readonly string[], around: Surroundings): SimReply {
  const set = keys.set(key);
  if (set === undefined) return null;
  const member = [...set][Math.floor(around.random() * set.size)] ?? null;
  if (member !== null) set.delete(member);
  if (set.size === 0) keys.values.delete(key);
  return member;
}

function getString(keys: Keyspace, key: string, { micros }: Surroundings): SimReply {
  const value = keys.values.get(key);
  if (value === undefined) return null;
  if (value.type !== 'string') throw new ReplyError('WRONGTYPE');
  if (micros() / 1000 < value.expiresAt) return value.text;
  keys.values.delete(key);
  return null;
}

function setString(keys: Keyspace, args: readonly string[], { micros }: Surroundings): SimReply {
  const [key = '', text = '', option, ms] = args;
  if (option !== undefined && option !== 'PX') throw new ReplyError('ERR syntax error');
  const expiresAt = option === undefined ? Infinity : micros() / 1000 + toInteger(ms ?? '');
  keys.values.set(key, { type: 'string', text, expiresAt });
  return 'OK';
}

function toInteger(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new ReplyError('ERR value is not an integer or out of range');
  return Number(text);
}

/** COUNT is a hint: so few at once that a hash of some fields takes several calls. */
const scannedAtOnce = 2;

/** In the order of a number that each field has for good, as Redis guarantees: who stays is seen, whoever comes and goes. */
function hscan(keys: Keyspace, [key = '', cursor = '0']: readonly string[]): SimReply {
  const from = Number(cursor);
  const ahead = [...(keys.hash(key) ?? [])]
    .map(([field, value]) => ({ at: placeOf(field), field, value }))
    .filter(({ at }) => at >= from)
    .sort((a, b) => a.at - b.at);
  const found = ahead.filter(
    ({ at }, i) => i < scannedAtOnce || at === ahead[scannedAtOnce - 1]?.at,
  );
  const isOver = found.length === ahead.length;
  const last = found.at(-1)?.at ?? 0;
  return [isOver ? '0' : String(last + 1), found.flatMap(({ field, value }) => [field, value])];
}

/** From 1 on. */
function placeOf(field: string): number {
  let place = 7;
  for (const char of field) place = (place * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003;
  return place + 1;
}
