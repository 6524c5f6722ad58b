/** Loading what a run needs to go on: a snapshot of 100 KB and the 1,000 events after it, decoded. */
import { Job, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { replay } from '../../src/engine/replay.ts';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { ClaimedRun, encoded, openStore } from '../claimed-run.ts';
import { measureTimes } from '../cpu-time.ts';
import { eventData, eventText, makeState } from '../payloads.ts';
import { measureEach } from '../timing.ts';
import { type Contender, latency, type Samples, type Workload } from '../workload.ts';

const state = makeState(100_000);
const events = 1_000;
const batch = 250;

/** How long each load takes, and the processor time for one. */
async function measureLoads(
  { url, slotMs }: { readonly url: string; readonly slotMs: number },
  load: () => Promise<void>,
): Promise<Samples> {
  const latencies: number[] = [];
  const times = await measureTimes(url, async () => {
    let loads = 0;
    latencies.push(
      ...(await measureEach(slotMs, () => {
        loads += 1;
        return load();
      })),
    );
    return loads;
  });
  return { latency: latencies, ...times };
}

const raw: Contender = {
  name: 'raw',
  async measure({ url, slotMs }) {
    const redis = new Redis(url);
    await redis.hset('run', 'state', JSON.stringify(state));
    for (let i = 0; i < events; i += batch) {
      const pipeline = redis.pipeline();
      for (let k = 0; k < batch; k++) pipeline.xadd('log', '*', 'type', 'note', 'data', eventText);
      await pipeline.exec();
    }
    const samples = await measureLoads({ url, slotMs }, async () => {
      const [hash, entries] = await Promise.all([
        redis.hgetall('run'),
        redis.xrange('log', '-', '+'),
      ]);
      JSON.parse(hash['state'] ?? '');
      for (const [, fields] of entries) JSON.parse(fields[3] ?? '');
      if (entries.length !== events) throw new Error('events are missing');
    });
    redis.disconnect();
    return samples;
  },
};

const bullmq: Contender = {
  name: 'bullmq, job and its log lines',
  async measure({ url, slotMs }) {
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    const queue = new Queue('bench', { connection });
    const { id = '' } = await queue.add('load', state);
    for (let i = 0; i < events; i += batch) {
      await Promise.all(Array.from({ length: batch }, () => queue.addJobLog(id, eventText)));
    }
    const samples = await measureLoads({ url, slotMs }, async () => {
      const [, { logs }] = await Promise.all([Job.fromId(queue, id), queue.getJobLogs(id)]);
      for (const line of logs) JSON.parse(line);
      if (logs.length !== events) throw new Error('log lines are missing');
    });
    await queue.close();
    connection.disconnect();
    return samples;
  },
};

const loaded = defineWorkflow({
  name: 'loaded',
  state: z.object({ count: z.number().default(0) }).loose(),
  events: { note: z.any() },
  // Raw does not fold either; what a reducer costs is its own affair.
  reduce: { note: (found) => found },
  run: () => Promise.resolve(),
});

const pawl: Contender = {
  name: 'pawl',
  async measure({ url, slotMs }) {
    const store = await openStore(url);
    const run = await ClaimedRun.claim(store, 'r');
    const set = new Map(
      Object.entries(state).map(([key, value]) => [`state:${key}`, encoded(value)]),
    );
    // As the engine saves a state that is all new.
    await run.commit([], { schema: 1, set, remove: [], full: true });
    const data = encoded(eventData);
    for (let i = 0; i < events; i += batch) {
      await run.commit(Array.from({ length: batch }, () => ({ type: 'note', data })));
    }
    const samples = await measureLoads({ url, slotMs }, async () => {
      const found = await store.load('r');
      if (found === undefined) throw new Error('the run is missing');
      const replayed = await replay(store, loaded, found);
      if (replayed.events !== events) throw new Error('events are missing');
    });
    await store.close();
    return samples;
  },
};

/** A loop of somebody's own that has saved as much. */
async function savedLoop(url: string): Promise<Pawl> {
  const front = await Pawl.open({ redis: url });
  const claim = await front.checkpointer.claim('r');
  await claim.saveSnapshot(state);
  for (let i = 0; i < events; i += batch) {
    await claim.saveEvents(
      Array.from({ length: batch }, () => ({ type: 'note', data: eventData })),
    );
  }
  return front;
}

/** What a user with a loop of their own calls to look at it. */
const pawlLoad: Contender = {
  name: 'pawl, loadLatest',
  async measure({ url, slotMs }) {
    const front = await savedLoop(url);
    const samples = await measureLoads({ url, slotMs }, async () => {
      const found = await front.checkpointer.loadLatest('r');
      if (found?.events.length !== events) throw new Error('events are missing');
    });
    await front.close();
    return samples;
  },
};

/** And to go on with it: the run is taken from whoever had it. */
const pawlTakeOver: Contender = {
  name: 'pawl, checkpointer.claim',
  async measure({ url, slotMs }) {
    const front = await savedLoop(url);
    const samples = await measureLoads({ url, slotMs }, async () => {
      const found = await front.checkpointer.claim('r');
      if (found.events.length !== events) throw new Error('events are missing');
    });
    await front.close();
    return samples;
  },
};

export const load: Workload = {
  name: 'load',
  title: 'Load a snapshot of 100 KB and 1,000 later events, decoded and folded',
  figures: [latency],
  baseline: 'raw',
  contenders: [raw, bullmq, pawl, pawlLoad, pawlTakeOver],
  durable: false,
};
