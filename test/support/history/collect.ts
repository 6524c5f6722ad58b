/**
 * Reads a history: all keys of a prefix as they lie in Redis, past the store, which would hide what it never looks at.
 *
 * A shard is read by one script, so in one moment: a history may be taken while workers are at work. Runs are found by
 * their own keys, not by the indexes, which are among the suspects.
 */
import { type Cluster, Redis } from 'ioredis';
import { CorruptionError } from '../../../src/core/errors.ts';
import { runStatuses } from '../../../src/core/run.ts';
import type { AnyWorkflow } from '../../../src/engine/definition/workflow.ts';
import {
  type Entry,
  type Flat,
  toMessage,
  toRecord,
  toSnapshot,
} from '../../../src/redis/fields.ts';
import { configKey, Keys, type ShardKeys } from '../../../src/redis/keys.ts';
import { unpackEvents } from '../../../src/redis/packed-events.ts';
import { packed } from '../packed.ts';
import type { History, Indexes, Place, Reported, RunHistory } from './history.ts';
import { recover } from './recover.ts';

/** Every key of a shard with its value, and the time. */
const readShard = `#!lua flags=no-writes
local time = redis.call('TIME')
local found = {string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local type = redis.call('TYPE', key).ok
  local value = type == 'hash' and redis.call('HGETALL', key)
    or type == 'stream' and redis.call('XRANGE', key, '-', '+')
    or type == 'zset' and redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    or type == 'set' and redis.call('SMEMBERS', key)
    or redis.error_reply('ERR ' .. key .. ' is a ' .. type)
  found[#found + 1] = {key, value}
end
return found`;

type RawShard = { readonly keys: ShardKeys; readonly at: number; readonly values: RawValues };
type RawValues = ReadonlyMap<string, readonly unknown[]>;

/**
 * The history of a prefix. With the workflows of its runs, their states are compared as well; without, only what pawl
 * remembers by itself.
 */
export async function collectHistory(
  redis: string | Redis | Cluster,
  prefix: string,
  reported: Partial<Reported> & { readonly workflows?: readonly AnyWorkflow[] } = {},
): Promise<History> {
  const client = typeof redis === 'string' ? new Redis(redis) : redis;
  try {
    const count = Number((await client.hget(configKey(prefix), 'shards')) ?? 1);
    const { shards } = new Keys(prefix, count);
    const raw = await Promise.all(shards.map((keys) => read(client, keys)));
    const runs: RunHistory[] = [];
    for (const shard of raw) runs.push(...(await runsOf(shard, reported.workflows ?? [])));
    return {
      at: Math.max(...raw.map(({ at }) => at)),
      runs,
      indexes: joined(raw.map(indexesOf)),
      told: reported.told ?? [],
      bodies: reported.bodies ?? [],
    };
  } finally {
    if (typeof redis === 'string') client.disconnect();
  }
}

async function read(client: Redis | Cluster, keys: ShardKeys): Promise<RawShard> {
  // The key only leads a cluster's client to the shard.
  const reply = (await client.callBuffer('EVAL', readShard, '1', keys.due, keys.base)) as unknown[];
  const [at, ...pairs] = reply;
  const values = (pairs as [Buffer, unknown[]][]).map(
    ([key, value]) => [String(key), value] as const,
  );
  return { keys, at: Number(String(at)), values: new Map(values) };
}

/** The values of keys that begin alike, by the rest of the key. */
function* under(values: RawValues, start: string): Iterable<readonly [string, readonly unknown[]]> {
  for (const [key, value] of values) {
    if (key.startsWith(start)) yield [key.slice(start.length), value];
  }
}

async function runsOf(
  { keys, values }: RawShard,
  workflows: readonly AnyWorkflow[],
): Promise<RunHistory[]> {
  const runs: RunHistory[] = [];
  const flat = (key: string): Flat => (values.get(key) ?? []) as Flat;
  for (const [id, hash] of under(values, keys.run(''))) {
    const key = keys.run(id);
    const record = toRecord({ key, id }, hash as Flat, flat(keys.payload(id)));
    const entries = (values.get(keys.events(id)) ?? []) as Entry[];
    const messages = (values.get(keys.inbox(id)) ?? []) as Entry[];
    const run = {
      id,
      record,
      inbox: messages.map((entry) => toMessage(keys.inbox(id), entry)),
      woken: has(hash as Flat, 'woken'),
      polls: has(hash as Flat, 'pollMs'),
      events: unpackEvents(keys.events(id), packed(entries)),
      snapshot: toSnapshot(keys.snapshot(id), flat(keys.snapshot(id))),
    };
    const workflow = workflows.find(({ name }) => name === record.workflow);
    runs.push({ ...run, recovered: await recover(run, workflow) });
  }
  const known = new Set(runs.map(({ id }) => id));
  for (const [id] of under(values, keys.events(''))) {
    if (!known.has(id)) throw new CorruptionError({ key: keys.events(id) }, 'has no run');
  }
  return runs;
}

function has(hash: Flat, field: string): boolean {
  return hash.some((name, i) => i % 2 === 0 && String(name) === field);
}

function indexesOf({ keys, values }: RawShard): Indexes {
  const places = (key: string): Place[] => toPlaces(values.get(key) ?? []);
  const all = (start: string): Record<string, Place[]> =>
    Object.fromEntries([...under(values, start)].map(([name, flat]) => [name, toPlaces(flat)]));
  const held = [...under(values, keys.held(''))].map(
    ([worker, ids]) => [worker, ids.map(String)] as const,
  );
  return {
    runs: places(keys.runs),
    ids: places(keys.ids),
    byStatus: Object.fromEntries(
      runStatuses.map((status) => [status, places(keys.byStatus(status))]),
    ),
    byWorkflow: all(keys.byWorkflow('')),
    byTag: all(keys.byTag('')),
    byParent: all(keys.byParent('')),
    byWait: all(keys.byWait('')),
    held: Object.fromEntries(held),
    holders: (values.get(keys.holders) ?? []).map(String),
    due: places(keys.due),
  };
}

function toPlaces(flat: readonly unknown[]): Place[] {
  const places: Place[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    places.push({ run: String(flat[i]), score: Number(String(flat[i + 1])) });
  }
  return places;
}

function joined(shards: readonly Indexes[]): Indexes {
  const byName = <T>(pick: (one: Indexes) => Readonly<Record<string, readonly T[]>>) => {
    const all: Record<string, T[]> = {};
    for (const shard of shards) {
      for (const [name, items] of Object.entries(pick(shard))) (all[name] ??= []).push(...items);
    }
    return all;
  };
  return {
    runs: shards.flatMap(({ runs }) => runs),
    ids: shards.flatMap(({ ids }) => ids),
    byStatus: byName(({ byStatus }) => byStatus),
    byWorkflow: byName(({ byWorkflow }) => byWorkflow),
    byTag: byName(({ byTag }) => byTag),
    byParent: byName(({ byParent }) => byParent),
    byWait: byName(({ byWait }) => byWait),
    held: byName(({ held }) => held),
    holders: shards.flatMap(({ holders }) => holders),
    due: shards.flatMap(({ due }) => due),
  };
}
