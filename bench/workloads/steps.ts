/**
 * Whole runs: many at once on one worker, and one at a time on an idle worker. Caller and worker share a process, as in
 * the smallest deployment.
 *
 * Raw is what one would write by hand with lists: no fence, no recovery. BullMQ's processor saves its state with
 * `updateData` after each step, so that a stalled job goes on from there; it keeps no log.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { type Arena, type Contender, latency, rate, type Workload } from '../workload.ts';

const concurrency = 50;
const steps = 20;

/** Starts runs on a worker that is there; tells when one begins its first step, and when it has ended. */
interface Bed {
  start(): Promise<{ readonly begun: Promise<number>; readonly ended: Promise<number> }>;
  startMany(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Runs that are waited for, by id. */
class Watch {
  readonly #begun = new Map<string, (at: number) => void>();
  readonly #ended = new Map<string, (at: number) => void>();

  run(id: string): { readonly begun: Promise<number>; readonly ended: Promise<number> } {
    return {
      begun: new Promise((resolve) => this.#begun.set(id, resolve)),
      ended: new Promise((resolve) => this.#ended.set(id, resolve)),
    };
  }

  begin(id: string): void {
    this.#begun.get(id)?.(performance.now());
    this.#begun.delete(id);
  }

  end(id: string): void {
    this.#ended.get(id)?.(performance.now());
    this.#ended.delete(id);
  }
}

const newId = (): string => randomBytes(9).toString('base64url');

async function rawBed({ url }: Arena): Promise<Bed> {
  const [redis, blocking] = [new Redis(url), new Redis(url)];
  const watch = new Watch();
  let active = 0;
  let freed = (): void => undefined;
  const work = async (id: string): Promise<void> => {
    for (let step = 0; step < steps; step++) {
      if (step === 0) watch.begin(id);
      const result = JSON.stringify({ step });
      await Promise.all([
        redis.xadd(`log:${id}`, '*', 'type', 'step', 'data', result),
        redis.hset(`run:${id}`, 'step', step, 'state', result),
      ]);
    }
    await redis.hset(`run:${id}`, 'status', 'completed');
    watch.end(id);
    active -= 1;
    freed();
  };
  const fetching = (async () => {
    for (;;) {
      if (active >= concurrency) await new Promise<void>((resolve) => (freed = resolve));
      const found = await blocking.brpop('queue', 0).catch(() => null);
      if (found === null) return;
      active += 1;
      void work(found[1]);
    }
  })();
  const start = async (id: string): Promise<void> => {
    await Promise.all([redis.hset(`run:${id}`, 'status', 'queued'), redis.lpush('queue', id)]);
  };
  return {
    start: async () => {
      const id = newId();
      const watched = watch.run(id);
      await start(id);
      return watched;
    },
    startMany: (count) => allEnded(watch, count, start),
    close: async () => {
      blocking.disconnect();
      await fetching;
      redis.disconnect();
    },
  };
}

async function allEnded(
  watch: Watch,
  count: number,
  start: (id: string) => Promise<unknown>,
): Promise<void> {
  const ids = Array.from({ length: count }, newId);
  const ended = ids.map((id) => watch.run(id).ended);
  await Promise.all(ids.map(start));
  await Promise.all(ended);
}

async function bullBed({ url }: Arena): Promise<Bed> {
  const connect = (): Redis => new Redis(url, { maxRetriesPerRequest: null });
  const connections = [connect(), connect()] as const;
  const queue = new Queue('bench', { connection: connections[0] });
  const watch = new Watch();
  const worker = new Worker<{ id: string; step: number }>(
    'bench',
    async (job) => {
      const { id } = job.data;
      for (let { step } = job.data; step < steps; step++) {
        if (step === 0) watch.begin(id);
        await job.updateData({ id, step: step + 1 });
      }
      watch.end(id);
    },
    { connection: connections[1], concurrency },
  );
  await worker.waitUntilReady();
  const start = async (id: string): Promise<void> => {
    await queue.add('run', { id, step: 0 }, { removeOnComplete: true });
  };
  return {
    start: async () => {
      const id = newId();
      const watched = watch.run(id);
      await start(id);
      return watched;
    },
    startMany: (count) => allEnded(watch, count, start),
    close: async () => {
      await worker.close();
      await queue.close();
      for (const connection of connections) connection.disconnect();
    },
  };
}

async function pawlBed({ url }: Arena): Promise<Bed> {
  const watch = new Watch();
  const twenty = defineWorkflow({
    name: 'twenty',
    input: z.object({ id: z.string() }),
    async run(ctx, { id }) {
      for (let step = 0; step < steps; step++) {
        await ctx.step(`s${step}`, () => {
          if (step === 0) watch.begin(id);
          return { step };
        });
      }
    },
  });
  const pawl = await Pawl.open({ redis: url });
  await pawl.worker({ workflows: [twenty], concurrency }).ready();
  return {
    start: async () => {
      const id = newId();
      const { begun } = watch.run(id);
      const run = await pawl.start(twenty, { id }, { id });
      const ended = run.result().then(() => performance.now());
      return { begun, ended };
    },
    // Ended means what it means to a caller: the result is durable and has come back.
    startMany: async (count) => {
      const runs = await Promise.all(
        Array.from({ length: count }, () => {
          const id = newId();
          return pawl.start(twenty, { id }, { id });
        }),
      );
      await Promise.all(runs.map((run) => run.result()));
    },
    close: () => pawl.close(),
  };
}

const beds = { raw: rawBed, bullmq: bullBed, pawl: pawlBed };

function contenders(
  measure: (bed: Bed, arena: Arena) => Promise<readonly number[]>,
  figure: string,
): Contender[] {
  return Object.entries(beds).map(([name, makeBed]) => ({
    name,
    async measure(arena) {
      const bed = await makeBed(arena);
      // Warm: connections, scripts, markers of queues.
      await bed.startMany(5);
      const found = await measure(bed, arena);
      await bed.close();
      return { [figure]: found };
    },
  }));
}

/** One run after the other, on a worker that has nothing else to do. */
async function alone(bed: Bed, arena: Arena, which: 'begun' | 'ended'): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < (arena.quick ? 15 : 50); i++) {
    await pause(5);
    const before = performance.now();
    const run = await bed.start();
    times.push((await run[which]) - before);
    await run.ended;
  }
  return times;
}

const common = { baseline: 'raw', durable: true };

export const wholeRuns: readonly Workload[] = [
  {
    ...common,
    name: 'steps',
    title: `200 runs of ${steps} steps, one worker, ${concurrency} at once`,
    figures: [rate],
    contenders: contenders(async (bed, { quick }) => {
      const runs = quick ? 100 : 200;
      const before = performance.now();
      await bed.startMany(runs);
      return [(runs * steps * 1000) / (performance.now() - before)];
    }, 'rate'),
  },
  {
    ...common,
    name: 'first-step',
    title: 'From start to the first step, idle worker',
    figures: [latency],
    contenders: contenders((bed, arena) => alone(bed, arena, 'begun'), 'latency'),
  },
  {
    ...common,
    name: 'idle-run',
    title: `A run of ${steps} steps from start to end, idle worker`,
    figures: [latency],
    contenders: contenders((bed, arena) => alone(bed, arena, 'ended'), 'latency'),
  },
];
