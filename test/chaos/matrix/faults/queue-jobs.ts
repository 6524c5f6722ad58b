/** What can happen to wake-ups in BullMQ: none of them may matter, because the due index is the truth. */
import { type Job, Queue } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';
import type { Random } from '../random.ts';
import { workflows } from '../workflows.ts';
import type { World } from '../world.ts';

function openQueue({ redis, prefix }: World, name: string): Queue {
  const queue = new Queue(name, { connection: redis, prefix: `{${prefix}}:bull` });
  // The connection is the world's, which says what is wrong with it.
  queue.on('error', () => undefined);
  return queue;
}

type Meddle = (queue: Queue, jobs: readonly Job[], random: Random) => Promise<void>;

/** Holds all queues for a moment, so that wake-ups gather, and meddles with them. */
async function withQueues(world: World, random: Random, meddle: Meddle): Promise<void> {
  const queues = workflows.map(({ name }) => openQueue(world, name));
  for (const queue of queues) await queue.pause();
  await sleep(random.whole(300, 800));
  for (const queue of queues) {
    const jobs = await queue.getJobs(['waiting', 'prioritized', 'delayed']);
    await meddle(queue, jobs.filter(Boolean), random);
    await queue.resume();
  }
}

/** A worker may have been faster. */
async function remove(job: Job): Promise<void> {
  await job.remove().catch(() => undefined);
}

export const jobsDoubled: Fault = {
  name: 'jobs-doubled',
  async inject(world, random) {
    await withQueues(world, random, async (queue, jobs) => {
      for (const { data } of jobs) {
        for (let copy = 0; copy < 3; copy++) await queue.add('resume', data);
      }
    });
    // Runs at work are woken up too, as they are and as they were before.
    for (const run of world.driver.open) {
      const info = await world.driver.persist(() => world.pawl.run(run).info());
      const queue = openQueue(world, info.workflow);
      for (const fence of [info.fence, Math.max(0, info.fence - 1)]) {
        await queue.add('resume', { run, workflow: info.workflow, fence, losses: 0 });
      }
    }
  },
};

export const jobsDelayed: Fault = {
  name: 'jobs-delayed',
  async inject(world, random) {
    await withQueues(world, random, async (queue, jobs) => {
      for (const job of jobs) {
        await remove(job);
        await queue.add('resume', job.data, { delay: random.whole(500, 4_000) });
      }
    });
  },
};

export const jobsDeleted: Fault = {
  name: 'jobs-deleted',
  async inject(world, random) {
    await withQueues(world, random, async (_queue, jobs) => {
      for (const job of jobs) await remove(job);
    });
  },
};

export const queueDeleted: Fault = {
  name: 'queue-deleted',
  async inject({ redis, prefix }) {
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `{${prefix}}:bull:*`, 'COUNT', 1000);
      if (keys.length > 0) await redis.del(keys);
      cursor = next;
    } while (cursor !== '0');
  },
};
