/** Appending events of about 200 bytes, each awaited: one run, 64 runs at once, and many events in one call. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { ClaimedRun, encoded, openStore } from '../claimed-run.ts';
import { clientTime, measureCost, serverTime } from '../cpu-time.ts';
import { eventData, eventText } from '../payloads.ts';
import { type Arena, type Contender, rate, type Samples, type Workload } from '../workload.ts';

const runs = 64;
const batch = 100;
const loops = (count: number): string[] => Array.from({ length: count }, (_, i) => `r${i}`);

function raw(count: number): Contender {
  return {
    name: 'raw',
    async measure(arena) {
      const redis = new Redis(arena.url);
      const samples = await measureCost(arena, { loops: count, size: 1 }, (loop) =>
        redis.xadd(`log:${loop}`, '*', 'type', 'note', 'data', eventText),
      );
      redis.disconnect();
      return samples;
    },
  };
}

function rawAutoPipelining(count: number): Contender {
  return {
    name: 'raw, auto-pipelining',
    async measure(arena) {
      const redis = new Redis(arena.url, { enableAutoPipelining: true });
      const samples = await measureCost(arena, { loops: count, size: 1 }, (loop) =>
        redis.xadd(`log:${loop}`, '*', 'type', 'note', 'data', eventText),
      );
      redis.disconnect();
      return samples;
    },
  };
}

function bullmq(count: number): Contender {
  return {
    name: 'bullmq',
    async measure(arena) {
      const queue = new Queue('bench', {
        connection: new Redis(arena.url, { maxRetriesPerRequest: null }),
      });
      const jobs = await Promise.all(loops(count).map((name) => queue.add(name, {})));
      const samples = await measureCost(arena, { loops: count, size: 1 }, (loop) => {
        const job = jobs[loop];
        if (job === undefined) throw new Error('a job is missing');
        return job.updateProgress(eventData);
      });
      await queue.close();
      return samples;
    },
  };
}

/** The store's own commit. */
function pawl(count: number): Contender {
  return {
    name: 'pawl',
    async measure(arena) {
      const store = await openStore(arena.url);
      const claimed = await Promise.all(loops(count).map((run) => ClaimedRun.claim(store, run)));
      const event = { type: 'note', data: encoded(eventData) };
      const samples = await measureCost(arena, { loops: count, size: 1 }, (loop) => {
        const run = claimed[loop];
        if (run === undefined) throw new Error('a run is missing');
        return run.commit([event]);
      });
      await store.close();
      return samples;
    },
  };
}

/** What a user with a loop of their own calls. */
function pawlClaim(count: number): Contender {
  return {
    name: 'pawl, claim.saveEvent',
    async measure(arena) {
      const front = await Pawl.open({ redis: arena.url });
      const claims = await Promise.all(loops(count).map((run) => front.checkpointer.claim(run)));
      const samples = await measureCost(arena, { loops: count, size: 1 }, (loop) => {
        const claim = claims[loop];
        if (claim === undefined) throw new Error('a claim is missing');
        return claim.saveEvent({ type: 'note', data: eventData });
      });
      await front.close();
      return samples;
    },
  };
}

/** The whole engine: handlers that emit, with validation, encoding, fold and snapshots. */
function pawlHandler(count: number): Contender {
  return { name: 'pawl, ctx.emit in a handler', measure: (arena) => emitInHandlers(arena, count) };
}

async function emitInHandlers(arena: Arena, count: number): Promise<Samples> {
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
    tool: z.string(),
    query: z.string(),
    tokens: z.number(),
    text: z.string(),
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
  const front = await Pawl.open({ redis: arena.url });
  front.worker({ workflows: [emitter], concurrency: count });
  const started = await Promise.all(
    loops(count).map((id) => front.start(emitter, undefined, { id })),
  );
  await here;
  const samples = await measureCost(arena, { loops: count, size: 1 }, (loop) => {
    const emit = emits[loop];
    if (emit === undefined) throw new Error('a handler is missing');
    return emit('note', eventData);
  });
  finish();
  await Promise.all(started.map((run) => run.result()));
  await front.close();
  return samples;
}

const rawBatch: Contender = {
  name: 'raw',
  async measure(arena) {
    const redis = new Redis(arena.url);
    const samples = await measureCost(arena, { loops: 1, size: batch }, () => {
      const pipeline = redis.pipeline();
      for (let i = 0; i < batch; i++) pipeline.xadd('log', '*', 'type', 'note', 'data', eventText);
      return pipeline.exec();
    });
    redis.disconnect();
    return samples;
  },
};

const pawlBatch: Contender = {
  name: 'pawl',
  async measure(arena) {
    const store = await openStore(arena.url);
    const run = await ClaimedRun.claim(store, 'r');
    const data = encoded(eventData);
    const events = Array.from({ length: batch }, () => ({ type: 'note', data }));
    const samples = await measureCost(arena, { loops: 1, size: batch }, () => run.commit(events));
    await store.close();
    return samples;
  },
};

/** What a user with a loop of their own calls. */
const pawlClaimBatch: Contender = {
  name: 'pawl, claim.saveEvents',
  async measure(arena) {
    const front = await Pawl.open({ redis: arena.url });
    const claim = await front.checkpointer.claim('r');
    const events = Array.from({ length: batch }, () => ({ type: 'note', data: eventData }));
    const samples = await measureCost(arena, { loops: 1, size: batch }, () =>
      claim.saveEvents(events),
    );
    await front.close();
    return samples;
  },
};

const common = { figures: [rate, clientTime, serverTime], baseline: 'raw', durable: true };

export const append: readonly Workload[] = [
  {
    ...common,
    name: 'append-one',
    title: 'Append events of 200 B to one run, each awaited',
    contenders: [raw(1), bullmq(1), pawl(1), pawlClaim(1), pawlHandler(1)],
  },
  {
    ...common,
    name: 'append-64',
    title: 'Append events of 200 B to 64 runs at once, each awaited',
    contenders: [
      raw(runs),
      rawAutoPipelining(runs),
      bullmq(runs),
      pawl(runs),
      pawlClaim(runs),
      pawlHandler(runs),
    ],
  },
  {
    ...common,
    name: 'append-batch',
    title: `Append ${batch} events of 200 B in one call`,
    contenders: [rawBatch, pawlBatch, pawlClaimBatch],
  },
];
