// Goal: more work than the machine or Redis can take slows nothing down that is there, and loses nothing.
// Method: private servers; ratios inside one run, so that the speed of the machine does not matter.
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type { ClaimedData, RunEvent, RunHandle } from 'pawl';
import { z } from 'zod';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { holding } from '../support/workflows.ts';
import {
  allEvents,
  checkLog,
  firstEvent,
  newPrefix,
  openPawl,
  startWorker,
} from '../support/workers.ts';

afterEach(killChildren);

/** How many workers die at once, and how many runs each of them holds. */
const doomedWorkers = Number(process.env['PAWL_OVERLOAD_WORKERS'] ?? 2);
const heldByEach = Number(process.env['PAWL_OVERLOAD_HELD'] ?? 200);

/** Runs that stand in the queue while the cost of the next one is measured. */
const crowd = Number(process.env['PAWL_OVERLOAD_RUNS'] ?? 20_000);

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function timed(times: number, act: (i: number) => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    await act(i);
    took.push(performance.now() - began);
  }
  return median(took);
}

test('starting, listing and claiming cost the same however many runs wait', async () => {
  const server = await startRedisServer();
  const prefix = newPrefix();
  const store = await RedisRunStore.open({ redis: server.url, prefix });
  const pawl = await openPawl(server.url, prefix);
  const workflow = defineWorkflow({ name: 'crowded', run: () => undefined });
  const create = (id: string): Promise<unknown> =>
    store.create({
      ...{ run: id, workflow: 'crowded', tags: { kind: 'crowd' }, token: randomUUID() },
      ...{ input: Uint8Array.of(1, 0xc0), data: Uint8Array.of(1, 0xc0), resendMs: 600_000 },
    });
  const fill = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i += 500) {
      const ids = Array.from({ length: Math.min(500, to - i) }, (_, n) => `crowd-${i + n}`);
      await Promise.all(ids.map(create));
    }
  };
  const costs = async (): Promise<Record<string, number>> => {
    const ids = Array.from({ length: 300 }, () => randomUUID());
    const starting = await timed(300, (i) => pawl.start(workflow, undefined, { id: ids[i] ?? '' }));
    const listing = await timed(40, () => pawl.list({ status: 'queued', limit: 50 }));
    const deep = (await pawl.list({ workflow: 'crowded', limit: 500 })).cursor ?? '';
    const paging = await timed(40, () =>
      pawl.list({ workflow: 'crowded', limit: 50, cursor: deep }),
    );
    const claiming = await timed(300, (i) =>
      store.claim({ run: ids[i] ?? '', worker: 'w', codeVersion: 1, token: randomUUID() }),
    );
    const sweeping = await timed(40, () => store.due({ limit: 200, resendMs: 3_000 }));
    return { starting, listing, paging, claiming, sweeping };
  };
  await fill(0, 1_000);
  await costs();
  const few = await costs();
  await fill(1_000, crowd);
  const many = await costs();
  const show = ([what, ms]: [string, number]): string =>
    `${what} ${few[what]?.toFixed(2)} → ${ms.toFixed(2)} ms`;
  console.log(`1,000 → ${crowd} queued runs: ${Object.entries(many).map(show).join(', ')}`);
  for (const [what, ms] of Object.entries(many)) {
    // Three times, and a bit for what is too short to be measured well on a busy machine.
    expect(ms, what).toBeLessThan((few[what] ?? 0) * 3 + 0.5);
  }
  await pawl.close();
  await store.close();
  await server.stop();
}, 300_000);

test('a Redis that is nearly full refuses new runs, and those at work end', async () => {
  const server = await startRedisServer();
  const prefix = newPrefix();
  const pawl = await openPawl(server.url, prefix);
  const redis = new Redis(server.url);
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const parent = defineWorkflow({
    name: 'parent',
    async run(ctx) {
      await ctx.step('wait', () => gate);
      for (let i = 0; i < 20; i++) await ctx.step(`write:${i}`, () => 'x'.repeat(1_000));
      return (await ctx.start(child, undefined)).result();
    },
  });
  const child = defineWorkflow({ name: 'child', run: () => 'a child’s' });
  pawl.worker({ workflows: [parent, child] });
  const run = await pawl.start(parent, undefined);
  await expect.poll(async () => (await run.info()).status).toBe('running');
  // Beside it, what clients and buffers come and go with is nothing.
  await redis.setrange('ballast', 50_000_000, 'x');
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', Math.round(used / 0.93));
  const refused = { code: 'PAWL_REDIS_FULL', retryable: true, outcome: 'not-applied' };
  // A look at the memory is good for a second.
  await pause(1_100);
  await expect(pawl.start(parent, undefined)).rejects.toMatchObject(refused);
  expect((await pawl.list()).runs.map(({ id }) => id)).toEqual([run.id]);
  go();
  expect(await run.result()).toBe('a child’s');
  checkLog(await allEvents(run));
  await redis.config('SET', 'maxmemory', 0);
  await pause(1_100);
  await (await pawl.start(child, undefined)).result();
  redis.disconnect();
  await pawl.close();
  await server.stop();
});

