// Goal: Redis itself may forget scripts, drop clients, freeze, lose the whole queue or the tail of its log; every run ends,
// and consistently. Method: a private server for each test, workers of this process, one fault, and a look at the logs.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, Queue, type QueueOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { Pawl } from 'pawl';
import type { Logger, RunEvent, RunHandle, WorkerOptions } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { allEvents, checkLog, firstEvent } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

let server: RedisServer;
let admin: Redis;
let caller: Pawl;
const pawls: Pawl[] = [];
/** Warnings and errors of all workers. */
const complaints: string[] = [];

const prefix = 'faults';
const queueOptions = (): QueueOptions => ({
  connection: { port: server.port },
  prefix: `{${prefix}}:bull`,
});

beforeEach(async () => {
  server = await startRedisServer({ config: { appendfsync: 'always' } });
  admin = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  admin.on('error', () => undefined);
  caller = await Pawl.open({ redis: server.url, prefix });
  complaints.length = 0;
});

afterEach(async () => {
  await Promise.all(pawls.splice(0).map((pawl) => pawl.close({ graceMs: 100 })));
  await caller.close();
  admin.disconnect();
  await server.stop();
});

async function startWorkers(count: number, options: Partial<WorkerOptions> = {}): Promise<void> {
  const nothing = (): void => undefined;
  const complain = (fields: object, message: string): void =>
    void complaints.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: nothing, info: nothing, warn: complain, error: complain };
  for (let i = 0; i < count; i++) {
    const pawl = await Pawl.open({ redis: server.url, prefix, logger });
    pawls.push(pawl);
    await pawl.worker({ workflows: [ticks], ...options }).ready();
  }
}

function startRuns(runs: number, count: number, paceMs: number): Promise<RunHandle[]> {
  return Promise.all(
    Array.from(
      { length: runs },
      () => caller.start(ticks, { count, paceMs }) as Promise<RunHandle>,
    ),
  );
}

function ticksOf(events: readonly RunEvent[]): number[] {
  return events.filter(({ type }) => type === 'tick').map(({ data }) => (data as { i: number }).i);
}

/** All ended well, each tick is there once, and nobody was taken for dead. */
async function checkRuns(runs: readonly RunHandle[], count: number): Promise<void> {
  for (const run of runs) {
    expect(await run.result({ timeoutMs: 40_000 })).toEqual({ sum: (count * (count - 1)) / 2 });
    const events = await allEvents(run);
    checkLog(events);
    expect(ticksOf(events)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(events.map(({ type }) => type)).not.toContain('run.interrupted');
  }
}

/** Does it again and again, `everyMs` apart, for `ms`; returns how often. */
async function keepDoing(ms: number, everyMs: number, act: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    await act();
    await sleep(everyMs);
  }
}

test('scripts that are forgotten in mid-flight are loaded again, and nobody notices', async () => {
  await startWorkers(2);
  const runs = await startRuns(6, 60, 20);
  const atWork = new AbortController();
  const checked = checkRuns(runs, 60).finally(() => atWork.abort());
  let flushes = 0;
  for (; !atWork.signal.aborted; flushes++) {
    await admin.script('FLUSH');
    await sleep(5);
  }
  await checked;
  expect(flushes).toBeGreaterThan(10);
  expect(complaints).toEqual([]);
});

test('clients that are killed every 8 ms for 5 s get every run done', async () => {
  await startWorkers(2);
  const runs = await startRuns(10, 100, 40);
  let killed = 0;
  await keepDoing(5_000, 8, async () => {
    killed += Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'normal'));
    // Workers' own connections count as subscribers.
    if (killed % 7 === 0) await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  });
  expect(killed).toBeGreaterThan(50);
  for (const run of runs) {
    expect(await run.result({ timeoutMs: 30_000 })).toEqual({ sum: 4950 });
    const events = await allEvents(run);
    checkLog(events);
    expect(ticksOf(events)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  }
});

test('a Redis that freezes for 10 s goes on where it was, and no worker counts as dead', async () => {
  await startWorkers(3);
  const runs = await startRuns(6, 60, 30);
  for (const run of runs) await firstEvent(run, ({ type }) => type === 'tick');
  process.kill(server.pid, 'SIGSTOP');
  await sleep(10_000);
  process.kill(server.pid, 'SIGCONT');
  await checkRuns(runs, 60);
});

test('when every key of BullMQ is gone the sweeper sends the wake-ups anew', async () => {
  await startWorkers(1, { concurrency: 1 });
  const runs = await startRuns(5, 10, 30);
  const waiting = runs.slice(1);
  const keys: string[] = [];
  for await (const found of admin.scanStream({ match: `{${prefix}}:bull:*`, count: 1000 })) {
    keys.push(...(found as string[]));
  }
  expect(keys.length).toBeGreaterThan(3);
  await admin.del(keys);
  await checkRuns(runs, 10);
  expect(waiting).toHaveLength(4);
});

test('wake-ups that come twice, late, or not at all change nothing', async () => {
  const runs = await startRuns(6, 20, 5);
  const queue = new Queue(ticks.name, queueOptions());
  const jobs: Job[] = await queue.getJobs(['waiting', 'prioritized']);
  expect(jobs).toHaveLength(6);
  for (const [i, job] of jobs.entries()) {
    if (i % 3 === 0) {
      await queue.add('resume', job.data);
      await queue.add('resume', job.data);
    } else if (i % 3 === 1) {
      await queue.add('resume', job.data, { delay: 500 });
    } else {
      await job.remove();
    }
  }
  await queue.close();
  await startWorkers(2);
  await checkRuns(runs, 20);
  // The late ones as well find nothing left to do.
  await sleep(600);
  await checkRuns(runs, 20);
});

/** The file that Redis appends to. */
async function logFile(): Promise<string> {
  const dir = join(server.dir, 'appendonlydir');
  const name = (await readdir(dir)).find((file) => file.endsWith('.incr.aof'));
  if (name === undefined) throw new Error('there is no append-only file');
  return join(dir, name);
}

test('events that Redis acknowledged and lost: it is said, the run ends, a reader sees both', async () => {
  await startWorkers(1);
  const [run] = await startRuns(1, 60, 40);
  if (run === undefined) throw new Error('no run');
  const read: RunEvent[] = [];
  const reading = (async () => {
    for await (const event of run.events()) read.push(event);
  })();
  const tick = (i: number) => (event: RunEvent) =>
    event.type === 'tick' && (event.data as { i: number }).i === i;
  await firstEvent(run, tick(5));
  const file = await logFile();
  const { size } = await stat(file);
  await expect.poll(() => read.some(tick(20)), { timeout: 10_000 }).toBe(true);
  await server.kill();
  await truncate(file, size);
  await server.restart();

  expect(await run.result({ timeoutMs: 30_000 })).toEqual({ sum: 1770 });
  const events = await allEvents(run);
  checkLog(events);
  expect(ticksOf(events)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  const rewound = events.find(({ type }) => type === 'run.rewound');
  expect(rewound?.data).toMatchObject({ acknowledgedSeq: expect.any(Number) });

  await reading;
  // What it had read, and from the loss on all that took its place.
  const back = read.findIndex(({ type }) => type === 'run.rewound');
  const place = (rewound?.seq ?? 0) - 1;
  expect(read[back - 1]?.seq).toBeGreaterThan(place);
  expect(read.slice(0, place)).toEqual(events.slice(0, place));
  expect(read.slice(back)).toEqual(events.slice(place));
});
