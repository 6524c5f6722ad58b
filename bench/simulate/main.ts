/**
 * `npm run bench:simulate`: the engine's sweepers, all of them, over a simulated Redis of a size that nobody starts for a
 * test. Says how busy that Redis is, how late timers ring, and how long take-overs last when many workers die at once.
 */
import { parseArgs } from 'node:util';
import { type Logger, silentLogger } from '../../src/core/logger.ts';
import { settingsOf } from '../../src/engine/worker/settings.ts';
import { Sweeper } from '../../src/engine/worker/sweeper.ts';
import { quantile } from '../statistics.ts';
import { SimulatedFleet } from './simulated-fleet.ts';
import { VirtualClock } from './virtual-clock.ts';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '10000' },
    held: { type: 'string', default: '50' },
    waiting: { type: 'string', default: '100000000' },
    masters: { type: 'string', default: '1' },
    'round-trip': { type: 'string', default: '0.3' },
    json: { type: 'boolean', default: false },
  },
});

function count(name: 'workers' | 'held' | 'waiting' | 'masters'): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} is a count`);
}

const sizes = {
  workers: count('workers'),
  heldByEach: count('held'),
  waitingRuns: count('waiting'),
  masters: count('masters'),
  roundTripMs: Number(values['round-trip']),
};

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
const fleet = new SimulatedFleet({ clock, spreadMs: day, ...sizes });
/** A sweeper goes on after a failure. Here it is one of the simulation, and the figures would mean nothing. */
const failures = new Set<string>();
const logger: Logger = {
  ...silentLogger,
  warn: (fields, message) => {
    if (message !== 'worker lost') failures.add(`${message} ${JSON.stringify(fields)}`);
  },
};
fleet.beat();
for (const { id } of fleet.members) {
  const sweeper = new Sweeper(
    {
      store: fleet.store,
      queue: fleet.queue,
      worker: id,
      clock,
      logger,
      random,
      settings: settingsOf({ workflows: [] }),
    },
    () => fleet.attendSchedules(),
  );
  sweeper.begin();
}

const report: Record<string, unknown>[] = [];
let until = 0;

async function phase(title: string, ms: number): Promise<void> {
  for (const list of [fleet.takeovers, fleet.lateness]) list.length = 0;
  fleet.calls.clear();
  fleet.busy.fill(0);
  until += ms;
  await clock.runUntil(until);
  if (failures.size > 0) throw new Error([...failures].join('\n'));
  const calls = Object.fromEntries(
    [...fleet.calls].map(([name, times]) => [name, Math.round(times / (ms / 1000))]),
  );
  report.push({
    phase: title,
    seconds: ms / 1000,
    callsPerSecond: calls,
    busyPercentByMaster: fleet.busy.map((micros) => Math.round(micros / ms) / 10),
    ...(fleet.lateness.length === 0 ? {} : { timerLatenessMs: summary(fleet.lateness) }),
    ...(fleet.takeovers.length === 0 ? {} : { takeoverMs: summary(fleet.takeovers) }),
  });
}

function summary(times: readonly number[]): Record<string, number> {
  const at = (q: number): number => Math.round(quantile(times, q) * 10) / 10;
  return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

await phase('calm', calmMs);
fleet.kill(Math.round(sizes.workers / 100));
await phase('1 % of the workers killed', afterDeathMs);
fleet.kill(Math.round(sizes.workers / 10));
await phase('10 % of the workers killed', afterDeathMs);
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...sizes, phases: report })}\n`
    : `${report.map((one) => JSON.stringify(one, undefined, 1)).join('\n')}\n`,
);
process.exit(0);
