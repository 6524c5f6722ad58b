// Goal: whoever looks at the queue with a BullMQ dashboard sees progress and order, and can have a failed run tried again.
import { Queue } from 'bullmq';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
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
