// Goal: runs start runs, wait for them without holding anything, and end with them. Method: the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { UnavailableError } from '../../../../src/core/errors.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const double = defineWorkflow({
  name: 'double',
  input: z.number(),
  async run(ctx, n) {
    await ctx.sleep('1.1s');
    if (n < 0) throw new RangeError('negative');
    return n * 2;
  },
});

describe('a child run', () => {
  const parent = defineWorkflow({
    name: 'parent',
    input: z.array(z.number()),
    async run(ctx, numbers) {
      const children = [];
      for (const [i, n] of numbers.entries()) {
        children.push(await ctx.start(double, n, { as: `double:${i}` }));
      }
      let sum = 0;
      for (const child of children) sum += await child.result();
      return sum;
    },
  });

  test('returns its output to a parent that is parked meanwhile', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    pawl.worker({ workflows: [parent, double] });
    const run = await pawl.start(parent, [1, 2, 3], { id: 'p' });
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    expect(await run.result()).toBe(12);
    checkLog(await allEvents(run));
    const children = (await pawl.list({ workflow: 'double' })).runs;
    const records = await Promise.all(children.map(({ id }) => store.record(id)));
    const completed = { parent: 'p', status: 'completed' };
    expect(records).toMatchObject([completed, completed, completed]);
  });

  test('is started again and again while the store has no answer, and its parent does not fail', async () => {
    const store = new MemoryRunStore();
    let refused = 0;
    const create = store.create.bind(store);
    store.create = (params) => {
      if (params.parent === undefined || (refused += 1) > 2) return create(params);
      return Promise.reject(new UnavailableError('create', 'unknown'));
    };
    await using pawl = memoryPawl({ store }).pawl;
    pawl.worker({ workflows: [parent, double] });
    const run = await pawl.start(parent, [1]);
    expect(await run.result()).toBe(2);
    expect(refused).toBe(3);
  });

  test('that fails makes the wait throw, with its error as the cause', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [parent, double] });
    const run = await pawl.start(parent, [-1]);
    await expect(run.result()).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: { code: 'PAWL_STEP_FAILED', cause: { name: 'RangeError', message: 'negative' } },
    });
  });

  test('is cancelled with its parent, unless it is left behind', async () => {
    await using pawl = memoryPawl().pawl;
    const forever = defineWorkflow({
      name: 'forever',
      async run(ctx) {
        await ctx.sleep('1h');
      },
    });
    const starter = defineWorkflow({
      name: 'starter',
      async run(ctx) {
        await ctx.start(forever, undefined, { as: 'with' });
        await ctx.start(forever, undefined, { as: 'without', attached: false });
        await ctx.sleep('1h');
      },
    });
    pawl.worker({ workflows: [starter, forever] });
    const run = await pawl.start(starter, undefined, { id: 's' });
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    await expect.poll(async () => (await pawl.run('s.with').info()).status).toBe('cancelled');
    expect((await pawl.run('s.without').info()).status).toBe('waiting');
  });

  test('whose parent was not told by a dying worker is told by the sweeper', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const quick = defineWorkflow({ name: 'quick', run: () => 7 });
    const waiting = defineWorkflow({
      name: 'waiting',
      async run(ctx) {
        return (await ctx.start(quick, undefined)).result();
      },
    });
    // The post of the news fails once, as if the worker had died right after the child's last commit.
    const post = store.post.bind(store);
    let failures = 0;
    store.post = async (params) => {
      if (params.kind === 'child' && failures++ === 0) throw new Error('died');
      return post(params);
    };
    pawl.worker({ workflows: [quick, waiting] });
    const run = await pawl.start(waiting, undefined);
    expect(await run.result()).toBe(7);
    expect(failures).toBe(2);
  });
});

describe('start', () => {
  test('with a delay begins later', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({ name: 'later', run: (ctx) => ctx.now() });
    pawl.worker({ workflows: [workflow] });
    const startedAt = Date.now();
    const run = await pawl.start(workflow, undefined, { delay: '300ms' });
    await pause(50);
    expect((await run.info()).status).toBe('waiting');
    expect((await run.result()).getTime() - startedAt).toBeGreaterThanOrEqual(295);
  });

  test('refuses a wrong priority or delay', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({ name: 'x', run: () => 1 });
    for (const options of [{ priority: -1 }, { priority: 1.5 }, { delay: -1 }]) {
      await expect(pawl.start(workflow, undefined, options)).rejects.toMatchObject({
        code: 'PAWL_INVALID',
      });
    }
  });
});
