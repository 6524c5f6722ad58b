// Goal: many runs cost as much each as few do; a crowd of runs without a worker is spread; a full Redis is said aloud, and
// nothing acknowledged is lost by it. Method: private servers, and what they count by themselves, small beside large.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl } from 'pawl';
import type { StoredEvent } from '../../src/core/event.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { collectHistory } from '../support/history/collect.ts';
import type { History } from '../support/history/history.ts';
import { judge } from '../support/history/judge.ts';
import { gather, openReportingPawl } from '../support/history/reporter.ts';
import { firstEvent, startWorker } from '../support/workers.ts';
import { patient } from '../support/workflows.ts';

const servers: RedisServer[] = [];

async function startServer(config: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const server = await startRedisServer({ config });
  servers.push(server);
  return server;
}

afterEach(async () => {
  await killChildren();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

const hourMs = 3_600_000;
/** `PAWL_MANY_RUNS=100000` for the figures of docs/reliability.md. */
const manyRuns = Number(process.env['PAWL_MANY_RUNS'] ?? 20_000);
const data = new Uint8Array([1, 0xc0]);

/** Makes runs until there are `until`, in batches, each far from being due. */
async function fill(store: RedisRunStore, from: number, until: number): Promise<void> {
  const batch = 500;
  for (let start = from; start < until; start += batch) {
    const size = Math.min(batch, until - start);
    await Promise.all(Array.from({ length: size }, (_, i) => create(store, `run-${start + i}`)));
  }
}

function create(store: RedisRunStore, run: string): Promise<unknown> {
  const tags = { tenant: 'acme' };
  const token = `token of ${run}`;
  return store.create({ run, workflow: 'flat', input: data, tags, data, token, resendMs: hourMs });
}

/** Calls of commands, and the microseconds Redis spent in them, as it counts them itself. */
async function commandStats(redis: Redis): Promise<{ calls: number; usec: number }> {
  const stats = await redis.info('commandstats');
  // What scripts call inside of themselves is part of their own time.
  const outer = [
    ...stats.matchAll(/cmdstat_(evalsha|zrange|hgetall|exists):calls=(\d+),usec=(\d+)/g),
  ];
  return {
    calls: outer.reduce((sum, [, , calls]) => sum + Number(calls), 0),
    usec: outer.reduce((sum, [, , , usec]) => sum + Number(usec), 0),
  };
}

interface Cost {
  readonly usec: number;
  readonly calls: number;
}

/** What one of a kind of operations costs Redis: the median of batches of ten. */
async function costOf(redis: Redis, operation: (i: number) => Promise<unknown>): Promise<Cost> {
  const costs: Cost[] = [];
  const size = 10;
  for (let batch = 0; batch < 21; batch++) {
    await redis.config('RESETSTAT');
    for (let i = 0; i < size; i++) await operation(batch * size + i);
    const { calls, usec } = await commandStats(redis);
    costs.push({ calls: calls / size, usec: usec / size });
  }
  return {
    usec: quantile(
      costs.map(({ usec }) => usec),
      0.5,
    ),
    calls: quantile(
      costs.map(({ calls }) => calls),
      0.5,
    ),
  };
}

test(`starting, listing and claiming cost the same with 1,000 queued runs and with ${manyRuns}`, async () => {
  const server = await startServer({ appendonly: 'no' });
  const store = await RedisRunStore.open({ redis: server.url });
  const redis = new Redis(server.url);
  const quick = defineWorkflow({ name: 'quick', run: () => 'done' });
  await using pawl = await Pawl.open({ redis: server.url });
  const costs: Record<string, Cost[]> = {};
  const latencies: number[] = [];
  let made = 0;
  for (const runs of [1_000, manyRuns]) {
    await fill(store, made, runs);
    made = runs;
    const operations = {
      start: (i: number) => create(store, `more-${runs}-${i}`),
      claim: (i: number) =>
        store.claim({ run: `run-${runs - 1 - i}`, worker: 'w', codeVersion: 1, token: `t${i}` }),
      'list by status': () => store.lists.runs({ status: 'queued', limit: 50 }),
      'list by tag': () => store.lists.runs({ tag: 'tenant=acme', limit: 50 }),
      'find what is due': () =>
        store.fleet.due({ limit: 200, resendMs: hourMs, aheadMs: 2 * hourMs }),
    };
    for (const [name, operation] of Object.entries(operations)) {
      (costs[name] ??= []).push(await costOf(redis, operation));
    }
    // And through the entry point: a worker beside all those runs, its sweeper at work.
    const worker = pawl.worker({ workflows: [quick] });
    await worker.ready();
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const begun = performance.now();
      await (await pawl.start(quick, undefined)).result();
      times.push(performance.now() - begun);
    }
    await worker.close();
    latencies.push(quantile(times, 0.5));
  }
  redis.disconnect();
  await store.close();
  for (const [name, [few, many]] of Object.entries(costs)) {
    say(`${name}: ${few?.usec} µs of Redis with 1,000 runs, ${many?.usec} µs with ${manyRuns}`);
    expect(many?.calls, name).toBe(few?.calls);
    expect((many?.usec ?? NaN) / (few?.usec ?? NaN), name).toBeLessThanOrEqual(3);
  }
  const [few = NaN, many = NaN] = latencies;
  say(
    `start to result: ${few.toFixed(1)} ms with 1,000 runs, ${many.toFixed(1)} ms with ${manyRuns}`,
  );
  expect(many / few).toBeLessThanOrEqual(3);
}, 180_000);

/** How many runs each worker held at most at one time, and how many it claimed, by the log. */
function holdings({ runs }: History): Map<string, { most: number; claims: number }> {
  const changes = new Map<string, { at: number; by: 1 | -1 }[]>();
  for (const { events } of runs) {
    for (const [i, claim] of events.entries()) {
      if (claim.type !== 'run.claimed') continue;
      const end = events.findLast((event, j) => j >= i && event.fence === claim.fence);
      const { worker } = JSON.parse(String(Buffer.from(claim.data))) as { worker: string };
      const ofWorker = changes.get(worker) ?? [];
      ofWorker.push({ at: claim.at, by: 1 }, { at: end?.at ?? claim.at, by: -1 });
      changes.set(worker, ofWorker);
    }
  }
  return new Map([...changes].map(([worker, list]) => [worker, mostOf(list)]));
}

function mostOf(changes: readonly { at: number; by: 1 | -1 }[]): { most: number; claims: number } {
  let held = 0;
  let most = 0;
  // In one millisecond the end of one run comes before the claim of the next: the slot is the same.
  for (const { by } of [...changes].sort((a, b) => a.at - b.at || a.by - b.by)) {
    held += by;
    most = Math.max(most, held);
  }
  return { most, claims: changes.length / 2 };
}

/** How many workers die at once, and how many runs each of them holds. */
const victims = Number(process.env['PAWL_STORM_WORKERS'] ?? 2);
const heldByEach = Number(process.env['PAWL_STORM_HELD'] ?? 150);

test('hundreds of runs of dead workers are spread over the others, by their concurrency', async () => {
  const server = await startServer();
  const setup = { url: server.url, prefix: 'storm' };
  const count = victims * heldByEach;
  const concurrency = 20;
  await using pawl = await Pawl.open({ redis: server.url, prefix: setup.prefix });
  const dying = await Promise.all(
    Array.from({ length: victims }, () =>
      startWorker({ ...setup, worker: { concurrency: heldByEach } }),
    ),
  );
  const mark = join(server.dir, 'mark');
  const runs = await Promise.all(
    Array.from({ length: count }, () => pawl.start(patient, { mark })),
  );
  for (const run of runs) await firstEvent(run, ({ type }) => type === 'step.completed');
  const others = [
    await startWorker({ ...setup, worker: { concurrency } }),
    await startWorker({ ...setup, worker: { concurrency } }),
  ];
  const killedAt = Date.now();
  for (const { child } of dying) child.kill('SIGKILL');
  await Promise.all(dying.map(({ child }) => child.exit));
  await writeFile(mark, '');
  await Promise.all(runs.map((run) => run.result({ timeoutMs: 200_000 })));

  const history = await collectHistory(setup.url, setup.prefix, { workflows: [patient] });
  expect(judge(history, { settled: true })).toEqual([]);
  const held = holdings(history);
  for (const { id } of others) {
    expect(held.get(id)?.most).toBeLessThanOrEqual(concurrency);
    expect(held.get(id)?.claims).toBeGreaterThanOrEqual(concurrency);
  }
  const claims = history.runs.map(({ events }) => lastClaim(events) - killedAt);
  const free = [...claims].sort((a, b) => a - b).slice(0, 2 * concurrency);
  const shares = others.map(({ id }) => held.get(id)?.claims).join(' and ');
  say(
    `${count} runs after the kill: claimed ${shares}; for the first free slots p99 ` +
      `${quantile(free, 0.99)} ms, for all p50 ${quantile(claims, 0.5)} ms, p99 ${quantile(claims, 0.99)} ms`,
  );
}, 400_000);

function lastClaim(events: readonly StoredEvent[]): number {
  return events.findLast(({ type }) => type === 'run.claimed')?.at ?? NaN;
}

const filling = defineWorkflow({
  name: 'filling',
  input: z.object({ padding: z.string() }),
  state: z.object({ rows: z.number().default(0) }),
  events: { row: z.object({ padding: z.string() }) },
  signals: { go: z.object({}) },
  reduce: { row: (state) => ({ rows: state.rows + 1 }) },
  async run(ctx) {
    await ctx.waitFor('go');
    // Steps, so that what was stored is not stored again by whoever goes on.
    for (let i = 0; i < 20; i++) {
      await ctx.step(`row:${i}`, (step) => step.emit('row', { padding: 'y'.repeat(100_000) }));
    }
    return ctx.state.rows;
  },
});

const megabyte = 1024 * 1024;

test('near its limit Redis takes no new runs, at its limit nothing; with more room all goes on', async () => {
  const server = await startServer();
  const redis = new Redis(server.url);
  const { say: tell, said } = gather();
  const setup = { url: server.url, prefix: 'full' };
  await using pawl = await openReportingPawl(setup, tell);
  await using worker = pawl.worker({ workflows: [filling] });
  await worker.ready();
  // Runs that are at work when memory gets short, and will need more than there is.
  const atWork = await Promise.all([1, 2, 3, 4].map(() => pawl.start(filling, { padding: '' })));
  for (const run of atWork) await firstEvent(run, ({ type }) => type === 'run.claimed');

  // Somebody else's data takes most of the memory.
  for (let i = 0; i < 30; i++) await redis.set(`filler ${i}`, 'f'.repeat(megabyte));
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', String(Math.round(used / 0.88)));
  let refused: unknown;
  let accepted = 1;
  const padding = 'x'.repeat(200_000);
  await pawl.start(filling, { padding }, { id: 'known', delay: '1h' });
  while (refused === undefined && accepted < 100) {
    try {
      await pawl.start(filling, { padding }, { delay: '1h' });
      accepted += 1;
    } catch (error) {
      refused = error;
    }
    // The guard looks once a second: give it the time to notice before Redis itself must refuse.
    if (accepted % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1_050));
  }
  expect(refused).toMatchObject({
    code: 'PAWL_REDIS_FULL',
    outcome: 'not-applied',
    retryable: true,
    message: expect.stringContaining('New runs are refused above 90 %') as unknown,
  });

  // A run that is there is found all the same.
  await pawl.start(filling, { padding }, { id: 'known' });
  // What is at work is let through: signals, and commits until Redis itself refuses.
  await Promise.all(atWork.map((run) => run.signal('go', {})));
  for (const run of atWork) await firstEvent(run, ({ type }) => type === 'row');
  // From here on nothing fits, not even a small command.
  await redis.config('SET', 'maxmemory', String(20 * megabyte));
  const statuses = await Promise.all(atWork.map(async (run) => (await run.info()).status));
  const stuck = atWork[statuses.indexOf('running')];
  await expect(stuck?.signal('go', {})).rejects.toMatchObject({
    code: 'PAWL_REDIS_FULL',
    outcome: 'not-applied',
  });
  await expect(pawl.start(filling, { padding: '' })).rejects.toMatchObject({
    code: 'PAWL_REDIS_FULL',
    outcome: 'not-applied',
  });
  // Reading goes on.
  expect((await stuck?.info())?.status).toBe('running');

  await redis.config('SET', 'maxmemory', String(128 * megabyte));
  for (const run of atWork) expect(await run.result({ timeoutMs: 30_000 })).toBe(20);
  const start = (): Promise<unknown> => pawl.start(filling, { padding: '' }, { id: 'later' });
  await expect.poll(() => start().then(() => 'started', String)).toBe('started');
  const later = pawl.run(filling, 'later');
  await later.signal('go', {});
  expect(await later.result({ timeoutMs: 30_000 })).toBe(20);
  redis.disconnect();
  const history = await collectHistory(setup.url, setup.prefix, { ...said, workflows: [filling] });
  expect(judge(history)).toEqual([]);
  expect(history.runs).toHaveLength(accepted + atWork.length + 1);
}, 90_000);
