/**
 * What an operation costs as everything around it grows: runs stored, events of a run, bytes of its state, workers. One
 * axis at a time, so that a curve that bends tells why.
 *
 * Each curve is the median time of one operation, alone on a connection of its own; workers are processes, and give a rate.
 */
import { startRedisServer } from '../src/testing/redis-server.ts';
import { growthOfEvents } from './growth/events.ts';
import { growthOfRuns } from './growth/runs.ts';
import { growthOfState } from './growth/state.ts';
import { growthOfWorkers } from './growth/workers.ts';
import type { Curve } from './growth/curve.ts';
import { toText } from './growth-report.ts';

export interface GrowthOptions {
  readonly quick: boolean;
  /** Curves whose name fits, e.g. growth-runs. */
  readonly only: RegExp | undefined;
  readonly say: (line: string) => void;
}

const axes = {
  'growth-runs': growthOfRuns,
  'growth-events': growthOfEvents,
  'growth-state': growthOfState,
  'growth-workers': growthOfWorkers,
};

export async function measureGrowth({
  quick,
  only,
  say,
}: GrowthOptions): Promise<readonly Curve[]> {
  const curves: Curve[] = [];
  for (const [name, measure] of Object.entries(axes)) {
    if (only?.test(name) === false) continue;
    // A server of its own for each axis: what the one before has left would be part of the figure.
    const server = await startRedisServer({ config: { 'auto-aof-rewrite-percentage': '0' } });
    try {
      const curve = { name, ...(await measure({ url: server.url, quick, say })) };
      curves.push(curve);
      say(toText(curve));
    } finally {
      await server.stop();
    }
  }
  return curves;
}
