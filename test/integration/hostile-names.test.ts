// Goal: no id or name, whatever its bytes, reaches the keys of anybody else. Method: hostile texts through every entry that
// takes one, on a private server whose every key is compared before and after. PAWL_HOSTILE_RUNS makes it longer.
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineWorkflow, Pawl, PawlError } from 'pawl';
import { z } from 'zod';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';

const prefix = 'own';
const numRuns = Number(process.env['PAWL_HOSTILE_RUNS'] ?? 150);
let server: RedisServer;
let redis: Redis;
let pawl: Pawl;

const target = defineWorkflow({
  name: 'target',
  signals: { go: z.unknown() },
  run: async (ctx) => ctx.waitFor('go'),
});

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
  pawl = await Pawl.open({ redis: server.url, prefix });
  // What must never change: a neighbour's run, keys of other programs, a run of this prefix.
  await using neighbour = await Pawl.open({ redis: server.url, prefix: 'neighbour' });
  await neighbour.start(target, undefined, { id: 'a', tags: { t: 'v' } });
  await redis.mset('plain', '1', '{own', '1', '{own}', '1', '{own:0}', '1', 'own:0:run:a', '1');
  await pawl.start(target, undefined, { id: 'victim', tags: { t: 'v' } });
});

afterAll(async () => {
  await pawl.close();
  redis.disconnect();
  await server.stop();
});

/** Every key with its value, serialised by the server. */
async function everything(): Promise<Map<string, string>> {
  const keys = await redis.keysBuffer('*');
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return new Map(
    keys.map((key, i) => [key.toString('latin1'), values[i]?.toString('latin1') ?? '']),
  );
}

async function changes(act: () => Promise<unknown>): Promise<{ keys: string[]; error: unknown }> {
  const before = await everything();
  const error: unknown = await Promise.resolve()
    .then(act)
    .then(
      () => undefined,
      (one: unknown) => one,
    );
  const after = await everything();
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return { keys: keys.filter((key) => before.get(key) !== after.get(key)), error };
}

const bad = [
  '',
  ' ',
  '{',
  '}',
  '{x}',
  '}:run:victim',
  'victim}',
  '{own:0}:run:victim',
  'a:b',
  '*',
  '?',
  '[a]',
  '\0',
  'victim\0',
  'victim\n',
  '\r\nFLUSHALL\r\n',
  '\u2028',
  'ünïcode',
  '漢字',
  '😀',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  '..',
  '../..',
  '-',
  '~',
  'victim',
  "'; DROP",
  '"',
  '\\',
  'x'.repeat(129),
  'x'.repeat(100_000),
  '=',
  'a=b',
  'a\nb=c',
  '${x}',
  '%00',
  '$',
  '\u202e',
];
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...bad) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9_.~{}:*\n-]{1,40}$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(null, 7, {}, [], ['victim'], Symbol('s'), { toString: 1 }),
  },
);

/** The id as it may have been used: only what the entry lets through can be in a key. */
const isRunKey = (key: string, id: unknown): boolean =>
  typeof id === 'string' &&
  /^[A-Za-z0-9_.~-]{1,128}$/.test(id) &&
  new RegExp(`^\\{own:0\\}:(run|payload|events|snapshot|inbox|seen):`).test(key) &&
  key.endsWith(`:${id}`);

const isIndex = (key: string): boolean =>
  /^\{own:0\}:(due|runs|ids|deleted|by-status:\w+|by-workflow:target|by-tag:[A-Za-z0-9_.~@:/+=-]+)$/.test(
    key,
  );
const isQueue = (key: string): boolean => key.startsWith('{own}:bull:target:');
const isSchedule = (key: string, id: unknown): boolean =>
  ['schedules', 'schedules-of:target', `schedule:${String(id)}`].includes(
    key.slice('{own}:'.length),
  );

interface Entry {
  readonly name: string;
  readonly act: (value: never) => Promise<unknown>;
  /** May change, beside the keys of the run and the indexes. */
  readonly also?: (key: string, value: unknown) => boolean;
  readonly id?: (value: unknown) => unknown;
}

