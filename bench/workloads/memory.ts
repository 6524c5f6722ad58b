/** What runs take of Redis, by where they are in their life, and what those at work take of a worker. */
import { setTimeout as pause } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { eventData, eventText } from '../payloads.ts';
import type { Contender, Figure, Samples, Workload } from '../workload.ts';

/** Input, state and result of each run. */
const payload = {
  text: 'A run that does what runs do, and has this to say. '.repeat(4).slice(0, 190),
};
/** Another one each time: a checkpoint keeps what is the same only once. */
const stateOf = (turn: number) => ({ text: String(turn).padStart(1_000, 'x') });
const inADay = 86_400_000;
const eventsOfRun = 100;
const checkpointsOfRun = 10;

const bytes = (name: string): Figure => ({ name, unit: 'B', better: 'lower' });

/** What Redis has allocated more after `work`, for each of `count`. */
async function taken(url: string, count: number, work: () => Promise<unknown>): Promise<number[]> {
  const redis = new Redis(url);
  const used = async (): Promise<number> =>
    Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const before = await used();
  await work();
  // Buffers of replies and of the append-only file are gone.
  await pause(200);
  const after = await used();
  redis.disconnect();
  return [(after - before) / count];
}

async function inParts(count: number, each: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, k) => each(i + k)));
  }
}

/** Its step makes its input its state. Then it ends with it, or after a wait. */
function working(name: string, isWaiting: boolean) {
  return defineWorkflow({
    name,
    input: z.object({ text: z.string() }),
    state: z.object({ text: z.string().default('') }),
    async run(ctx, input) {
      await ctx.step('work', (step) => {
        step.set(input);
        return null;
      });
      if (isWaiting) await ctx.sleep(inADay);
      return input;
    },
  });
}

const kept = working('kept', false);
const waits = working('waits', true);

const pawl: Contender = {
  name: 'pawl',
  async measure({ url, quick }) {
    const count = quick ? 500 : 2_000;
    const front = await Pawl.open({ redis: url });
    const redis = new Redis(url);
    const reach = async (status: string, wanted: number): Promise<void> => {
      const shards = await redis.keys(`*by-status:${status}`);
      const counts = await Promise.all(shards.map((key) => redis.zcard(key)));
      if (counts.reduce((sum, one) => sum + one, 0) >= wanted) return;
      await pause(20);
      await reach(status, wanted);
    };
    // A run of each kind first, so that scripts and indexes are there.
    const warm = front.worker({ workflows: [kept, waits] });
    await (await front.start(kept, payload)).result();
    await front.start(waits, payload);
    await reach('waiting', 1);
    await warm.close();

    const queued = await taken(url, count, () =>
      inParts(count, (i) => front.start(kept, payload, { id: `kept-${i}` })),
    );
    const worker = front.worker({ workflows: [kept, waits], concurrency: 100 });
    await reach('completed', 1 + count);
    const waiting = await taken(url, count, async () => {
      await inParts(count, (i) => front.start(waits, payload, { id: `waits-${i}` }));
      await reach('waiting', 1 + count);
    });
    const ended = await taken(url, count, async () => {
      await inParts(count, (i) => front.start(kept, payload, { id: `ended-${i}` }));
      await reach('completed', 1 + 2 * count);
    });
    await worker.close();

    const loops = await Promise.all(
      Array.from({ length: 50 }, (_, i) => front.checkpointer.claim(`loop-${i}`)),
    );
    for (const loop of loops) await loop.saveEvent({ type: 'note', data: eventData });
    const events = Array.from({ length: eventsOfRun }, () => ({ type: 'note', data: eventData }));
    const event = await taken(url, loops.length * eventsOfRun, async () => {
      for (const loop of loops) await loop.saveEvents(events);
    });
    for (const loop of loops) await loop.saveSnapshot(stateOf(0));
    const checkpoint = await taken(url, loops.length * checkpointsOfRun, async () => {
      for (const loop of loops) {
        for (let i = 0; i < checkpointsOfRun; i++) {
          await loop.saveSnapshot(stateOf(1 + i), { checkpoint: { label: `c${i}` } });
        }
      }
    });
    redis.disconnect();
    await front.close();
    return { queued, waiting, ended, event, checkpoint };
  },
};

