// Goal: a schedule goes on whatever dies. Method: worker processes killed at random moments, and a Redis that comes back
// without the end of its append-only file; then every time of the schedule must have its one run.
import { readdir, stat, truncate, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, inject, test } from 'vitest';
import type { Pawl } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { killChildren, type NodeChild } from '../support/child.ts';
import { newPrefix, openPawl, spawnWorker, startWorker } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';
import { Random } from './matrix/random.ts';

afterEach(killChildren);

interface Started {
  readonly at: number;
  /** How long after its time the run was created. */
  readonly lateMs: number;
}

async function startedBy(pawl: Pawl, schedule: string): Promise<Started[]> {
  const started: Started[] = [];
  let cursor: string | undefined;
  do {
    const tag = { key: 'schedule', value: schedule };
    const page = await pawl.list({ tag, limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    for (const { id, createdAt } of page.runs) {
      const at = Number(id.slice(schedule.length + 1));
      started.push({ at, lateMs: Number(createdAt) - at });
    }
    ({ cursor } = page);
  } while (cursor !== undefined);
  return started.sort((a, b) => a.at - b.at);
}

/** Every time from the first to the last has one run. */
function expectEvery(ms: number, started: readonly Started[]): void {
  const [first] = started;
  expect(started.map(({ at }) => at)).toEqual(started.map((_, i) => (first?.at ?? 0) + i * ms));
}

test('workers are killed all the time: every second has its run, late by a take-over at most', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const random = new Random(90_210);
  const alive: NodeChild[] = [];
  for (let i = 0; i < 3; i++) alive.push((await startWorker(setup)).child);
  await pawl.schedule(ticks, { count: 1 }, { id: 's', every: '1s' });
  const until = performance.now() + 12_000;
  let kills = 0;
  while (performance.now() < until) {
    await sleep(random.whole(100, 900));
    // The others take over; one that takes its place comes up beside them.
    const [victim] = alive.splice(random.whole(0, alive.length - 1), 1);
    victim?.kill('SIGKILL');
    kills += 1;
    const next = spawnWorker(setup);
    await next.waitFor((message) => message['message'] === 'ready', 30_000);
    alive.push(next);
  }
  await sleep(1_500);
  await pawl.unschedule(ticks, 's');
  const started = await startedBy(pawl, 's');
  expect(kills).toBeGreaterThan(2);
  expect(started.length).toBeGreaterThanOrEqual(11);
  expectEvery(1_000, started);
  expect(Math.max(...started.map(({ lateMs }) => lateMs))).toBeLessThan(5_000);
  for (const { at } of started) {
    expect(await pawl.run(`s.${at}`).result({ timeoutMs: 20_000 })).toEqual({ sum: 0 });
  }
});

test('the only worker is killed and replaced: with missed times made up for, none is lost', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const random = new Random(424_242);
  await pawl.schedule(ticks, { count: 1 }, { id: 's', every: '50ms', missed: 'all' });
  for (let i = 0; i < 5; i++) {
    const { child } = await startWorker(setup);
    await sleep(random.whole(50, 900));
    child.kill('SIGKILL');
  }
  await startWorker(setup);
  await expect
    .poll(async () => (await startedBy(pawl, 's')).at(-1)?.at, { timeout: 60_000 })
    .toBeGreaterThan(Date.now());
  await pawl.unschedule(ticks, 's');
  const started = await startedBy(pawl, 's');
  expect(started.length).toBeGreaterThan(40);
  expectEvery(50, started);
});

/**
 * As after a power loss: Redis comes back without the last effects of scripts, some thousand bytes of them. Every other
 * time what is lost first is the creation of a run: what had been done because it was there must be lost as well.
 */
async function rewind(server: RedisServer, random: Random): Promise<number> {
  await server.kill();
  const folder = join(server.dir, 'appendonlydir');
  const name = (await readdir(folder))
    .filter((file) => file.endsWith('.incr.aof'))
    .sort()
    .at(-1);
  const file = join(folder, name ?? '');
  const content = await readFile(file);
  const cut = content.length - random.whole(1, 20_000);
  const isAimed = random.next() < 0.5;
  const from = isAimed ? content.lastIndexOf('createToken', cut) : cut;
  const end = content.lastIndexOf('*1\r\n$5\r\nMULTI\r\n', from);
  await truncate(file, end);
  const lost = content.length - (await stat(file)).size;
  await server.restart();
  return lost;
}

test('Redis forgets what it acknowledged: every time that is over has its run at the end', async () => {
  const server = await startRedisServer({ config: { appendfsync: 'always' } });
  const random = new Random(7);
  const pawls = [await openPawl(server.url, 'rewound'), await openPawl(server.url, 'rewound')];
  const [caller] = pawls;
  if (caller === undefined) throw new Error('there is no pawl');
  for (const pawl of pawls) await pawl.worker({ workflows: [ticks] }).ready();
  await caller.schedule(ticks, { count: 1 }, { id: 's', every: '100ms', missed: 'all' });
  await sleep(3_000);
  for (let i = 0; i < 6; i++) {
    await sleep(random.whole(500, 1_500));
    expect(await rewind(server, random)).toBeGreaterThan(0);
  }
  await expect
    .poll(async () => (await startedBy(caller, 's')).at(-1)?.at, { timeout: 60_000 })
    .toBeGreaterThan(Date.now());
  await caller.unschedule(ticks, 's');
  const started = await startedBy(caller, 's');
  expect(started.length).toBeGreaterThan(60);
  expectEvery(100, started);
  await Promise.all(pawls.map((pawl) => pawl.close({ graceMs: 100 })));
  await server.stop();
});
