/** What does not grow: resuming a long run, what a step leaves in Redis, what a waiting run takes of a worker. */
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { encoded } from '../claimed-run.ts';
import { type Arena, type Contender, latency, type Workload } from '../workload.ts';

/** A run that has emitted its events waits; what is measured is from the signal to its handler. */
async function resumeAfter({ url, quick }: Arena, count: number): Promise<number[]> {
  let resumed: (at: number) => void = () => undefined;
  const long = defineWorkflow({
    name: 'long',
    state: z.object({ count: z.number().default(0), rounds: z.number().default(0) }),
    events: { one: z.object({}), round: z.object({}) },
    reduce: {
      one: (state) => ({ ...state, count: state.count + 1 }),
      round: (state) => ({ ...state, rounds: state.rounds + 1 }),
    },
    signals: { go: z.object({}) },
    async run(ctx) {
      resumed(performance.now());
      while (ctx.state.count < count) {
        const missing = Math.min(250, count - ctx.state.count);
        await Promise.all(Array.from({ length: missing }, () => ctx.emit('one', {})));
      }
      for (let round = ctx.state.rounds; ; round++) {
        await ctx.waitFor('go', { as: `round ${round}` });
        await ctx.emit('round', {});
      }
    },
  });
  const pawl = await Pawl.open({ redis: url });
  await pawl.worker({ workflows: [long] }).ready();
  const run = await pawl.start(long, undefined);
  const times: number[] = [];
  for (let i = 0; i < (quick ? 5 : 20); i++) {
    while ((await run.info()).status !== 'waiting') await pause(2);
    await pause(10);
    const claimed = new Promise<number>((resolve) => (resumed = resolve));
    const before = performance.now();
    await run.signal('go', {});
    times.push((await claimed) - before);
  }
  await pawl.close();
  return times;
}

const resume: Workload = {
  name: 'resume',
  title: 'From a signal to the handler of a waiting run, by the length of its log',
  figures: [latency],
  baseline: 'after 100 events',
  contenders: [10, 100, 1_000, 100_000].map((count): Contender => ({
    name: `after ${count.toLocaleString('en-GB')} events`,
    // 100,000 events take seconds to write.
    ...(count === 100_000 ? { slow: true } : {}),
    measure: async (arena) => ({ latency: await resumeAfter(arena, count) }),
  })),
  durable: false,
};

const steps = 1_000;
const result = { text: 'A result of a step. '.repeat(10).slice(0, 190) };
const payloadBytes = steps * encoded(result).length;

/** Bytes that all keys take, as Redis counts them. */
async function keyBytes(redis: Redis): Promise<number> {
  let bytes = 0;
  for (const key of await redis.keys('*')) {
    bytes += (await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')) as number;
  }
  return bytes;
}

function perStep(bytes: number): Record<string, readonly number[]> {
  return { memory: [bytes], 'per payload byte': [bytes / payloadBytes] };
}

function pawlMemory(name: string, { compacted }: { readonly compacted: boolean }): Contender {
  return {
    name,
    async measure({ url }) {
      const thousand = defineWorkflow({
        name: 'thousand',
        async run(ctx) {
          for (let step = 0; step < steps; step++) await ctx.step(`s${step}`, () => result);
        },
      });
      const pawl = await Pawl.open({ redis: url });
      const redis = new Redis(url);
      const worker = pawl.worker({ workflows: [thousand] });
      const run = await pawl.start(thousand, undefined);
      await run.result();
      await worker.close();
      if (compacted) await pawl.compact(run.id);
      const bytes = await keyBytes(redis);
      redis.disconnect();
      await pawl.close();
      return perStep(bytes);
    },
  };
}

const memory: Workload = {
  name: 'memory',
  title: `Memory in Redis of a run of ${steps} steps with results of 200 B`,
  figures: [
    { name: 'per payload byte', unit: '×', better: 'lower' },
    { name: 'memory', unit: 'B', better: 'lower' },
  ],
  baseline: 'raw stream',
  contenders: [
    {
      name: 'raw stream',
      async measure({ url }) {
        const redis = new Redis(url);
        const data = JSON.stringify(result);
        for (let step = 0; step < steps; step++) {
          await redis.xadd('log', '*', 'type', 'step', 'name', `s${step}`, 'data', data);
        }
        const bytes = await keyBytes(redis);
        redis.disconnect();
        return perStep(bytes);
      },
    },
    {
      name: 'bullmq, all results in the job',
      async measure({ url }) {
        const connection = new Redis(url, { maxRetriesPerRequest: null });
        const queue = new Queue('bench', { connection });
        const job = await queue.add('run', {});
        const all = Object.fromEntries(Array.from({ length: steps }, (_, i) => [`s${i}`, result]));
        await job.updateData(all);
        const bytes = await keyBytes(connection);
        await queue.close();
        connection.disconnect();
        return perStep(bytes);
      },
    },
    pawlMemory('pawl', { compacted: false }),
    pawlMemory('pawl, compacted', { compacted: true }),
  ],
  durable: false,
};

async function settledHeap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await pause(30);
  }
  return process.memoryUsage().heapUsed;
}

