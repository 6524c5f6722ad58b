// Goal: what is done with runs beside living them leaves Redis as it should be, to the last key. Method: a private server,
// read key by key; runs at work while they are compacted; checkpoints saved, kept and dropped by chance against a model.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl } from 'pawl';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { collectHistory } from '../support/history/collect.ts';
import { judge } from '../support/history/judge.ts';
import { gather, openReportingPawl } from '../support/history/reporter.ts';
import { newPrefix } from '../support/workers.ts';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

/** Every key that names the id or holds it. */
async function traces(id: string): Promise<string[]> {
  const found: string[] = [];
  for (const key of await redis.keys('*')) {
    const dump: Record<string, () => Promise<unknown>> = {
      hash: () => redis.hgetall(key),
      zset: () => redis.zrange(key, '0', '-1'),
      set: () => redis.smembers(key),
      list: () => redis.lrange(key, 0, -1),
      stream: () => redis.xrange(key, '-', '+'),
      string: () => redis.get(key),
    };
    const value = JSON.stringify(await dump[await redis.type(key)]?.());
    // The messenger forgets its deliveries by itself; a wake-up for a run that is gone finds nothing. That it was deleted,
    // and why, is kept for those who look for it.
    if (!/:bull:|:deleted$/.test(key) && (key.includes(id) || value.includes(id))) found.push(key);
  }
  return found;
}

const talking = defineWorkflow({
  name: 'talking',
  input: z.object({ turns: z.int() }),
  state: z.object({ turn: z.number().default(0), said: z.string().default('') }),
  signals: { stop: z.object({}) },
  events: { said: z.object({ turn: z.int() }) },
  reduce: { said: (state, { turn }) => ({ turn, said: `${state.said}.` }) },
  expireCheckpoints: { keepNewest: 3 },
  async run(ctx, { turns }) {
    for (let turn = ctx.state.turn + 1; turn <= turns; turn++) {
      await ctx.step(`think:${turn}`, () => sleep(2));
      await ctx.emit('said', { turn });
      if (turn % 3 === 0) await ctx.checkpoint();
    }
    return ctx.state.said.length;
  },
});

test('retention leaves no key and no place in an index of a run', async () => {
  await using pawl = await Pawl.open({ redis: server.url, prefix: newPrefix(), shards: 4 });
  pawl.worker({ workflows: [talking], keepMs: 1e9 });
  const options = (id: string) => ({ id, tags: { tenant: 'acme', zone: 'b' } });
  const names = ['goes-1', 'goes-2', 'stays-1'];
  const runs = await Promise.all(names.map((id) => pawl.start(talking, { turns: 6 }, options(id))));
  await runs[0]?.signal('stop', {});
  await Promise.all(runs.map((run) => run.result()));
  await pawl.compact('goes-2');
  expect((await traces('goes-1')).length).toBeGreaterThan(8);
  const archived: string[] = [];
  const report = await pawl.retain(
    { rules: [{ workflow: 'talking', status: 'completed', keepNewest: 0 }] },
    {
      actor: 'test',
      archive: async (lines, { id }) => {
        if (id === 'stays-1') throw new Error('no room');
        for await (const line of lines) archived.push(line);
      },
    },
  );
  expect(Object.fromEntries(report.runs.map(({ run, outcome }) => [run, outcome]))).toEqual({
    'goes-1': 'done',
    'goes-2': 'done',
    'stays-1': 'failed',
  });
  expect(archived.filter((line) => line.startsWith('{"kind":"end"'))).toHaveLength(2);
  expect(await traces('goes-1')).toEqual([]);
  expect(await traces('goes-2')).toEqual([]);
  expect(await pawl.run(talking, 'stays-1').result()).toBe(6);
});

test('runs that are compacted again and again while they work leave a sound history', async () => {
  const setup = { url: server.url, prefix: newPrefix() };
  const known = { workflows: [talking] };
  const { say, said } = gather();
  await using pawl = await openReportingPawl(setup, say, 'first');
  const workers = [pawl.worker(known), pawl.worker(known)];
  const runs = await Promise.all(
    Array.from({ length: 8 }, () => pawl.start(talking, { turns: 30 })),
  );
  let cuts = 0;
  const over = new AbortController();
  const compacting = (async () => {
    while (!over.signal.aborted) {
      const told = { told: [...said.told] };
      expect(judge(await collectHistory(setup.url, setup.prefix, { ...told, ...known }))).toEqual(
        [],
      );
      for (const { id } of runs) cuts += (await pawl.compact(id)).dropped > 0 ? 1 : 0;
    }
  })();
  // A hand-over in the middle: what takes over begins from a compacted log.
  await expect.poll(() => cuts, { timeout: 10_000 }).toBeGreaterThan(8);
  await workers[0]?.close();
  const ends = await Promise.all(runs.map((run) => run.result())).finally(() => over.abort());
  await compacting;
  expect(ends).toEqual(runs.map(() => 30));
  const history = await collectHistory(setup.url, setup.prefix, { ...said, ...known });
  expect(judge(history, { settled: true })).toEqual([]);
  expect(history.runs.every(({ record }) => record.firstSeq > 60)).toBe(true);
  for (const run of runs) expect((await run.checkpoints()).length).toBe(3);
});

/** What the checkpoints of a run hold, and where its fields were written. */
class Model {
  readonly checkpoints = new Map<number, ReadonlyMap<string, string>>();
  readonly #writes: { readonly version: number; readonly field: string }[] = [];
  #now = new Map<string, string>();
  version = 0;

