/** What people see of a queue: how many wait, for how long, and whether a worker takes anything. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import type { QueueDepth } from '../core/queue.ts';

/** The name of jobs without a meaning, which show that somebody takes jobs. */
export const canaryName = 'canary';
const canaryPollMs = 50;

export async function depthOf(queue: Queue, prefix: string): Promise<QueueDepth> {
  const [paused, counts, oldestAt, sent] = await Promise.all([
    queue.isPaused(),
    queue.getJobCounts('waiting', 'prioritized', 'active', 'failed'),
    oldestOf(queue),
    sentBy(queue),
  ]);
  const { waiting = 0, prioritized = 0, active = 0, failed = 0 } = counts;
  return {
    workflow: queue.name,
    name: queue.name,
    prefix,
    paused,
    waiting: waiting + prioritized,
    active,
    failed,
    ...(oldestAt === undefined ? {} : { oldestAt: new Date(oldestAt) }),
    sent,
  };
}

/**
 * Wake-ups in a hurry stand in front, so the oldest is at one of the two ends. Those with a priority have a line of their
 * own.
 */
async function oldestOf(queue: Queue): Promise<number | undefined> {
  const ends = await Promise.all([
    queue.getJobs(['waiting'], 0, 0, true),
    queue.getJobs(['waiting'], 0, 0, false),
    queue.getJobs(['prioritized'], 0, 0, true),
  ]);
  // A job that is taken in between is none any more.
  const times = ends.flat().flatMap((job: Job | undefined) => (job ? [job.timestamp] : []));
  return times.length === 0 ? undefined : Math.min(...times);
}

/** BullMQ numbers its jobs. */
async function sentBy(queue: Queue): Promise<number> {
  const client = await queue.getBackend().client;
  return Number((await client.get(queue.toKey('id'))) ?? 0);
}

/**
 * Milliseconds until a canary is taken; undefined when it is not in time. A queue that somebody has paused is no sign of a
 * lost connection: no canary is sent, and the answer is `paused`.
 */
export async function sendCanary(queue: Queue, ms: number): Promise<number | 'paused' | undefined> {
  if (await queue.isPaused()) return 'paused';
  const options = { removeOnComplete: true, removeOnFail: true, attempts: 1, lifo: true };
  const begun = performance.now();
  const canary = await queue.add(canaryName, {}, options);
  while (performance.now() < begun + ms) {
    await sleep(canaryPollMs);
    if ((await queue.getJobState(canary.id ?? '')) !== 'waiting') {
      return Math.round(performance.now() - begun);
    }
  }
  await canary.remove().catch(() => undefined);
  return undefined;
}
