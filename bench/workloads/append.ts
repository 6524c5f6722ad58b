/** Appending events of about 200 bytes, each awaited: one run, 64 runs at once, and many events in one call. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { ClaimedRun, encoded, openStore } from '../claimed-run.ts';
import { eventData, eventText } from '../payloads.ts';
import { measureRate } from '../timing.ts';
import { type Arena, type Contender, rate, type Samples, type Workload } from '../workload.ts';

const runs = 64;
const batch = 100;
const lanes = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i}`);

function raw(count: number): Contender {
  return {
    name: 'raw',
    async measure({ url, slotMs }) {
      const redis = new Redis(url);
      const value = await measureRate(slotMs, count, (lane) =>
        redis.xadd(`log:${lane}`, '*', 'type', 'note', 'data', eventText),
      );
      redis.disconnect();
      return { rate: [value] };
    },
  };
}

function rawAutoPipelining(count: number): Contender {
  return {
    name: 'raw, auto-pipelining',
    async measure({ url, slotMs }) {
      const redis = new Redis(url, { enableAutoPipelining: true });
      const value = await measureRate(slotMs, count, (lane) =>
        redis.xadd(`log:${lane}`, '*', 'type', 'note', 'data', eventText),
      );
      redis.disconnect();
      return { rate: [value] };
    },
  };
}

function bullmq(count: number): Contender {
  return {
    name: 'bullmq',
    async measure({ url, slotMs }) {
      const queue = new Queue('bench', {
        connection: new Redis(url, { maxRetriesPerRequest: null }),
      });
      const jobs = await Promise.all(lanes(count).map((name) => queue.add(name, {})));
      const value = await measureRate(slotMs, count, (lane) => {
        const job = jobs[lane];
        if (job === undefined) throw new Error('a job is missing');
        return job.updateProgress(eventData);
      });
      await queue.close();
      return { rate: [value] };
    },
  };
}

/** The store's own commit. */
function pawl(count: number): Contender {
  return {
    name: 'pawl',
    async measure({ url, slotMs }) {
      const store = await openStore(url);
      const claimed = await Promise.all(lanes(count).map((run) => ClaimedRun.claim(store, run)));
      const event = { type: 'note', data: encoded(eventData) };
      const value = await measureRate(slotMs, count, (lane) => {
        const run = claimed[lane];
        if (run === undefined) throw new Error('a run is missing');
        return run.commit([event]);
      });
      await store.close();
      return { rate: [value] };
    },
  };
}

/** The whole engine: handlers that emit, with validation, encoding, fold and snapshots. */
function pawlHandler(count: number): Contender {
  return {
    name: 'pawl, ctx.emit in a handler',
    measure: (arena) => emitInHandlers(arena, count),
  };
}

async function emitInHandlers({ url, slotMs }: Arena, count: number): Promise<Samples> {
  const emits: ((type: 'note', data: typeof eventData) => Promise<void>)[] = [];
  let allHere = (): void => undefined;
  const here = new Promise<void>((resolve) => {
    allHere = resolve;
  });
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const note = z.object({
    ...{ tool: z.string(), query: z.string(), tokens: z.number(), text: z.string() },
  });
  const emitter = defineWorkflow({
    name: 'emitter',
    state: z.object({ count: z.number().default(0) }),
    events: { note },
    reduce: { note: (state) => ({ count: state.count + 1 }) },
    async run(ctx) {
      emits.push((type, data) => ctx.emit(type, data));
      if (emits.length === count) allHere();
      await finished;
    },
  });
  const front = await Pawl.open({ redis: url });
  front.worker({ workflows: [emitter], concurrency: count });
  const started = await Promise.all(
    lanes(count).map((id) => front.start(emitter, undefined, { id })),
  );
  await here;
  const value = await measureRate(slotMs, count, (lane) => {
    const emit = emits[lane];
    if (emit === undefined) throw new Error('a handler is missing');
    return emit('note', eventData);
  });
  finish();
  await Promise.all(started.map((run) => run.result()));
  await front.close();
  return { rate: [value] };
}

const rawBatch: Contender = {
  name: 'raw',
  async measure({ url, slotMs }) {
    const redis = new Redis(url);
    const value = await measureRate(slotMs, 1, () => {
      const pipeline = redis.pipeline();
      for (let i = 0; i < batch; i++) pipeline.xadd('log', '*', 'type', 'note', 'data', eventText);
      return pipeline.exec();
    });
    redis.disconnect();
    return { rate: [value * batch] };
  },
};

const pawlBatch: Contender = {
  name: 'pawl',
  async measure({ url, slotMs }) {
    const store = await openStore(url);
    const run = await ClaimedRun.claim(store, 'r');
    const data = encoded(eventData);
    const events = Array.from({ length: batch }, () => ({ type: 'note', data }));
    const value = await measureRate(slotMs, 1, () => run.commit(events));
    await store.close();
    return { rate: [value * batch] };
  },
};

const common = { figures: [rate], baseline: 'raw', durable: true };

export const append: readonly Workload[] = [
  {
    ...common,
    name: 'append-one',
    title: 'Append events of 200 B to one run, each awaited',
    contenders: [raw(1), bullmq(1), pawl(1), pawlHandler(1)],
  },
  {
    ...common,
    name: 'append-64',
    title: 'Append events of 200 B to 64 runs at once, each awaited',
    contenders: [
      ...[raw(runs), rawAutoPipelining(runs), bullmq(runs), pawl(runs), pawlHandler(runs)],
    ],
  },
  {
    ...common,
    name: 'append-batch',
    title: `Append ${batch} events of 200 B in one call`,
    contenders: [rawBatch, pawlBatch],
  },
];