  save(change: ReadonlyMap<string, string | undefined>, keeps: boolean): void {
    this.version += 1;
    this.#now = new Map(this.#now);
    for (const [field, text] of change) {
      this.#writes.push({ version: this.version, field });
      if (text === undefined) this.#now.delete(field);
      else this.#now.set(field, text);
    }
    if (keeps) this.checkpoints.set(this.version, this.#now);
  }

  /** What must be preserved: what was overwritten between a checkpoint and the next one, once. */
  preserved(): Record<string, string> {
    const versions = [...this.checkpoints.keys()].sort((a, b) => a - b);
    const wanted: Record<string, string> = {};
    for (const [i, version] of versions.entries()) {
      const next = versions[i + 1] ?? Infinity;
      for (const { version: at, field } of this.#writes) {
        if (at <= version || at > next) continue;
        const text = this.checkpoints.get(version)?.get(field);
        wanted[`${version}:${field}`] = text === undefined ? '' : `=${text}`;
      }
    }
    return wanted;
  }
}

test('nothing is preserved that no checkpoint needs, and all that one does', async () => {
  const prefix = newPrefix();
  const store = await RedisRunStore.open({ redis: server.url, prefix });
  let seed = 4_711;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return Math.floor((seed / 2_147_483_647) * below);
  };
  const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
  for (let round = 0; round < 12; round++) {
    const run = `round-${round}`;
    await store.create({
      run,
      workflow: 'w',
      input: encoded(''),
      tags: {},
      data: encoded(''),
      token: `create ${run}`,
      resendMs: 1e6,
    });
    const claim = { run, worker: 'w', codeVersion: 1, token: `claim ${run}` };
    const claimed = await store.claim(claim);
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    const model = new Model();
    for (let move = 0; move < 40; move++) {
      if (next(4) === 0) {
        const gone = [...model.checkpoints.keys()].filter(() => next(3) === 0);
        for (const version of gone) model.checkpoints.delete(version);
        const ids = gone.map((version) => `${version}-0`);
        expect(await store.archive.forget(run, ids)).toBe(gone.length);
      } else {
        const change = new Map<string, string | undefined>();
        for (const field of ['a', 'b', 'c']) {
          const choice = next(4);
          if (choice < 2) change.set(field, choice === 0 ? undefined : `${field}${move}`);
        }
        const keeps = next(2) === 0;
        model.save(change, keeps);
        const set = [...change].flatMap(([field, text]) =>
          text === undefined ? [] : ([[field, encoded(text)]] as const),
        );
        const remove = [...change].flatMap(([field, text]) => (text === undefined ? [field] : []));
        const marked = keeps ? { checkpoints: { marks: [{}], bytes: 1 } } : {};
        await store.commit({
          ...claimed.ownership,
          token: `${run} ${move}`,
          expectedSeq: 2,
          events: [],
          snapshot: { schema: 1, set: new Map(set), remove, ...marked },
        });
      }
      expect(await redis.hgetall(`{${prefix}:0}:preserved:${run}`)).toEqual(model.preserved());
    }
    for (const [version, fields] of model.checkpoints) {
      const recalled = await store.recall(run, `${version}-0`);
      const texts = [...(recalled?.fields ?? [])].map(([name, data]) => [name, String(data)]);
      expect(Object.fromEntries(texts)).toEqual(Object.fromEntries(fields));
    }
    await store.archive.forget(
      run,
      [...model.checkpoints.keys()].map((version) => `${version}-0`),
    );
    expect(await redis.exists(`{${prefix}:0}:preserved:${run}`)).toBe(0);
  }
  await store.close();
});

test('memory is told by kind, of a run and of a workflow', async () => {
  await using pawl = await Pawl.open({ redis: server.url, prefix: newPrefix(), shards: 4 });
  const size = 200_000;
  const heavy = defineWorkflow({
    name: 'heavy',
    state: z.object({ text: z.string().default('') }),
    async run(ctx) {
      for (const letter of ['a', 'b', 'c']) {
        await ctx.set({ text: letter.repeat(size) });
        await ctx.checkpoint();
      }
    },
  });
  pawl.worker({ workflows: [heavy] });
  const runs = await Promise.all(Array.from({ length: 6 }, () => pawl.start(heavy, undefined)));
  await Promise.all(runs.map((run) => run.result()));
  const [{ id } = { id: '' }] = runs;
  const { record, log, snapshot, checkpoints, inbox, total } = await pawl.memory(id);
  expect(record + log + snapshot + checkpoints + inbox).toBe(total);
  for (const [kind, least, most] of [
    ...([['log', 3 * size, 4 * size] as const, ['snapshot', size, 2 * size] as const] as const),
    ...([['checkpoints', 2 * size, 3 * size] as const, ['record', 100, 5_000] as const] as const),
  ] as const) {
    const bytes = { log, snapshot, checkpoints, record }[kind];
    expect(bytes, kind).toBeGreaterThanOrEqual(least);
    expect(bytes, kind).toBeLessThan(most);
  }
  const all = await pawl.memory({ workflow: 'heavy', sample: 4 });
  expect(all).toMatchObject({ runs: 6, measured: 4 });
  expect(Math.abs(all.estimated / (6 * total) - 1)).toBeLessThan(0.1);
  expect(await pawl.memory({ workflow: 'none' })).toMatchObject({ runs: 0, estimated: 0 });
  await expect(pawl.memory('none')).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
  await pawl.forgetCheckpoints(id, { keepNewest: 1 });
  expect((await pawl.memory(id)).checkpoints).toBeLessThan(10_000);
  await pawl.compact(id);
  expect((await pawl.memory(id)).log).toBeLessThan(2 * size);
});
