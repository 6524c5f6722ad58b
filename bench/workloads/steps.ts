/**
 * Whole runs: many at once on one worker, and one at a time on an idle worker; with the caller in the process of the worker,
 * as in the smallest deployment, and in another one, as behind an HTTP server.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { apart } from '../beds/apart.ts';
import { type Caller, newId, playMany, Watch } from '../beds/bed.ts';
import { type BedName, beds, bedsOfOneProcess } from '../beds/beds.ts';
import { one, twenty } from '../beds/shapes.ts';
import { clientTime, measureTimes, serverTime } from '../cpu-time.ts';
import { sharedClock } from '../timing.ts';
import {
  type Arena,
  type Contender,
  latency,
  rate,
  type Samples,
  type Workload,
} from '../workload.ts';

const concurrency = 50;
const steps = twenty.sizes.length;

/** Measures with a caller, and a watch that is told of first steps. */
type Measure = (caller: Caller, begun: Watch, arena: Arena) => Promise<Samples>;

async function together(name: BedName, arena: Arena, measure: Measure): Promise<Samples> {
  const watch = new Watch();
  const caller = await beds[name].both({
    url: arena.url,
    concurrency,
    begun: (id) => watch.tell(id),
  });
  try {
    return await measured(caller, watch, arena, measure);
  } finally {
    await caller.close();
  }
}

async function measured(
  caller: Caller,
  watch: Watch,
  arena: Arena,
  measure: Measure,
): Promise<Samples> {
  // Warm: connections, scripts, markers of queues.
  await playMany(caller, runsOf(5));
  return measure(caller, watch, arena);
}

function runsOf(count: number, shape = twenty): string[] {
  return Array.from({ length: count }, () => shape.name);
}

/** Steps a second while many runs are at work. */
const manyRuns: Measure = async (caller, _begun, { quick }) => {
  const runs = quick ? 100 : 200;
  const before = performance.now();
  await playMany(caller, runsOf(runs));
  return { rate: [(runs * steps * 1000) / (performance.now() - before)] };
};

/** Runs a second, which have next to nothing to do. */
const shortRuns: Measure = async (caller, _begun, { url, quick }) => {
  const runs = quick ? 200 : 400;
  let ms = 0;
  const times = await measureTimes(url, async () => {
    const before = performance.now();
    await playMany(caller, runsOf(runs, one));
    ms = performance.now() - before;
    return runs;
  });
  return { rate: [(runs * 1000) / ms], ...times };
};

/** One run after the other, on a worker that has nothing else to do. */
function alone(which: 'begun' | 'ended'): Measure {
  return async (caller, watch, arena) => {
    const times: number[] = [];
    for (let i = 0; i < (arena.quick ? 15 : 50); i++) {
      await pause(5);
      const id = newId();
      const begun = watch.next(id);
      const before = sharedClock();
      const { ended } = await caller.start(id, twenty.name);
      if (which === 'begun') {
        times.push((await begun) - before);
        await ended;
      } else {
        await ended;
        times.push(sharedClock() - before);
      }
    }
    return { latency: times };
  };
}

function contenders(
  measure: Measure,
  place: 'together' | { readonly tells: boolean },
): Contender[] {
  const names = place === 'together' ? bedsOfOneProcess : (Object.keys(beds) as readonly BedName[]);
  return names.map((name) => ({
    name,
    measure: (arena) =>
      place === 'together'
        ? together(name, arena, measure)
        : apart(name, { url: arena.url, workers: 1, concurrency, ...place }, (caller, watch) =>
            measured(caller, watch, arena, measure),
          ),
  }));
}

const common = { baseline: 'raw', durable: true };
const many = { figures: [rate], ...common };
const times = { figures: [latency], ...common };
const quiet = { tells: false };

export const wholeRuns: readonly Workload[] = [
  {
    ...many,
    name: 'steps',
    title: `200 runs of ${steps} steps, one worker, ${concurrency} at once`,
    contenders: contenders(manyRuns, 'together'),
  },
  {
    ...many,
    name: 'apart-steps',
    title: `200 runs of ${steps} steps, started and awaited in another process than the worker`,
    contenders: contenders(manyRuns, quiet),
  },
  {
    ...many,
    figures: [rate, clientTime, serverTime],
    name: 'runs',
    title: `400 runs of one step, one worker, ${concurrency} at once`,
    contenders: contenders(shortRuns, 'together'),
    fullOnly: true,
  },
  {
    ...times,
    name: 'first-step',
    title: 'From start to the first step, idle worker',
    contenders: contenders(alone('begun'), 'together'),
  },
  {
    ...times,
    name: 'apart-first-step',
    title: 'From start to the first step, idle worker in another process',
    contenders: contenders(alone('begun'), { tells: true }),
  },
  {
    ...times,
    name: 'idle-run',
    title: `A run of ${steps} steps from start to end, idle worker`,
    contenders: contenders(alone('ended'), 'together'),
  },
  {
    ...times,
    name: 'apart-idle-run',
    title: `A run of ${steps} steps from start to its result, idle worker in another process`,
    contenders: contenders(alone('ended'), quiet),
  },
];
