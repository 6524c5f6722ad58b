/**
 * Pairs of measurements of two builds, or of two contenders: one right after the other, in a new order each time.
 *
 * A process keeps habits for as long as it lives: what was compiled when, and where its heap lies, is worth some per cent.
 * So the processes of both sides are replaced now and then.
 */
import { Redis } from 'ioredis';
import { ContenderProcess } from '../contender-process.ts';
import { clientTime, serverTime } from '../cpu-time.ts';
import { median, shuffle } from '../statistics.ts';
import type { Arena, Samples, Workload } from '../workload.ts';

/** One of two that are compared. */
export interface Side {
  readonly contender: string;
  /** Its `contender-main.js`; default: this build's. */
  readonly main?: string;
}

/** What an operation takes: of the processor, in the client and in Redis, and on the clock. */
export const measures = ['client', 'server', 'clock'] as const;
export type Measure = (typeof measures)[number];
export type Costs = Readonly<Record<Measure, number>>;
/** How many times as fast one is as the other, pair by pair. */
export type Pairs = Readonly<Record<Measure, readonly number[]>>;

const warmUps = 2;
const slotMs = 200;
const warmUpMs = 400;
const limitMs = 120_000;

/** So many pairs by new processes. */
export async function pairsOf(...asked: Parameters<typeof costPairs>): Promise<Pairs> {
  const found = await costPairs(...asked);
  const of = (measure: Measure): number[] =>
    found.map(([one, other]) => other[measure] / one[measure]);
  return { client: of('client'), server: of('server'), clock: of('clock') };
}

/** What `one` and `other` cost, pair by pair. */
export async function costPairs(
  url: string,
  workload: Workload,
  { one, other }: { readonly one: Side; readonly other: Side },
  count: number,
): Promise<readonly (readonly [Costs, Costs])[]> {
  const redis = new Redis(url);
  const open = ({ contender, main }: Side): ContenderProcess =>
    new ContenderProcess(workload.name, contender, undefined, main);
  const [first, second] = [open(one), open(other)];
  const pairs: [Costs, Costs][] = [];
  try {
    for (let turn = -warmUps; turn < count; turn++) {
      const arena: Arena = { url, quick: true, slotMs: turn < 0 ? warmUpMs : slotMs };
      const costs = new Map<ContenderProcess, Costs>();
      for (const side of shuffle([first, second])) {
        await redis.flushall();
        costs.set(side, costsOf(workload, await side.measure(arena, limitMs)));
      }
      const [ours, theirs] = [costs.get(first), costs.get(second)];
      if (turn >= 0 && ours !== undefined && theirs !== undefined) pairs.push([ours, theirs]);
    }
  } finally {
    await Promise.all([first.close(), second.close()]);
    await redis.flushall();
    redis.disconnect();
  }
  return pairs;
}

/** Milliseconds of one operation. */
export function costsOf({ figures: [figure] }: Workload, samples: Samples): Costs {
  const of = (name: string): number => {
    const found = samples[name];
    if (found === undefined) throw new Error(`${name} was not measured`);
    return median(found);
  };
  if (figure === undefined) throw new Error('the workload has no figure');
  const first = of(figure.name);
  return {
    client: of(clientTime.name) / 1000,
    server: of(serverTime.name) / 1000,
    clock: figure.better === 'higher' ? 1000 / first : first,
  };
}
