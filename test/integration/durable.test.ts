// Goal: a BullMQ processor goes on from its last step. Method: a real queue, jobs that fail, stall and come twice.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, expect, inject, test } from 'vitest';
import { durable, type JobLike, Pawl } from 'pawl';
import { newPrefix } from '../support/workers.ts';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Setup {
  readonly queue: Queue;
  readonly pawl: Pawl;
  readonly connection: Redis;
}

async function setUp(): Promise<Setup> {
  const prefix = newPrefix();
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  closers.push(async () => connection.disconnect());
  const pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
  closers.push(() => pawl.close());
  const queue = new Queue(prefix, { connection });
  closers.push(() => queue.close());
  return { queue, pawl, connection };
}

function serve(
  { queue, connection }: Setup,
  processor: (job: JobLike) => Promise<unknown>,
): Worker {
  const worker = new Worker(queue.name, processor, { connection, concurrency: 5 });
  closers.push(() => worker.close());
  return worker;
}

test('an attempt of BullMQ goes on behind the steps of the attempt before', async () => {
  const setup = await setUp();
  const bodies: string[] = [];
  const processor = durable<{ file: string }, string>(
    setup.pawl,
    { name: 'video' },
    async (ctx, job) => {
      const size = await ctx.step('fetch', () => {
        bodies.push('fetch');
        return job.data.file.length;
      });
      await ctx.step('encode', () => {
        bodies.push('encode');
        if (bodies.length === 2) throw new TypeError('encoder crashed');
      });
      return `${job.name} ${size}`;
    },
  );
  serve(setup, processor as (job: JobLike) => Promise<unknown>);
  const job = await setup.queue.add('short', { file: 'a.mov' }, { attempts: 3, backoff: 10 });
  await expect.poll(() => job.getState(), { timeout: 10_000 }).toBe('completed');
  const done = await setup.queue.getJob(job.id ?? '');
  expect(done?.returnvalue).toBe('short 5');
  expect(done?.attemptsMade).toBe(2);
  expect(bodies).toEqual(['fetch', 'encode', 'encode']);
});

test('the error of the work is the error of the job', async () => {
  const setup = await setUp();
  serve(
    setup,
    durable(setup.pawl, { name: 'broken' }, async () => {
      throw new RangeError('out of range');
    }),
  );
  const job = await setup.queue.add('x', {});
  await expect.poll(() => job.getState()).toBe('failed');
  expect((await setup.queue.getJob(job.id ?? ''))?.failedReason).toBe('out of range');
});

test('a job that is handed out twice is one run', async () => {
  const setup = await setUp();
  let bodies = 0;
  const processor = durable(setup.pawl, { name: 'twice' }, async (ctx) =>
    ctx.step('work', async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return ++bodies;
    }),
  );
  const job = { id: 'a:b c', name: 'n', queueName: 'q', timestamp: 1, data: null };
  expect(await Promise.all([processor(job), processor(job)])).toEqual([1, 1]);
  expect(await processor({ ...job, timestamp: 2 })).toBe(2);
});
