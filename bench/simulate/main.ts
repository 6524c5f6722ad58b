/**
 * `npm run bench:simulate`: the engine's sweepers, all of them, over a simulated Redis of a size that nobody starts for a
 * test. Says how busy that Redis is, how late timers ring, and how long take-overs last when many workers die at once.
 */
import { parseArgs } from 'node:util';
import { silentLogger } from '../../src/core/logger.ts';
import { settingsOf } from '../../src/engine/worker/settings.ts';
import { Sweeper } from '../../src/engine/worker/sweeper.ts';
import { quantile } from '../statistics.ts';
import { SimulatedFleet } from './simulated-fleet.ts';
import { VirtualClock } from './virtual-clock.ts';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '10000' },
    held: { type: 'string', default: '50' },
    waiting: { type: 'string', default: '10000000' },
    json: { type: 'boolean', default: false },
  },
});
const [workers, heldByEach, waitingRuns] = [values.workers, values.held, values.waiting].map(
  Number,
);
if (
  ![workers, heldByEach, waitingRuns].every((count) => Number.isInteger(count) && (count ?? 0) > 0)
) {
  throw new Error('--workers, --held and --waiting are counts');
}

const calmMs = 60_000;
const afterDeathMs = 60_000;
const day = 86_400_000;

/** Seeded, so that the same sizes give the same figures. */
function random(): number {
  state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
  return state / 2 ** 32;
}
let state = 7;

const clock = new VirtualClock();
const fleet = new SimulatedFleet({
  clock,
  spreadMs: day,
  workers: workers ?? 0,
  heldByEach: heldByEach ?? 0,
  waitingRuns: waitingRuns ?? 0,
});
fleet.beat();
for (const { id } of fleet.members) {
  const sweeper = new Sweeper({
    store: fleet.store,
    queue: fleet.queue,
    worker: id,
    clock,
    logger: silentLogger,
    random,
    settings: settingsOf({ workflows: [] }),
  });
  sweeper.begin();
}

const report: Record<string, unknown>[] = [];
let until = 0;

async function phase(title: string, ms: number): Promise<void> {
  for (const list of [fleet.takeovers, fleet.lateness]) list.length = 0;
  fleet.calls.clear();
  until += ms;
  await clock.runUntil(until);
  const calls = Object.fromEntries(
    [...fleet.calls].map(([name, { count }]) => [name, Math.round(count / (ms / 1000))]),
  );
  const micros = [...fleet.calls.values()].reduce((sum, one) => sum + one.micros, 0);
  report.push({
    phase: title,
    seconds: ms / 1000,
    callsPerSecond: calls,
    busyPercent: Math.round(micros / ms) / 10,
    ...(fleet.lateness.length === 0 ? {} : { timerLatenessMs: summary(fleet.lateness) }),
    ...(fleet.takeovers.length === 0 ? {} : { takeoverMs: summary(fleet.takeovers) }),
  });
}

function summary(times: readonly number[]): Record<string, number> {
  const at = (q: number): number => Math.round(quantile(times, q) * 10) / 10;
  return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

await phase('calm', calmMs);
fleet.kill(Math.round((workers ?? 0) / 100));
await phase('1 % of the workers killed', afterDeathMs);
fleet.kill(Math.round((workers ?? 0) / 10));
await phase('10 % of the workers killed', afterDeathMs);
process.stdout.write(
  values.json
    ? `${JSON.stringify({ workers, heldByEach, waitingRuns, phases: report })}\n`
    : `${report.map((one) => JSON.stringify(one, undefined, 1)).join('\n')}\n`,
);
process.exit(0);
