// Goal: a network that drops, delays, parts or forgets costs time and nothing else. Method: whole workers, each behind a
// proxy of its own, beside a caller with a clear line; then a look at the logs.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow, Pawl } from 'pawl';
import type { Logger, RunHandle, Worker, WorkerOptions } from 'pawl';
import { z } from 'zod';
import { seeded } from '../support/linearizability/clients.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { isThorough } from '../support/thorough.ts';
import { allEvents, checkLog, firstEvent, newPrefix, openPawl } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

interface Remote {
  readonly proxy: TcpProxy;
  readonly pawl: Pawl;
  readonly worker: Worker;
  /** What it logged: message and fields. */
  readonly said: readonly (readonly [string, object])[];
}

let prefix: string;
let caller: Pawl;
const remotes: Remote[] = [];
const proxies: TcpProxy[] = [];

beforeEach(async () => {
  prefix = newPrefix();
  caller = await openPawl(inject('redisUrl'), prefix);
});

afterEach(async () => {
  for (const proxy of proxies) {
    proxy.delay(0);
    proxy.heal();
    proxy.resume();
  }
  await Promise.all(remotes.splice(0).map(({ pawl }) => pawl.close({ graceMs: 100 })));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await caller.close();
});

async function startRemote(
  options: Partial<WorkerOptions> = {},
  weather: (proxy: TcpProxy) => void = () => undefined,
): Promise<Remote> {
  const url = new URL(inject('redisUrl'));
  const proxy = await startTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
  proxies.push(proxy);
  weather(proxy);
  const said: (readonly [string, object])[] = [];
  const log = (fields: object, message: string): void => void said.push([message, fields]);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const pawl = await Pawl.open({ redis: proxy.url, prefix, logger });
  const worker = pawl.worker({ workflows: [ticks, thinker], ...options });
  const remote = { proxy, pawl, worker, said };
  remotes.push(remote);
  await worker.ready();
  return remote;
}

/** Computes on, whatever happens, and then wants to write; notes what its signal does. */
const signals: string[] = [];
const thinker = defineWorkflow({
  name: 'thinker',
  input: z.object({ ms: z.number() }),
  events: { thought: z.object({ by: z.string() }) },
  async run(ctx, { ms }) {
    const by = `${ctx.fence}`;
    ctx.signal.addEventListener('abort', () => signals.push(by));
    await ctx.step('first', () => 'kept');
    await ctx.step('long', () => sleep(ms));
    await ctx.emit('thought', { by });
    return by;
  },
});

/** Every tick there, none doubled, none out of turn, and no writer but the owner. */
async function checkTicks(run: RunHandle, count: number): Promise<void> {
  const events = await allEvents(run);
  checkLog(events);
  const ticked = events
    .filter(({ type }) => type === 'tick')
    .map(({ data }) => (data as { i: number }).i);
  expect(ticked).toEqual(Array.from({ length: count }, (_, i) => i));
}

test('a worker whose connections are half-open comes back within its session', async () => {
  const { proxy, worker } = await startRemote();
  const before = await caller.start(ticks, { count: 2 });
  expect(await before.result()).toEqual({ sum: 1 });
  proxy.halfOpen();
  const startedAt = performance.now();
  const run = await caller.start(ticks, { count: 3 });
  expect(await run.result({ timeoutMs: 60_000 })).toEqual({ sum: 3 });
  const deafMs = performance.now() - startedAt;
  // How long it takes says something on a machine that does nothing else.
  if (isThorough) expect(deafMs).toBeLessThan(15_000);
  // And it is seen to be there again, not only heard from.
  const seen = async (): Promise<unknown> =>
    (await caller.workers()).map(({ id, presence }) => ({ id, presence }));
  await expect.poll(seen, { timeout: 40_000 }).toEqual([{ id: worker.id, presence: true }]);
});

test('a run at work on half-open connections is taken over, or goes on; it ends in time', async () => {
  const { proxy } = await startRemote();
  const run = await caller.start(ticks, { count: 40, paceMs: 20 });
  await firstEvent(run, ({ type }) => type === 'tick');
  proxy.halfOpen();
  expect(await run.result({ timeoutMs: 60_000 })).toEqual({ sum: 780 });
  await checkTicks(run, 40);
});

