/** Watches memory while runs come and go: the last quarter of the time must not use more than the first. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from './options.ts';
import { Random } from './random.ts';
import { openWorld, type World } from './world.ts';

interface Sample {
  /** Of all workers together. */
  readonly rss: number;
  readonly heap: number;
  readonly redis: number;
}

type Memory = keyof Sample;

export interface SoakReport {
  readonly seed: number;
  readonly minutes: number;
  readonly runs: number;
  readonly samples: number;
  /** Medians of the first and the last quarter of the time, in bytes. */
  readonly memory: Readonly<Record<Memory, { readonly first: number; readonly last: number }>>;
  readonly unhandledRejections: number;
  readonly violations: readonly string[];
}

/** Until the code is compiled and the pools are filled nothing is flat. */
const warmUpPart = 0.1;
const sampleMs = 1_000;
/** What is collected only now and then looks like growth by chance. */
const growthMax = 1.3;
/** In less time there is nothing to compare. */
const judgedMinutes = 5;
const settleMs = 60_000;

export async function soak(options: Options, say: (line: string) => void): Promise<SoakReport> {
  const { seed, minutes, workers } = options;
  const random = new Random(seed);
  const world = await openWorld({
    random,
    workers,
    appendfsync: 'everysec',
    deletes: true,
    isLong: false,
    say,
    allowance: () => options.runs ?? Infinity,
  });
  try {
    const ms = minutes * 60_000;
    world.driver.begin();
    await sleep(ms * warmUpPart);
    const until = performance.now() + ms * (1 - warmUpPart);
    const samples: Sample[] = [];
    while (performance.now() < until) {
      samples.push(await sample(world));
      await sleep(sampleMs);
    }
    const left = await world.driver.settle(settleMs, 0);
    for (const run of left) world.witness.problem(`${run} does not end`);
    const memory = {
      rss: ends(samples, 'rss'),
      heap: ends(samples, 'heap'),
      redis: ends(samples, 'redis'),
    };
    const grown = Object.entries(memory)
      .filter(([, { first, last }]) => minutes >= judgedMinutes && last > first * growthMax)
      .map(([name, { first, last }]) => `memory: ${name} has grown from ${first} to ${last} bytes`);
    const { problems, unhandledRejections } = world.witness;
    const violations = [...problems, ...grown];
    const runs = world.driver.counts.started;
    const counts = { seed, minutes, runs, samples: samples.length, unhandledRejections };
    return { ...counts, memory, violations };
  } finally {
    await world.close();
  }
}

async function sample({ fleet, redis }: World): Promise<Sample> {
  const sum = (pick: (one: { rss: number; heap: number }) => number): number =>
    fleet.memory.reduce((total, one) => total + pick(one), 0);
  const used = /^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1];
  return { rss: sum(({ rss }) => rss), heap: sum(({ heap }) => heap), redis: Number(used) };
}

function ends(samples: readonly Sample[], memory: Memory) {
  const values = samples.map((one) => one[memory]);
  const quarter = Math.max(1, Math.floor(values.length / 4));
  return { first: median(values.slice(0, quarter)), last: median(values.slice(-quarter)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
