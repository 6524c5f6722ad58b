/**
 * Whether runs go on, in one answer, in bounded time: a store that hangs is itself the answer. Nothing is written, and
 * nothing is decided by it.
 */
import { InvalidError } from '../../core/errors.ts';
import type { RunStore } from '../../core/store.ts';
import type { StoreHealth } from '../../core/store-health.ts';
import { startLongTimer } from '../long-timer.ts';
import type { Readiness } from './queue-probe.ts';

/** Whether new work can be stored and is taken up, seen from this process. */
export interface Health {
  /** `degraded`: runs go on, slower or less safe than they should. `failed`: nothing new can be stored. */
  readonly status: 'ok' | 'degraded' | 'failed';
  /** Why it is not ok, as sentences. */
  readonly reasons: readonly string[];
  /** How long the store took for one call, in milliseconds; undefined when it did not answer. */
  readonly latencyMs: number | undefined;
  /** Workers with a session that has not ended. */
  readonly workers: number;
  /** Those of this process. */
  readonly own: readonly { readonly id: string; readonly readiness: Readiness }[];
  /** What the store tells of itself; absent when it did not answer. */
  readonly store?: StoreHealth;
}

/** How long a check of health may take. */
export interface HealthOptions {
  /** How long to wait for answers, in milliseconds. Default 2 000. */
  readonly timeoutMs?: number;
}

export interface HealthParts {
  readonly store: RunStore;
  readonly own: Health['own'];
  /** Workflows whose queue was paused from outside. */
  readonly paused: () => Promise<readonly string[]>;
}

const timeoutDefault = 2_000;
const slowMs = 250;
/** The sweeper postpones what it finds many times a second. */
const overdueMs = 10_000;

export async function health(parts: HealthParts, options: HealthOptions = {}): Promise<Health> {
  const { timeoutMs = timeoutDefault } = options;
  if (!(timeoutMs > 0)) throw new InvalidError('timeoutMs', 'must be a number above 0.');
  const { own } = parts;
  let over: () => void = () => undefined;
  const late = new Promise<'late'>((resolve) => {
    over = startLongTimer(() => resolve('late'), timeoutMs);
  });
  try {
    const asked = await Promise.race([ask(parts), late]);
    if (asked !== 'late') return judge(asked, own);
    return failed(`The store did not answer within ${timeoutMs} ms.`, own);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error), own);
  } finally {
    over();
  }
}

function failed(reason: string, own: Health['own']): Health {
  return { status: 'failed', reasons: [reason], latencyMs: undefined, workers: 0, own };
}

interface Asked {
  readonly latencyMs: number;
  readonly workers: number;
  readonly store: StoreHealth;
  readonly paused: readonly string[];
}

async function ask(parts: HealthParts): Promise<Asked> {
  const { fleet, observation } = parts.store;
  const begun = performance.now();
  await observation.now();
  const latencyMs = Math.round((performance.now() - begun) * 100) / 100;
  const [workers, store, paused] = await Promise.all([
    fleet.alive(),
    observation.health(),
    // A queue that cannot be looked into is no reason to send a service nothing.
    parts.paused().catch(() => []),
  ]);
  return { latencyMs, workers, store, paused };
}

function judge({ latencyMs, workers, store, paused }: Asked, own: Health['own']): Health {
  const fatal: string[] = [];
  const bad: string[] = [];
  if (latencyMs > slowMs) bad.push(`A call to the store took ${latencyMs} ms.`);
  for (const { id, readiness } of own) {
    if (!readiness.ready) bad.push(`Worker ${id} is not ready: ${readiness.reason}.`);
  }
  const { server, now, overdue, overdueSince, queued, mismatches } = store;
  if (server !== undefined) {
    const { name, role, usedBytes, maxBytes, failures } = server;
    if (role !== 'master') fatal.push(`Redis at ${name} is a ${role} and takes no writes.`);
    if (maxBytes > 0 && usedBytes >= maxBytes)
      fatal.push(`The memory of Redis at ${name} is full.`);
    for (const failure of failures) bad.push(`Redis at ${name} could not write ${failure}.`);
  }
  if (overdueSince !== undefined && now - overdueSince > overdueMs) {
    const ageMs = Math.round(now - overdueSince);
    bad.push(`${overdue} runs are due and nobody looks, the first for ${ageMs} ms.`);
  }
  if (queued > 0 && workers === 0) bad.push(`${queued} runs wait, and no worker is there.`);
  for (const one of paused) {
    bad.push(`The queue of ${one} is paused in BullMQ: its runs wait until it is resumed there.`);
  }
  for (const one of mismatches)
    bad.push(`Indexes disagree: ${one}; pawl doctor --full tells more.`);
  const status = fatal.length > 0 ? 'failed' : bad.length > 0 ? 'degraded' : 'ok';
  const reasons = [...fatal, ...bad];
  return { status, reasons, latencyMs, workers, own, store };
}
