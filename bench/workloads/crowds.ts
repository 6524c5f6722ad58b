/**
 * Many runs, started and awaited in another process than the workers: beside other work, by a fleet, and such as agents have
 * had. Each round has new worker processes, which warm up before it counts.
 */
import { availableParallelism } from 'node:os';
import { apart } from '../beds/apart.ts';
import { playMany } from '../beds/bed.ts';
import { type BedName, beds } from '../beds/beds.ts';
import { type Noise, startNoise } from '../beds/noise.ts';
import { agentShapes, five, shapeOf, twenty } from '../beds/shapes.ts';
import { type Contender, rate, type Workload } from '../workload.ts';

interface Crowd {
  readonly workers: number;
  readonly concurrency: number;
  readonly shapes: readonly string[];
  readonly quickShapes: readonly string[];
  /** What goes on beside it. */
  readonly noise?: Noise;
}

/** Steps a second, from the first start to the last result. */
function crowdOf({ noise, shapes, quickShapes, ...place }: Crowd): Contender[] {
  return (Object.keys(beds) as readonly BedName[]).map((name) => ({
    name,
    measure: ({ url, quick }) =>
      apart(name, { url, tells: false, ...place }, async (caller) => {
        const chosen = quick ? quickShapes : shapes;
        const steps = chosen.reduce((sum, shape) => sum + shapeOf(shape).sizes.length, 0);
        const hush = noise === undefined ? async () => undefined : await startNoise(noise);
        try {
          const before = performance.now();
          await playMany(caller, chosen);
          return { rate: [(steps * 1000) / (performance.now() - before)] };
        } finally {
          await hush();
        }
      }),
  }));
}

function times<T>(count: number, shapes: readonly T[]): T[] {
  return Array.from({ length: count }, () => shapes).flat();
}

const twoHundred: Crowd = {
  workers: 1,
  concurrency: 50,
  shapes: times(200, [twenty.name]),
  quickShapes: times(100, [twenty.name]),
};
const agents = agentShapes.map(({ name }) => name);
const common = {
  figures: [rate],
  baseline: 'raw',
  durable: false,
  fullOnly: true,
  warm: false,
} as const;

export const crowds: readonly Workload[] = [
  {
    ...common,
    name: 'busy-cores',
    title: `200 runs of 20 steps, caller elsewhere, beside ${availableParallelism()} processes that only compute`,
    contenders: crowdOf({ ...twoHundred, noise: 'computing' }),
  },
  {
    ...common,
    name: 'busy-disk',
    title: '200 runs of 20 steps, caller elsewhere, beside a Redis that syncs each of its writes',
    contenders: crowdOf({ ...twoHundred, noise: 'syncing' }),
  },
  {
    ...common,
    name: 'fleet',
    title: '10,000 runs of 5 steps, started at once, eight worker processes',
    contenders: crowdOf({
      workers: 8,
      concurrency: 50,
      shapes: times(10_000, [five.name]),
      quickShapes: times(1_000, [five.name]),
    }),
  },
  {
    ...common,
    name: 'agents',
    title: 'Runs of the shape of recorded agents: 250 runs, 5 to 62 steps, 38 B to 11 KB a step',
    contenders: crowdOf({
      workers: 1,
      concurrency: 50,
      shapes: times(10, agents),
      quickShapes: times(2, agents),
    }),
  },
];