const entries: readonly Entry[] = [
  { name: 'start', act: (id) => pawl.start(target, undefined, { id }), also: isQueue },
  {
    name: 'start with a tag’s key',
    act: (key: unknown) => {
      const tags = (typeof key === 'string' ? { [key]: 'v' } : key) as Record<string, string>;
      return pawl.start(target, undefined, { id: 'tagged', tags });
    },
    also: isQueue,
    id: () => 'tagged',
  },
  {
    name: 'start with a tag’s value',
    act: (value) => pawl.start(target, undefined, { id: 'valued', tags: { t: value } }),
    also: isQueue,
    id: () => 'valued',
  },
  { name: 'delete', act: (id) => pawl.delete(id) },
  { name: 'info', act: (id) => pawl.run(id).info() },
  { name: 'result', act: (id) => pawl.run(id).result({ timeoutMs: 1 }) },
  { name: 'state', act: (id) => pawl.run(target, id).state() },
  {
    name: 'events',
    act: async (id) => {
      for await (const event of pawl.run(id).events()) return event;
      return undefined;
    },
  },
  { name: 'signal', act: (id) => pawl.run(target, id).signal('go', 1), also: isQueue },
  { name: 'cancel', act: (id) => pawl.run(id).cancel(), also: isQueue },
  { name: 'pause', act: (id) => pawl.run(id).pause() },
  { name: 'resume', act: (id) => pawl.run(id).resume(), also: isQueue },
  {
    name: 'signal’s name',
    act: (name) => pawl.run('victim').signal(name, 1),
    id: () => 'victim',
    also: isQueue,
  },
  {
    name: 'signal’s id',
    act: (id) => pawl.run(target, 'victim').signal('go', 1, { id }),
    id: () => 'victim',
    also: isQueue,
  },
  {
    name: 'fork of',
    act: (id) => pawl.fork(target, id, { seq: 1 }, { id: 'forked' }),
    id: () => 'forked',
    also: isQueue,
  },
  { name: 'fork to', act: (id) => pawl.fork(target, 'kept', { seq: 1 }, { id }), also: isQueue },
  { name: 'list by workflow', act: (workflow) => pawl.list({ workflow }) },
  { name: 'list by tag’s key', act: (key) => pawl.list({ tag: { key, value: 'v' } }) },
  { name: 'list by tag’s value', act: (value) => pawl.list({ tag: { key: 't', value } }) },
  { name: 'list by status', act: (status) => pawl.list({ status }) },
  { name: 'list from a cursor', act: (cursor) => pawl.list({ cursor }) },
  {
    name: 'schedule',
    act: (id) => pawl.schedule(target, undefined, { id, every: '1h' }),
    also: isSchedule,
  },
  { name: 'unschedule', act: (id) => pawl.unschedule(target, id), also: isSchedule },
  { name: 'unschedule of', act: (name) => pawl.unschedule({ name }, 'x') },
  { name: 'schedules of', act: (name) => pawl.schedules({ name }) },
];

describe('hostile text changes no key but the run’s own', () => {
  test.each(entries)('$name', async ({ act, also = () => false, id = (value) => value }) => {
    await pawl.start(target, undefined, { id: 'kept' });
    await fc.assert(
      fc.asyncProperty(hostile, async (value) => {
        const { keys, error } = await changes(() => act(value as never));
        const foreign = keys.filter(
          (key) => !isRunKey(key, id(value)) && !isIndex(key) && !also(key, value),
        );
        expect(foreign).toEqual([]);
        if (error === undefined) return;
        expect(PawlError.is(error), `untyped: ${(error as Error).message}`).toBe(true);
        if ((error as PawlError).code === 'PAWL_INVALID') expect(keys).toEqual([]);
      }),
      { numRuns },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test.each(['workflow name', 'event type', 'signal name'])('a definition’s %s', async (what) => {
    const define = (name: string): unknown =>
      defineWorkflow({
        name: what === 'workflow name' ? name : 'w',
        ...(what === 'event type' ? { events: { [name]: z.unknown() } } : {}),
        ...(what === 'signal name' ? { signals: { [name]: z.unknown() } } : {}),
        run: () => undefined,
      });
    for (const name of bad) {
      if (/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name)) continue;
      // Such a field of an object literal is its prototype, not a name.
      if (name === '__proto__' && what !== 'workflow name') continue;
      const { keys, error } = await changes(async () => define(name));
      expect(keys).toEqual([]);
      expect(error, JSON.stringify(name.slice(0, 20))).toMatchObject({ code: 'PAWL_INVALID' });
    }
  });

  test('a prefix', async () => {
    for (const name of bad.filter((one) => !/^[A-Za-z0-9_.-]{1,64}$/.test(one))) {
      const { keys, error } = await changes(() => Pawl.open({ redis: server.url, prefix: name }));
      expect(keys).toEqual([]);
      expect(error).toMatchObject({ code: 'PAWL_INVALID' });
    }
  });
});

test('a signal cannot pass for a message of pawl’s own', async () => {
  const run = await pawl.start(target, undefined, { id: 'parent' });
  await expect(run.signal('go', 1, { id: 'child parent.one' })).rejects.toMatchObject({
    code: 'PAWL_INVALID',
  });
});
