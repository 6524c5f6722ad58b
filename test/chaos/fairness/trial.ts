/**
 * Tenants of very different size, and workers that are killed all the time. No tenant may ever have more runs at work than
 * its limit, and the first run of the smallest one begins within one turn, although all others stood in line before it. The
 * logs of the runs are the witness: a run counts as at work from its first claim to its end, kills of workers included.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Pawl } from 'pawl';
import { startRedisServer } from '../../../src/testing/redis-server.ts';
import { compiled, killChildren, type NodeChild, spawnNode } from '../../support/child.ts';
import { newPrefix, openPawl } from '../../support/workers.ts';
import { Random } from '../matrix/random.ts';
import { ofKeys, perKey, served } from './workflow.ts';

export interface TrialOptions {
  readonly seed: number;
  /** Runs of each tenant; the last one comes last. */
  readonly runs: readonly number[];
  readonly workers: number;
  readonly killEveryMs: number;
  readonly workMs: number;
  /** From the last start on; less when all runs have ended before. */
  readonly seconds: number;
}

interface Tenant {
  readonly key: string;
  readonly runs: number;
  begun: number;
  ended: number;
  /** The most that were at work at one time. */
  most: number;
}

export interface TrialReport {
  readonly seed: number;
  readonly kills: number;
  readonly seconds: number;
  readonly startsPerSecond: number;
  readonly tenants: readonly Tenant[];
  /** The most that were at work at one time, of all tenants. */
  readonly mostOfAll: number;
  /** Of the last tenant: from its first start to the first claim, and runs of others that began in between. */
  readonly firstMs: number;
  readonly othersBefore: number;
  readonly violations: readonly string[];
}

/** A run as its log tells it: milliseconds on the clock of Redis. */
interface Told {
  readonly key: string;
  readonly createdAt: number;
  readonly begunAt: number | undefined;
  readonly endedAt: number | undefined;
}

const startsAtOnce = 200;

export async function trial(options: TrialOptions): Promise<TrialReport> {
  const { seed, workers, killEveryMs, seconds, workMs } = options;
  const server = await startRedisServer({});
  const setup = { url: server.url, prefix: newPrefix() };
  const pawl = await openPawl(setup.url, setup.prefix);
  const redis = new Redis(setup.url);
  const random = new Random(seed);
  const fleet: NodeChild[] = [];
  const join = (): void => {
    fleet.push(
      spawnNode(compiled('test/chaos/fairness/worker-process.ts'), [JSON.stringify(setup)]),
    );
  };
  let kills = 0;
  const until = { isOver: false };
  const killing = async (): Promise<void> => {
    while (!until.isOver) {
      await sleep(killEveryMs);
      // On a busy machine workers begin more slowly than they are killed: one is left to take over.
      const ready = fleet.filter(({ messages }) => messages.some(isReady));
      const victim = ready[random.whole(0, ready.length - 1)];
      if (victim === undefined || ready.length < 2) continue;
      fleet.splice(fleet.indexOf(victim), 1);
      victim.kill('SIGKILL');
      kills += 1;
      join();
    }
  };
  try {
    for (let i = 0; i < workers; i++) join();
    await Promise.all(fleet.map((child) => child.waitFor(isReady, 30_000)));
    const ended = killing();
    const tenants = options.runs.map((runs, i) => ({ key: `tenant-${i}`, runs }));
    const begun = performance.now();
    for (const tenant of tenants) await startAll(pawl, tenant, workMs);
    const startedMs = performance.now() - begun;
    const endsAt = performance.now() + seconds * 1000;
    const total = options.runs.reduce((sum, runs) => sum + runs, 0);
    const endedKey = `{${setup.prefix}:0}:by-status:completed`;
    while (performance.now() < endsAt && (await redis.zcard(endedKey)) < total) await sleep(250);
    const lastedMs = performance.now() - begun;
    until.isOver = true;
    await ended;
    await killChildren();
    const told = await readAll(redis, setup.prefix, tenants);
    return {
      seed,
      kills,
      seconds: Math.round(lastedMs / 1000),
      startsPerSecond: Math.round((total / startedMs) * 1000),
      ...judge(tenants, told),
    };
  } finally {
    until.isOver = true;
    await killChildren();
    redis.disconnect();
    await pawl.close();
    await server.stop();
  }
}