const bullmq: Contender = {
  name: 'bullmq',
  async measure({ url, quick }) {
    const count = quick ? 500 : 2_000;
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    const queue = new Queue('bench', { connection });
    const { id = '' } = await queue.add('run', payload);
    const queued = await taken(url, count, () => inParts(count, () => queue.add('run', payload)));
    const waiting = await taken(url, count, () =>
      inParts(count, () => queue.add('run', payload, { delay: inADay })),
    );
    // What an ended job takes: those that waited have ended, and as many are new.
    const blocking = connection.duplicate();
    const worker = new Worker('bench', async (job) => job.data, {
      connection: blocking,
      concurrency: 100,
    });
    const drained = async (): Promise<void> => {
      while ((await queue.getJobCountByTypes('waiting', 'active', 'prioritized')) > 0)
        await pause(20);
    };
    await drained();
    const ended = await taken(url, count, async () => {
      await inParts(count, () => queue.add('run', payload));
      await drained();
    });
    await worker.close();
    blocking.disconnect();
    const lines = 5_000;
    const event = await taken(url, lines, () =>
      inParts(lines, () => queue.addJobLog(id, eventText)),
    );
    await queue.close();
    connection.disconnect();
    return { queued, waiting, ended, event };
  },
};

const inRedis: Workload = {
  name: 'memory-runs',
  title: 'Memory in Redis for each run, by its status, for each event and for each checkpoint',
  figures: ['queued', 'waiting', 'ended', 'event', 'checkpoint'].map(bytes),
  baseline: 'bullmq',
  contenders: [bullmq, pawl],
  durable: false,
  fullOnly: true,
  warm: false,
};

const mega = 1_048_576;

/** What this process takes once all of them are at work, each in a call that does not come back. */
async function atWork(
  count: number,
  open: (
    began: () => void,
    held: Promise<void>,
  ) => Promise<{ start(i: number): Promise<unknown>; close(): Promise<void> }>,
): Promise<Samples> {
  const there = new Set<symbol>();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const bed = await open(() => there.add(Symbol('run')), held);
  const reach = async (wanted: number): Promise<void> => {
    while (there.size < wanted) await pause(20);
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await pause(50);
    }
  };
  const first = 200;
  await inParts(first, (i) => bed.start(i));
  await reach(first);
  const before = process.memoryUsage().heapUsed;
  await inParts(count - first, (i) => bed.start(first + i));
  await reach(count);
  const { heapUsed, rss } = process.memoryUsage();
  release();
  await bed.close();
  return { resident: [rss / mega], heap: [(heapUsed - before) / (count - first)] };
}

/** The largest concurrency of a worker. */
const concurrency = 10_000;
const runsAtWork = (quick: boolean): number => (quick ? 1_000 : concurrency);

const ofWorker: Workload = {
  name: 'at-work',
  title: 'A worker with 10,000 runs at work at once: its memory, and the heap for each run',
  figures: [
    { name: 'resident', unit: 'MB', better: 'lower' },
    { name: 'heap', unit: 'B', better: 'lower' },
  ],
  baseline: 'bullmq',
  contenders: [
    {
      name: 'bullmq',
      measure: ({ url, quick }) =>
        atWork(runsAtWork(quick), async (began, held) => {
          const connection = new Redis(url, { maxRetriesPerRequest: null });
          const blocking = connection.duplicate();
          const queue = new Queue('bench', { connection });
          const worker = new Worker(
            'bench',
            async () => {
              began();
              await held;
            },
            { connection: blocking, concurrency },
          );
          await worker.waitUntilReady();
          return {
            start: () => queue.add('run', payload),
            close: async () => {
              await worker.close();
              await queue.close();
              for (const one of [connection, blocking]) one.disconnect();
            },
          };
        }),
    },
    {
      name: 'pawl',
      measure: ({ url, quick }) =>
        atWork(runsAtWork(quick), async (began, held) => {
          const calls = defineWorkflow({
            name: 'calls',
            input: z.object({ text: z.string() }),
            async run(ctx) {
              await ctx.step('call', async () => {
                began();
                await held;
              });
            },
          });
          const front = await Pawl.open({ redis: url });
          await front.worker({ workflows: [calls], concurrency }).ready();
          return { start: () => front.start(calls, payload), close: () => front.close() };
        }),
    },
  ],
  durable: false,
  fullOnly: true,
  warm: false,
};

export const memory: readonly Workload[] = [inRedis, ofWorker];
