// Goal: whoever looks at the queue with a BullMQ dashboard sees progress and order, and can have a failed run tried again.
import { randomBytes } from 'node:crypto';
import { Queue } from 'bullmq';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { z } from 'zod';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { allEvents, checkLog, newPrefix, openPawl } from '../support/workers.ts';

/** The queue of a workflow as a dashboard sees it. */
async function withQueue(
  { prefix, workflow }: { prefix: string; workflow: string },
  look: (queue: Queue) => Promise<void>,
): Promise<void> {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const queue = new Queue(workflow, { connection, prefix: `{${prefix}}:bull` });
  try {
    await look(queue);
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

test('a failed job that is retried in a dashboard resumes its run from where it failed', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  const bodies: string[] = [];
  const workflow = defineWorkflow({
    name: 'fragile',
    async run(ctx) {
      await ctx.step('first', () => bodies.push('first'));
      await ctx.step('second', () => {
        bodies.push('second');
        if (bodies.length < 4) throw new Error('not yet');
      });
      return 'whole';
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    for (const tries of [1, 2]) {
      await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_FAILED' });
      const failed = async (): Promise<Job[]> => queue.getFailed();
      await expect.poll(async () => (await failed()).length).toBe(1);
      const [job] = await failed();
      expect(job?.data).toMatchObject({ run: run.id });
      await job?.retry('failed');
      await expect.poll(() => bodies.length).toBe(2 + tries);
    }
    expect(await run.result()).toBe('whole');
    await expect
      .poll(() => queue.getJobCounts('failed', 'active', 'wait'))
      .toEqual({ failed: 0, active: 0, wait: 0 });
  });
  expect(bodies).toEqual(['first', 'second', 'second', 'second']);
  const events = await allEvents(run);
  checkLog(events);
  const retried = events.filter(({ type }) => type === 'operator.retried');
  expect(retried.map(({ data }) => data)).toEqual([
    { actor: 'queue dashboard' },
    { actor: 'queue dashboard' },
  ]);
});

test('a job that is retried when its run is over changes nothing', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  let calls = 0;
  const workflow = defineWorkflow({
    name: 'mended',
    async run() {
      calls += 1;
      if (calls === 1) throw new Error('first time');
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect(run.result()).rejects.toThrow();
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    await expect.poll(async () => (await queue.getFailed()).length).toBe(1);
    await run.resume();
    await run.result();
    const before = await run.info();
    const [job] = await queue.getFailed();
    await job?.retry('failed');
    await expect.poll(async () => (await queue.getFailed()).length).toBe(0);
    await expect.poll(() => queue.getActiveCount()).toBe(0);
    expect(await run.info()).toEqual(before);
    expect(calls).toBe(2);
  });
});

test('progress is on the job while the run is at work', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const workflow = defineWorkflow({
    name: 'measured',
    async run(ctx) {
      ctx.progress(0.25, 'a quarter');
      await ctx.step('rest', () => gate);
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    await expect.poll(async () => (await queue.getActive())[0]?.progress).toBe(25);
  });
  go();
  await run.result();
});

test('runs that wait for a worker begin in the order of their priority', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  const begun: string[] = [];
  const workflow = defineWorkflow({
    name: 'ordered',
    input: z.object({ name: z.string() }),
    run: (_ctx, { name }) => {
      begun.push(name);
    },
  });
  const waiting = [
    { name: 'late', priority: 20 },
    { name: 'middle', priority: 10 },
    { name: 'first', priority: 0 },
    { name: 'middle too', priority: 10 },
  ];
  const runs = [];
  for (const { name, priority } of waiting) {
    runs.push(await pawl.start(workflow, { name }, { priority }));
  }
  pawl.worker({ workflows: [workflow], concurrency: 1 });
  await Promise.all(runs.map((run) => run.result()));
  expect(begun).toEqual(['first', 'middle', 'middle too', 'late']);
});

test('a failed job says why its run failed, names its run, and goes when the run goes on or is deleted', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  let isMended = false;
  const workflow = defineWorkflow({
    name: 'broken',
    async run(ctx) {
      await ctx.step('pay', () => {
        if (!isMended) throw new TypeError('the bank said no');
      });
    },
  });
  pawl.worker({ workflows: [workflow] });
  const ids = ['a', 'b', 'c', 'd'];
  const runs = await Promise.all(ids.map((id) => pawl.start(workflow, undefined, { id })));
  await Promise.all(runs.map((run) => expect(run.result()).rejects.toThrow()));
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    const failed = async (): Promise<string[]> =>
      (await queue.getFailed()).map(({ name }) => name).toSorted();
    await expect.poll(failed).toEqual(['resume a', 'resume b', 'resume c', 'resume d']);
    const [job] = await queue.getFailed();
    expect(job?.failedReason).toBe(
      'StepError: Step "pay" failed after 1 attempt: the bank said no',
    );
    // One fails again: what is left is the newer job.
    await runs[0]?.resume();
    await expect(runs[0]?.result()).rejects.toThrow();
    await pawl.delete('b');
    await expect.poll(failed).toEqual(['resume a', 'resume c', 'resume d']);
    isMended = true;
    await pawl.bulk('resume', { workflow: workflow.name });
    await Promise.all(['a', 'c', 'd'].map((id) => pawl.run(id).result()));
    await expect.poll(failed).toEqual([]);
  });
});