test('a slow network makes nobody look dead', async () => {
  const slow = (proxy: TcpProxy): void => proxy.delay(200);
  const timing = { beatMs: 500, sessionMs: 3_000 };
  const remote = await Promise.all([startRemote(timing, slow), startRemote(timing, slow)]);
  const runs = await Promise.all(
    Array.from({ length: 6 }, () => caller.start(ticks, { count: 8, paceMs: 10 })),
  );
  for (const run of runs) {
    expect(await run.result()).toEqual({ sum: 28 });
    await checkTicks(run, 8);
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types).not.toContain('run.interrupted');
    expect((await run.info()).takeovers).toBe(0);
  }
  expect((await caller.workers()).map(({ presence }) => presence)).toEqual([true, true]);
  expect(remote.flatMap(({ said }) => said.map(([message]) => message))).not.toContain(
    'worker lost',
  );
});

test('a worker that is parted from Redis loses its runs, is told, and works again afterwards', async () => {
  const timing = { beatMs: 200, sessionMs: 1_500 };
  const parted = await startRemote({ ...timing, concurrency: 1 });
  const run = await caller.start(thinker, { ms: 4_000 });
  const mine = await firstEvent(run, ({ type }) => type === 'step.completed');
  const other = await startRemote({ ...timing, concurrency: 1 });
  parted.proxy.partition();

  const taken = await firstEvent(
    run,
    ({ type, fence }) => type === 'run.claimed' && fence > mine.fence,
  );
  expect((await run.info()).worker).toBe(other.worker.id);
  // Its handler computes on, and knows nothing yet.
  expect(signals).not.toContain(`${mine.fence}`);
  parted.proxy.heal();
  // It comes to its next write and is refused.
  await expect.poll(() => signals, { timeout: 40_000 }).toContain(`${mine.fence}`);
  const lost = parted.said.find(([message]) => message === 'let go of the run');
  expect(lost?.[1]).toMatchObject({ run: run.id, loss: 'fenced' });

  expect(await run.result()).toBe(`${taken.fence}`);
  const events = await allEvents(run);
  checkLog(events);
  expect(events.filter(({ type }) => type === 'thought').map(({ data }) => data)).toEqual([
    { by: `${taken.fence}` },
  ]);
  expect(events.filter(({ seq, fence }) => seq > taken.seq && fence !== taken.fence)).toEqual([]);

  // The other one has left: what is started now only the parted one can do.
  await other.pawl.close({ graceMs: 100 });
  const next = await caller.start(ticks, { count: 3 });
  expect(await next.result({ timeoutMs: 60_000 })).toEqual({ sum: 3 });
});

test('a stall that costs everybody the connection is not taken for losses', async () => {
  const quick = await startRemote();
  const slow = await startRemote();
  const runs = await Promise.all(
    Array.from({ length: 8 }, () => caller.start(ticks, { count: 100, paceMs: 40 })),
  );
  const holders = async (): Promise<unknown[]> =>
    Promise.all(runs.map(async (run) => (await run.info()).worker));
  await expect.poll(holders).toContain(slow.worker.id);
  for (const { proxy } of [quick, slow]) proxy.partition();
  await sleep(2_000);
  // One is back at once and looks around, the other one needs a second.
  slow.proxy.delay(100);
  for (const { proxy } of [slow, quick]) proxy.heal();
  await sleep(1_500);
  slow.proxy.delay(0);
  for (const run of runs) {
    expect(await run.result()).toEqual({ sum: 4950 });
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types).not.toContain('run.interrupted');
  }
});

test('what was acknowledged while replies were lost is there, and there once', async () => {
  const remote = await Promise.all([startRemote(), startRemote()]);
  const random = seeded(7);
  const runs = await Promise.all(
    Array.from({ length: 8 }, () => caller.start(ticks, { count: 60, paceMs: 25 })),
  );
  const calm = new AbortController();
  let drops = 0;
  const storm = (async () => {
    while (!calm.signal.aborted) {
      await sleep(20 + random() * 60);
      const { proxy } = remote[random() < 0.5 ? 0 : 1];
      if (proxy.connections() === 0) continue;
      proxy.dropReplies(1 + Math.floor(random() * 2));
      drops += 1;
    }
  })();
  for (const run of runs) expect(await run.result({ timeoutMs: 40_000 })).toEqual({ sum: 1770 });
  calm.abort();
  await storm;
  expect(drops).toBeGreaterThan(5);
  for (const run of runs) await checkTicks(run, 60);
});
