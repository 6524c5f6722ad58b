/**
 * Poison among innocent runs: workers are killed by what they execute, and replaced, until every run has ended or the time
 * is over. No innocent run may be quarantined, and no poisonous one may be left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pawl, RunHandle, RunStatus } from 'pawl';
import { startRedisServer } from '../../../src/testing/redis-server.ts';
import { compiled, killChildren, spawnNode } from '../../support/child.ts';
import { newPrefix, openPawl } from '../../support/workers.ts';
import { Random } from '../matrix/random.ts';
import { harmless, poisonous } from './workflows.ts';

export interface TrialOptions {
  readonly seed: number;
  readonly poison: number;
  readonly innocent: number;
  readonly workers: number;
  readonly minutes: number;
}

export interface TrialReport extends Omit<TrialOptions, 'minutes'> {
  readonly kinds: number;
  readonly seconds: number;
  readonly workersKilled: number;
  /** Losses that each poisonous run is to blame for, as its log has it: the least, on average, the most. */
  readonly losses: { readonly least: number; readonly average: number; readonly most: number };
  readonly innocentCompleted: number;
  readonly innocentQuarantined: number;
  readonly poisonQuarantined: number;
  readonly poisonAtLarge: number;
  readonly violations: readonly string[];
}

interface Started {
  readonly run: RunHandle;
  readonly workflow: string;
}

const pollMs = 250;
const delayMsMax = 300;

export async function trial(options: TrialOptions): Promise<TrialReport> {
  const startedAt = performance.now();
  const server = await startRedisServer({});
  const setup = { url: server.url, prefix: newPrefix() };
  const pawl = await openPawl(setup.url, setup.prefix);
  const fleet = keepAlive(options.workers, JSON.stringify(setup));
  try {
    const { poison, innocent } = await startAll(pawl, options);
    const until = startedAt + options.minutes * 60_000;
    while (performance.now() < until) {
      if ((await open([...poison, ...innocent])).length === 0 || fleet.isOver) break;
      await sleep(pollMs);
    }
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    fleet.stop();
    const verdict = await judge(poison, innocent);
    const failures = fleet.failures.map((text) => `a worker ended by itself: ${text}`);
    return {
      seed: options.seed,
      poison: options.poison,
      innocent: options.innocent,
      workers: options.workers,
      seconds,
      workersKilled: fleet.killed,
      ...verdict,
      violations: [...failures, ...verdict.violations],
    };
  } finally {
    fleet.stop();
    await killChildren();
    await pawl.close();
    await server.stop();
  }
}

/** So many workers, each replaced when it dies. */
function keepAlive(count: number, setup: string) {
  const fleet = {
    killed: 0,
    isOver: false,
    /** What workers said that ended otherwise than by a kill. */
    failures: [] as string[],
    stop: () => void (fleet.isOver = true),
  };
  const keepOne = async (): Promise<void> => {
    while (!fleet.isOver) {
      const child = spawnNode(compiled('test/chaos/poison/worker-process.ts'), [setup]);
      const { signal } = await child.exit;
      if (signal !== 'SIGKILL') fleet.failures.push(child.errors);
      if (fleet.failures.length > 0) fleet.isOver = true;
      if (!fleet.isOver) fleet.killed += 1;
    }
  };
  for (let i = 0; i < count; i++) void keepOne();
  return fleet;
}

/** Starts poison and innocent runs in any order, a few at a time. */
async function startAll(pawl: Pawl, { seed, poison, innocent }: TrialOptions) {
  const random = new Random(seed);
  const started = { poison: [] as Started[], innocent: [] as Started[] };
  const plans = random.shuffled([
    ...Array.from({ length: poison }, (_, i) => ({ isPoison: true, i })),
    ...Array.from({ length: innocent }, (_, i) => ({ isPoison: false, i })),
  ]);
  for (const { isPoison, i } of plans) {
    if (isPoison) {
      const workflow = poisonous[i % poisonous.length] ?? poisonous[0];
      const input = { delayMs: random.whole(0, delayMsMax) };
      const run = await pawl.start(workflow, input, { id: `poison-${i}` });
      started.poison.push({ run, workflow: workflow.name });
    } else {
      const workflow = harmless[i % harmless.length] ?? harmless[0];
      const input = { paceMs: random.whole(10, delayMsMax) };
      const run = await pawl.start(workflow, input, { id: `innocent-${i}` });
      started.innocent.push({ run, workflow: workflow.name });
    }
    await sleep(random.whole(0, 20));
  }
  return started;
}

async function statusOf({ run }: Started): Promise<RunStatus> {
  return (await run.info()).status;
}

async function open(runs: readonly Started[]): Promise<readonly Started[]> {
  const statuses = await Promise.all(runs.map(statusOf));
  return runs.filter((_, i) => !['completed', 'quarantined'].includes(statuses[i] ?? ''));
}

/** Workers that a run has lost, by its log. */
async function lossesOf({ run }: Started): Promise<number> {
  const { seq: last } = await run.info();
  let losses = 0;
  for await (const { seq, type } of run.events()) {
    if (type === 'run.interrupted') losses += 1;
    if (seq === last) break;
  }
  return losses;
}

async function judge(poison: readonly Started[], innocent: readonly Started[]) {
  const violations: string[] = [];
  const count = {
    innocentCompleted: 0,
    innocentQuarantined: 0,
    poisonQuarantined: 0,
    poisonAtLarge: 0,
  };
  for (const one of innocent) {
    const status = await statusOf(one);
    if (status === 'completed') count.innocentCompleted += 1;
    if (status === 'quarantined') count.innocentQuarantined += 1;
    if (status !== 'completed') {
      violations.push(`${one.run.id} (${one.workflow}) is innocent and ${status}`);
    }
  }
  const losses: number[] = [];
  for (const one of poison) {
    const status = await statusOf(one);
    if (status === 'quarantined') count.poisonQuarantined += 1;
    else {
      count.poisonAtLarge += 1;
      violations.push(`${one.run.id} (${one.workflow}) is ${status}`);
    }
    losses.push(await lossesOf(one));
  }
  const sum = losses.reduce((total, one) => total + one, 0);
  return {
    kinds: poisonous.length,
    losses: {
      least: Math.min(...losses),
      average: Math.round((10 * sum) / losses.length) / 10,
      most: Math.max(...losses),
    },
    ...count,
    violations,
  };
}