const heap: Workload = {
  name: 'heap',
  title: 'Heap of a worker for each run that waits',
  figures: [{ name: 'heap', unit: 'B', better: 'lower' }],
  baseline: 'pawl',
  contenders: [
    {
      name: 'pawl',
      async measure({ url, quick }) {
        const waiters = quick ? 1_000 : 5_000;
        const waiter = defineWorkflow({
          name: 'waiter',
          signals: { go: z.object({}) },
          run: (ctx) => ctx.waitFor('go'),
        });
        const pawl = await Pawl.open({ redis: url });
        const worker = pawl.worker({ workflows: [waiter], concurrency: 100 });
        const redis = new Redis(url);
        const waitFor = async (count: number): Promise<void> => {
          while ((await redis.zcard('{pawl:0}:by-status:waiting')) < count) await pause(10);
        };
        const start = (count: number): Promise<unknown> =>
          Promise.all(Array.from({ length: count }, () => pawl.start(waiter, undefined)));
        // The first runs grow buffers and compile code.
        await start(300);
        await waitFor(300);
        const before = await settledHeap();
        for (let started = 0; started < waiters; started += 250) await start(250);
        await waitFor(300 + waiters);
        // Redis knows first that a run is parked.
        while (worker.active > 0) await pause(10);
        const after = await settledHeap();
        redis.disconnect();
        await pawl.close();
        return { heap: [(after - before) / waiters] };
      },
    },
  ],
  durable: false,
};

/** Scripts and commands for each commit, counted by Redis while one run executes 200 steps. */
const commands: Workload = {
  name: 'commands',
  title: 'Scripts for each commit of a step',
  figures: [{ name: 'scripts per commit', unit: '', better: 'lower' }],
  baseline: 'pawl',
  contenders: [
    {
      name: 'pawl',
      async measure({ url }) {
        const redis = new Redis(url);
        const calls = async (): Promise<number> =>
          Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
        const counted: number[] = [];
        const many = defineWorkflow({
          name: 'many',
          async run(ctx) {
            await ctx.step('warm', () => undefined);
            const before = await calls();
            for (let step = 0; step < 200; step++) await ctx.step(`s${step}`, () => step);
            counted.push(((await calls()) - before) / 200);
          },
        });
        const pawl = await Pawl.open({ redis: url });
        // Other scripts, of beats and sweeps, are made rare.
        await pawl.worker({ workflows: [many], sweepMs: 60_000 }).ready();
        // So is the take-over that a worker plays at its start: it has none left.
        for (let seen = 0, now = await calls(); seen !== now; now = await calls()) {
          seen = now;
          await pause(200);
        }
        await (await pawl.start(many, undefined)).result();
        await pawl.close();
        redis.disconnect();
        return { 'scripts per commit': counted };
      },
    },
  ],
  durable: false,
};

export const growth: readonly Workload[] = [resume, memory, heap, commands];
