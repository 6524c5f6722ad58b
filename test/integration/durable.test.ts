// Goal: a BullMQ processor goes on from its last step. Method: a real queue, jobs that fail, stall and come twice.
import { Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, expect, inject, test } from 'vitest';
import {
  durable,
  type EndHookContext,
  type JobLike,
  NonRetryableError,
  Pawl,
  type RunEnd,
} from 'pawl';
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

test('the hook for an end is called after each attempt of BullMQ', async () => {
  const setup = await setUp();
  const ends: unknown[] = [];
  let attempts = 0;
  const options = {
    name: 'told',
    retry: { attempts: 1 },
    onEnd: (ctx: EndHookContext, end: RunEnd) =>
      ctx.step('tell', () => void ends.push(end.status === 'completed' ? end.output : end.status)),
  };
  const processor = durable(setup.pawl, options, async () => {
    attempts += 1;
    if (attempts === 1) throw new Error('not yet');
    return 'done';
  });
  serve(setup, processor);
  await setup.queue.add('x', {}, { attempts: 2, backoff: 10 });
  await expect.poll(() => new Set(ends), { timeout: 10_000 }).toEqual(new Set(['done', 'failed']));
  expect(ends).toHaveLength(2);
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

test('the next attempt goes on behind finished steps with the data of now', async () => {
  const setup = await setUp();
  const bodies: string[] = [];
  const processor = durable<{ amount: number; note?: string }, string>(
    setup.pawl,
    { name: 'corrected' },
    async (ctx, job) => {
      await ctx.step('fetch', () => bodies.push('fetch'));
      return ctx.step('charge', () => {
        bodies.push(`charge ${job.data.amount}`);
        if (job.data.amount < 10) throw new RangeError('too little');
        return `charged ${job.data.amount}`;
      });
    },
  );
  serve(setup, processor as (job: JobLike) => Promise<unknown>);
  const job = await setup.queue.add('pay', { amount: 1 }, { attempts: 4, backoff: 300 });
  const failures = async (): Promise<number | undefined> =>
    (await setup.queue.getJob(job.id ?? ''))?.attemptsMade;
  await expect.poll(failures).toBe(1);
  await job.updateData({ amount: 2, note: 'corrected' });
  await expect.poll(failures).toBe(2);
  // And back again: it is not the first one's data that counts, nor the last corrected one's.
  await job.updateData({ amount: 1 });
  await expect.poll(failures).toBe(3);
  await job.updateData({ amount: 20 });
  await expect.poll(() => job.getState(), { timeout: 10_000 }).toBe('completed');
  expect((await setup.queue.getJob(job.id ?? ''))?.returnvalue).toBe('charged 20');
  expect(bodies).toEqual(['fetch', 'charge 1', 'charge 2', 'charge 1', 'charge 20']);
});

test('an attempt that is handed out again sees the data it began with', async () => {
  const { pawl } = await setUp();
  const seen: unknown[] = [];
  const processor = durable<number, void>(pawl, { name: 'again' }, async (ctx, job) => {
    seen.push(job.data);
    await ctx.sleep('1200ms');
    seen.push(job.data);
  });
  const job = { id: '7', name: 'n', queueName: 'q', timestamp: 1 };
  const first = processor({ ...job, data: 1 });
  await expect.poll(() => seen).toEqual([1]);
  await Promise.all([first, processor({ ...job, data: 2 })]);
  expect(new Set(seen)).toEqual(new Set([1]));
});

test('a job id that another workflow has taken is told', async () => {
  const { pawl } = await setUp();
  const one = durable(pawl, { name: 'one' }, async () => 1);
  const other = durable(pawl, { name: 'other' }, async () => 2);
  const job = { id: '7', name: 'n', queueName: 'q', timestamp: 1, data: 1 };
  expect(await one(job)).toBe(1);
  await expect(other(job)).rejects.toMatchObject({ code: 'PAWL_RUN_EXISTS' });
});

test('an UnrecoverableError, or a NonRetryableError, ends the job, wherever it is thrown', async () => {
  const setup = await setUp();
  const calls: Record<string, number> = {};
  const blocked = (where: string): never => {
    calls[where] = (calls[where] ?? 0) + 1;
    const Final = where === 'step' ? NonRetryableError : UnrecoverableError;
    throw new Final(`card blocked in ${where}`);
  };
  const retry = { attempts: 3, delay: 10 };
  serve(
    setup,
    durable(setup.pawl, { name: 'final', retry }, async (ctx, { data }) => {
      if (data === 'handler') blocked('handler');
      await ctx.step('charge', () => (data === 'step' ? blocked('step') : 1));
      await ctx.step('patient', () => (data === 'patient' ? blocked('patient') : 1), { retry });
      await ctx.step('outer', (outer) =>
        outer.step('inner', () => blocked(String(data)), { retry }),
      );
    }),
  );
  const events = new QueueEvents(setup.queue.name, { connection: setup.connection.duplicate() });
  closers.push(() => events.close());
  await events.waitUntilReady();
  for (const where of ['handler', 'step', 'patient', 'inner']) {
    const job = await setup.queue.add('j', where, { attempts: 4, backoff: 10 });
    await expect(job.waitUntilFinished(events)).rejects.toThrow(`card blocked in ${where}`);
    expect(await job.getState()).toBe('failed');
    expect(calls[where]).toBe(1);
  }
});

test('a handler that has caught it, and fails of something else, is tried again', async () => {
  const setup = await setUp();
  let calls = 0;
  serve(
    setup,
    durable(setup.pawl, { name: 'caught' }, async (ctx) => {
      calls += 1;
      try {
        await ctx.step('charge', () => {
          throw new UnrecoverableError('no');
        });
      } catch (cause) {
        throw new Error('look at it later', { cause });
      }
    }),
  );
  const job = await setup.queue.add('j', {}, { attempts: 2, backoff: 10 });
  await expect.poll(() => job.getState()).toBe('failed');
  expect(calls).toBe(2);
});
