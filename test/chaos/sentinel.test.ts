// Goal: a failover under load loses nothing that was acknowledged with durability replica, and what it loses without is
// said. Method: three sentinels, worker processes that say what was acknowledged to them, and SIGKILL for a master whose
// replicas could not follow it for the last moments: without that, a failover on one machine hardly ever loses anything.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import type { Durability } from 'pawl';
import { judge, type Judged } from '../support/acknowledged.ts';
import type { RedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { startSentinels, type SentinelSetup } from '../support/sentinel.ts';
import { diary } from '../support/workflows.ts';
import { newPrefix, startWorker } from '../support/workers.ts';

/** Failovers in the long form of these tests; in the short one, one. */
const failovers = Number(process.env['PAWL_CHAOS_ROUNDS'] ?? 1);
const runCount = 10;
const count = 120;

let setup: SentinelSetup | undefined;

afterEach(async () => {
  await killChildren();
  await setup?.stop();
  setup = undefined;
});

/** Replicas that are told to log in again cannot; clients that are connected stay so. */
async function cutReplication(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.config('SET', 'requirepass', 'unknown to replicas');
  await redis.call('CLIENT', 'KILL', 'TYPE', 'replica');
  redis.disconnect();
}

/** Stops the master as it stands: its connections stay open, and say nothing. Returns what lets it go on. */
async function freeze(master: RedisServer, replicas: readonly RedisServer[]): Promise<() => void> {
  process.kill(master.pid, 'SIGSTOP');
  const role = async ({ url }: RedisServer): Promise<boolean> => {
    const redis = new Redis(url);
    const info = await redis.info('replication');
    redis.disconnect();
    return info.includes('role:master');
  };
  const promoted = async (): Promise<boolean> =>
    (await Promise.all(replicas.map(role))).some(Boolean);
  await expect.poll(promoted, { timeout: 20_000, interval: 50 }).toBe(true);
  return () => process.kill(master.pid, 'SIGCONT');
}

/** Plays one failover under load; returns the judgement of all runs when they have ended. */
async function failOver(durability: Durability, sentinels: SentinelSetup): Promise<Judged[]> {
  const shared = { url: sentinels.url, prefix: newPrefix(), durability };
  await using pawl = await Pawl.open({ redis: shared.url, prefix: shared.prefix, durability });
  const workers = [(await startWorker(shared)).child, (await startWorker(shared)).child];
  const runs = await Promise.all(
    Array.from({ length: runCount }, (_, i) =>
      // Some are claimed when replication is cut already: their claims are lost, too.
      pawl.start(diary, { count, paceMs: 15 }, i < 3 ? { delay: 700 } : {}),
    ),
  );
  await sleep(600);
  const [master] = sentinels.servers;
  await cutReplication(master?.url ?? '');
  await sleep(400);
  await master?.kill();
  const outputs = await Promise.all(runs.map((run) => run.result()));
  expect(outputs).toEqual(runs.map(() => ({ entries: count })));
  const judged = await judge(runs, workers);
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) expect(await worker.exit).toEqual({ code: 0, signal: null });
  const all = Array.from({ length: count }, (_, i) => i);
  for (const { places } of judged) expect(places).toEqual(all);
  return judged;
}

async function eachRound(durability: Durability, check: (judged: Judged[]) => void): Promise<void> {
  for (let round = 0; round < failovers; round++) {
    setup = await startSentinels();
    check(await failOver(durability, setup));
    await setup.stop();
    setup = undefined;
  }
}

test(
  'with durability replica a failover loses nothing that was acknowledged',
  async () => {
    await eachRound('replica', (judged) => {
      expect(judged.flatMap(({ lost }) => lost)).toEqual([]);
      for (const { acknowledged } of judged) expect(acknowledged).toBeGreaterThan(0);
      expect(judged.filter(({ isRewound }) => isRewound)).toEqual([]);
    });
  },
  60_000 * failovers,
);

test(
  'with durability memory whatever a failover loses is said, run by run',
  async () => {
    await eachRound('memory', (judged) => {
      expect(judged.filter(({ lost }) => lost.length > 0).length).toBeGreaterThan(0);
      expect(judged.filter(({ lost, saidSo }) => lost.length > 0 && !saidSo)).toEqual([]);
    });
  },
  60_000 * failovers,
);

test('a master that freezes is given up, and when it goes on it changes nothing', async () => {
  setup = await startSentinels();
  const [master, ...replicas] = setup.servers;
  if (master === undefined) throw new Error('no master');
  const shared = { url: setup.url, prefix: newPrefix(), durability: 'replica' } as const;
  const { prefix, durability } = shared;
  await using pawl = await Pawl.open({ redis: setup.url, prefix, durability });
  const workers = [(await startWorker(shared)).child, (await startWorker(shared)).child];
  const start = () => pawl.start(diary, { count, paceMs: 15 });
  const runs = await Promise.all(Array.from({ length: runCount }, start));
  await sleep(600);
  const frozenAt = performance.now();
  const thaw = await freeze(master, replicas);
  const promotedMs = performance.now() - frozenAt;
  const [first, ...others] = runs;
  await first?.result();
  const goneOnMs = performance.now() - frozenAt;
  console.log(
    `promoted after ${promotedMs.toFixed(0)} ms, a run at its end after ${goneOnMs.toFixed(0)} ms`,
  );
  thaw();
  for (const run of others) await run.result();
  // A call that stood in the frozen server's buffers is carried out now, and may not count.
  runs.push(await start());
  for (const run of runs) expect(await run.result()).toEqual({ entries: count });
  const admin = new Redis(master.url);
  await expect.poll(() => admin.info('replication'), { timeout: 20_000 }).toContain('role:slave');
  admin.disconnect();
  for (const { lost, places, isRewound } of await judge(runs, workers)) {
    expect({ lost, isRewound }).toEqual({ lost: [], isRewound: false });
    expect(places).toEqual(Array.from({ length: count }, (_, i) => i));
  }
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) expect(await worker.exit).toEqual({ code: 0, signal: null });
}, 120_000);
