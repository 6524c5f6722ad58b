/**
 * What only the store knows, as gauges: how many runs there are, what is late, which workers are alive. It is asked once for
 * each scrape, at the same cost however many runs there are. One process of a fleet is enough to tell it; when several do,
 * they tell the same.
 *
 * A store that does not answer is no reason for a scrape to fail, or to hang: `pawl_up` is 0 then, and what is not known is
 * not told.
 */
import { Gauge, type Registry } from 'prom-client';
import type { RunStats } from './core/run-stats.ts';
import { milliseconds, optionsOf } from './core/option-rules.ts';
import type { WorkerRecord } from './core/fleet.ts';
import { startLongTimer } from './engine/long-timer.ts';

/** A pawl, for all that is asked of it here. */
interface ObservedFleet {
  stats(): Promise<RunStats>;
  workers(): Promise<readonly WorkerRecord[]>;
}

const answerMs = 2_000;
const labelNames = ['fleet'] as const;

const checkOptions = optionsOf<{ readonly answerMs?: number }>({ answerMs: milliseconds });

/**
 * Registers gauges over whole fleets; each gets the label `fleet` with its name here: `{ main: pawl }`. Returns the way to
 * take them out again. A fleet has `answerMs` milliseconds (default 2 000) to answer a scrape.
 * @throws what prom-client throws when a metric of the same name is registered already.
 */
export function registerFleetMetrics(
  registry: Registry,
  fleets: Readonly<Record<string, ObservedFleet>>,
  options: { readonly answerMs?: number } = {},
): () => void {
  checkOptions(options, 'fleet metrics options');
  let reading: Promise<void> | undefined;
  // All gauges of a scrape are collected at the same time, and share one reading.
  const collect = (): Promise<void> => {
    reading ??= readAll().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry], collect });
  const runs = new Gauge({
    name: 'pawl_runs',
    help: 'Runs in each status.',
    registers: [registry],
    collect,
    labelNames: [...labelNames, 'status'],
  });
  const up = gauge('pawl_up', '1 when the store has answered.');
  const overdue = gauge('pawl_overdue_runs', 'Runs no sweeper has looked at in time.');
  const overdueFor = gauge('pawl_overdue_seconds', 'How long the first of them has been due.');
  const waiting = gauge('pawl_worker_wait_seconds', 'How long the oldest run waits for a worker.');
  const workers = gauge('pawl_workers', 'Registered workers.');
  const capacity = gauge('pawl_worker_capacity', 'Runs of a workflow they take at a time.');
  const held = gauge('pawl_worker_runs', 'Runs they had at work at their last beats.');
  const lag = gauge('pawl_worker_loop_lag_seconds', 'Longest block of an event loop of late.');
  const metrics = [runs, up, overdue, overdueFor, waiting, workers, capacity, held, lag];

  const read = async (fleet: string, pawl: ObservedFleet): Promise<void> => {
    const asked = Promise.all([pawl.stats(), pawl.workers()]);
    const [stats, alive] = await within(options.answerMs ?? answerMs, asked);
    for (const [status, count] of Object.entries(stats.runs)) runs.set({ fleet, status }, count);
    overdue.set({ fleet }, stats.overdue);
    overdueFor.set({ fleet }, stats.overdueMs / 1000);
    waiting.set({ fleet }, stats.waitingMs / 1000);
    workers.set({ fleet }, alive.length);
    capacity.set({ fleet }, total(alive.map(({ concurrency }) => concurrency)));
    held.set({ fleet }, total(alive.map(({ active }) => active)));
    lag.set({ fleet }, Math.max(0, ...alive.map(({ loopLagMs }) => loopLagMs)) / 1000);
    up.set({ fleet }, 1);
  };
  const readAll = async (): Promise<void> => {
    for (const metric of metrics) metric.reset();
    await Promise.all(
      Object.entries(fleets).map(([fleet, pawl]) =>
        read(fleet, pawl).catch(() => up.set({ fleet }, 0)),
      ),
    );
  };
  const names = metrics.map((metric) => (metric as unknown as { readonly name: string }).name);
  return () => {
    for (const name of names) registry.removeSingleMetric(name);
  };
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let over: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    over = startLongTimer(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    over();
  }
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