function isReady(message: Readonly<Record<string, unknown>>): boolean {
  return message['message'] === 'ready';
}

async function startAll(
  pawl: Pawl,
  { key, runs }: { readonly key: string; readonly runs: number },
  workMs: number,
): Promise<void> {
  let next = 0;
  const some = async (): Promise<void> => {
    while (next < runs) {
      const id = `${key}.${next++}`;
      await pawl.start(served, { workMs }, { id, key });
    }
  };
  await Promise.all(Array.from({ length: Math.min(startsAtOnce, runs) }, some));
}

/** What the logs say: the first event, the first claim and the end. */
async function readAll(
  redis: Redis,
  prefix: string,
  tenants: readonly { readonly key: string; readonly runs: number }[],
): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const { key, runs } of tenants) {
    for (let from = 0; from < runs; from += 500) {
      const ids = Array.from(
        { length: Math.min(500, runs - from) },
        (_, i) => `${key}.${from + i}`,
      );
      const logs = await Promise.all(
        ids.map((id) => redis.xrange(`{${prefix}:0}:events:${id}`, '-', '+')),
      );
      for (const log of logs) told.push({ key, ...readLog(log) });
    }
  }
  return told;
}

function readLog(log: readonly (readonly [string, readonly string[]])[]): Omit<Told, 'key'> {
  const at = (type: string): number | undefined => {
    const entry = log.find(([, fields]) => fields[1] === type);
    return entry === undefined ? undefined : Number(entry[1][3]);
  };
  return {
    createdAt: at('run.created') ?? Number.NaN,
    begunAt: at('run.claimed'),
    endedAt: at('run.completed'),
  };
}

type Verdict = Pick<
  TrialReport,
  'tenants' | 'mostOfAll' | 'firstMs' | 'othersBefore' | 'violations'
>;

/** Judges what the logs say. */
export function judge(
  tenants: readonly { readonly key: string; readonly runs: number }[],
  told: readonly Told[],
): Verdict {
  const violations: string[] = [];
  const judged = tenants.map(({ key, runs }): Tenant => {
    const own = told.filter((one) => one.key === key);
    const most = mostAtOnce(own);
    if (most > perKey) violations.push(`${key} had ${most} runs at work, ${perKey} are allowed`);
    const begun = own.filter(({ begunAt }) => begunAt !== undefined).length;
    const ended = own.filter(({ endedAt }) => endedAt !== undefined).length;
    return { key, runs, begun, ended, most };
  });
  const mostOfAll = mostAtOnce(told);
  if (mostOfAll > ofKeys) violations.push(`${mostOfAll} runs were at work, ${ofKeys} are allowed`);
  const last = told.filter(({ key }) => key === tenants.at(-1)?.key);
  const startedAt = Math.min(...last.map(({ createdAt }) => createdAt));
  const begunAt = Math.min(...last.map((one) => one.begunAt ?? Infinity));
  const before = told.filter(
    (one) => one.key !== tenants.at(-1)?.key && isWithin(one.begunAt, startedAt, begunAt),
  );
  // Those that had their turns already may begin, and each other key has one turn.
  const allowed = ofKeys + tenants.length - 1;
  if (before.length > allowed) {
    violations.push(`${before.length} runs began before the first of ${tenants.at(-1)?.key}`);
  }
  if (begunAt === Infinity) violations.push(`no run of ${tenants.at(-1)?.key} has begun`);
  return {
    tenants: judged,
    mostOfAll,
    firstMs: begunAt - startedAt,
    othersBefore: before.length,
    violations,
  };
}

function isWithin(at: number | undefined, from: number, until: number): boolean {
  return at !== undefined && at > from && at < until;
}

/** One that ends in the moment in which another begins has made room for it. */
function mostAtOnce(told: readonly Told[]): number {
  const changes = told.flatMap(({ begunAt, endedAt }) => [
    ...(begunAt === undefined ? [] : [{ at: begunAt, by: 1 }]),
    ...(begunAt === undefined || endedAt === undefined ? [] : [{ at: endedAt, by: -1 }]),
  ]);
  let count = 0;
  let most = 0;
  for (const { by } of changes.toSorted((a, b) => a.at - b.at || a.by - b.by)) {
    count += by;
    most = Math.max(most, count);
  }
  return most;
}