test('the sweeper drops failed jobs that a crash has left, and no others', async () => {
  const prefix = newPrefix();
  const workflow = defineWorkflow({
    name: 'left',
    run: () => {
      throw new Error('no');
    },
  });
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  const worker = pawl.worker({ workflows: [workflow] });
  for (const id of ['gone', 'kept']) {
    await expect((await pawl.start(workflow, undefined, { id })).result()).rejects.toThrow();
  }
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    await expect.poll(() => queue.getFailedCount()).toBe(2);
    await worker.close();
    // As a process leaves it that dies between the deletion and the look at the jobs.
    const store = await RedisRunStore.open({ redis: inject('redisUrl'), prefix });
    await store.delete('gone', undefined);
    await store.close();
    pawl.worker({ workflows: [workflow] });
    await expect
      .poll(async () => (await queue.getFailed()).map(({ name }) => name))
      .toEqual(['resume kept']);
  });
});

test('with encryption a failed job does not say why', async () => {
  const prefix = newPrefix();
  await using pawl = await Pawl.open({
    redis: inject('redisUrl'),
    prefix,
    encryption: { keys: { k: randomBytes(32) }, current: 'k' },
  });
  const workflow = defineWorkflow({
    name: 'secret',
    run: () => {
      throw new Error('of Ada');
    },
  });
  pawl.worker({ workflows: [workflow] });
  await expect((await pawl.start(workflow, undefined)).result()).rejects.toThrow();
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    await expect.poll(() => queue.getFailedCount()).toBe(1);
    const [job] = await queue.getFailed();
    expect(job?.failedReason).toBe('run of secret failed');
    expect(JSON.stringify(job)).not.toContain('Ada');
  });
});

test('queues tell depth, age and workers; paused from outside, health says so', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  const workflow = defineWorkflow({ name: 'looked-at', run: () => 1 });
  await pawl.worker({ workflows: [workflow] }).ready();
  const [open] = await pawl.queues();
  const about = { workflow: 'looked-at', name: 'looked-at', prefix: `{${prefix}}:bull` };
  expect(open).toMatchObject({ ...about, paused: false, waiting: 0, workers: 1 });
  expect(await pawl.bull.canary(workflow)).toBeGreaterThan(0);
  expect((await pawl.queues())[0]?.sent).toBe((open?.sent ?? 0) + 1);
  await withQueue({ prefix, workflow: workflow.name }, async (queue) => {
    await queue.pause();
    const run = await pawl.start(workflow);
    // The worker of this process had taken the run with its start, and gives it to the queue now.
    await expect.poll(async () => (await pawl.queues())[0]?.waiting).toBe(1);
    const [paused] = await pawl.queues();
    expect(paused).toMatchObject({ paused: true, waiting: 1, oldestAt: expect.any(Date) });
    expect(await pawl.bull.canary(workflow, { timeoutMs: 200 })).toBeUndefined();
    const { status, reasons } = await pawl.health();
    expect(status).toBe('degraded');
    expect(reasons).toContain(
      'The queue of looked-at is paused in BullMQ: its runs wait until it is resumed there.',
    );
    await pawl.bull.resume(workflow, { actor: 'ada' });
    expect(await run.result()).toBe(1);
    await pawl.bull.pause(workflow);
    expect(await queue.isPaused()).toBe(true);
    await pawl.bull.resume(workflow);
    expect((await pawl.health()).reasons).toEqual([]);
    const [bull] = await pawl.bull.all();
    expect(bull?.name).toBe('looked-at');
  });
});