test('a Redis at its limit refuses commits, and the run goes on when there is room again', async () => {
  const server = await startRedisServer();
  const prefix = newPrefix();
  const pawl = await openPawl(server.url, prefix);
  const redis = new Redis(server.url);
  const writing = defineWorkflow({
    name: 'writing',
    state: z.object({ n: z.number().default(0) }),
    async run(ctx) {
      for (let i = ctx.state.n; i < 50; i++) await ctx.set({ n: i + 1 });
      return ctx.state.n;
    },
  });
  const run = await pawl.start(writing, undefined);
  await redis.config('SET', 'maxmemory', 1);
  pawl.worker({ workflows: [writing] });
  await expect
    .poll(() =>
      pawl
        .run(run.id)
        .signal('x', 1)
        .catch((error: unknown) => error),
    )
    .toMatchObject({ code: 'PAWL_REDIS_FULL', outcome: 'not-applied' });
  const before = await run.info();
  expect(before.seq).toBeLessThanOrEqual(2);
  await redis.config('SET', 'maxmemory', 0);
  expect(await run.result({ timeoutMs: 20_000 })).toBe(50);
  checkLog(await allEvents(run));
  redis.disconnect();
  await pawl.close();
  await server.stop();
});

test('runs that lose their workers at once are spread over the others by their concurrency', async () => {
  const server = await startRedisServer();
  const setup = { url: server.url, prefix: newPrefix(), worker: { concurrency: heldByEach } };
  const mark = join(tmpdir(), `${setup.prefix}.mark`);
  await writeFile(mark, '');
  const pawl = await openPawl(setup.url, setup.prefix);
  const doomed = await Promise.all(Array.from({ length: doomedWorkers }, () => startWorker(setup)));
  const runs: RunHandle[] = [];
  for (let i = 0; i < doomedWorkers * heldByEach; i++) {
    runs.push(await pawl.start(holding, { mark }));
  }
  const running = async (): Promise<number> => (await pawl.workers()).reduce(sumActive, 0);
  await expect.poll(running, { timeout: 60_000 }).toBe(runs.length);

  const spread = [new Spread(20), new Spread(30)];
  for (const { concurrency, wrapped } of spread) pawl.worker({ workflows: [wrapped], concurrency });
  await expect.poll(async () => (await pawl.workers()).length).toBe(doomedWorkers + 2);
  const diedAt = Date.now();
  for (const { child } of doomed) child.kill('SIGKILL');
  await rm(mark);
  await Promise.all(runs.map((run) => run.result()));
  const claims = await Promise.all(runs.map((run) => firstEvent(run, isTakeover)));
  const ms = claims.map(({ at }) => at.getTime() - diedAt).toSorted((a, b) => a - b);
  const at = (share: number): number | undefined => ms[Math.floor((ms.length - 1) * share)];
  const times = `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
  console.log(`${runs.length} runs of ${doomedWorkers} killed workers taken over: ${times}`);
  expect(spread.map(({ most }) => most)).toEqual([20, 30]);
  await pawl.close();
  await server.stop();
}, 240_000);

const sumActive = (sum: number, { active }: { active: number }): number => sum + active;

const isTakeover = ({ type, data }: RunEvent): boolean =>
  type === 'run.claimed' && (data as ClaimedData).takeover !== undefined;

/** The workflow as one worker executes it, counting how many it has at work. */
class Spread {
  readonly concurrency: number;
  readonly wrapped: typeof holding;
  most = 0;
  #now = 0;

  constructor(concurrency: number) {
    this.concurrency = concurrency;
    this.wrapped = defineWorkflow({
      ...holding.definition,
      run: async (ctx) => {
        this.#now += 1;
        this.most = Math.max(this.most, this.#now);
        // Long enough for the worker to have taken what else it may.
        await ctx.step('hold', () => pause(100));
        this.#now -= 1;
      },
    });
  }
}
