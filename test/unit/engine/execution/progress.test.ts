// Goal: progress reaches callers, deadlines hold, and a rehearsal tells what would break. Method: the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

test('progress is seen from outside, at most a few times a second, and the last always', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  let noted = 0;
  const progress = store.progress.bind(store);
  store.progress = async (...args) => {
    noted += 1;
    await progress(...args);
  };
  const workflow = defineWorkflow({
    name: 'progress',
    async run(ctx) {
      for (let i = 1; i <= 100; i++) ctx.progress(i / 100, `${i} of 100`);
      await ctx.step('rest', () => pause(600));
      expect(() => ctx.progress(2)).toThrow(/from 0 to 1/);
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await run.result();
  expect((await run.info()).progress).toEqual({ fraction: 1, message: '100 of 100' });
  expect(noted).toBeLessThan(5);
});

test('the last progress is stored before a run is parked, and before it ends', async () => {
  await using pawl = memoryPawl().pawl;
  const say = (ctx: { progress: (n: number, text: string) => void }, of: string): void => {
    for (const n of [1, 2, 3]) ctx.progress(n / 3, `${of} ${n}`);
  };
  const workflow = defineWorkflow({
    name: 'sleeper',
    signals: { go: z.null() },
    async run(ctx) {
      say(ctx, 'first');
      await ctx.waitFor('go');
      say(ctx, 'then');
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  expect((await run.info()).progress).toEqual({ fraction: 1, message: 'first 3' });
  await run.signal('go', null);
  await run.result({ timeoutMs: 20_000 });
  expect((await run.info()).progress).toEqual({ fraction: 1, message: 'then 3' });
});

test('a run that takes longer than its deadline fails, after its clean-up', async () => {
  await using pawl = memoryPawl().pawl;
  const seen: string[] = [];
  const workflow = defineWorkflow({
    name: 'late',
    async run(ctx) {
      try {
        await ctx.sleep('1h');
      } finally {
        await ctx.step('tidy', () => seen.push('tidied'));
      }
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined, { deadline: '1.3s' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await expect(run.result()).rejects.toMatchObject({
    code: 'PAWL_RUN_FAILED',
    cause: { code: 'PAWL_DEADLINE' },
  });
  expect(seen).toEqual(['tidied']);
  checkLog(await allEvents(run));
});

test('a rehearsal finds the runs that today’s code would not understand, and writes nothing', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const old = defineWorkflow({
    name: 'evolving',
    state: z.object({ n: z.number().default(0) }),
    signals: { go: z.null() },
    async run(ctx) {
      await ctx.set({ n: 1 });
      await ctx.checkpoint();
      await ctx.waitFor('go');
    },
  });
  const worker = pawl.worker({ workflows: [old] });
  const runs = await Promise.all([1, 2, 3].map(() => pawl.start(old, undefined)));
  for (const run of runs) await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await worker.close();
  const changed = defineWorkflow({
    name: 'evolving',
    state: z.object({ n: z.string().default('') }),
    run: () => undefined,
  });
  const before = await Promise.all(runs.map(({ id }) => store.load(id)));
  const { checked, problems } = await pawl.rehearse([changed]);
  expect(checked).toBe(3);
  expect(problems.map(({ run }) => run).sort()).toEqual(runs.map(({ id }) => id).sort());
  expect(problems[0]).toMatchObject({ workflow: 'evolving', error: { code: 'PAWL_STATE_MISFIT' } });
  expect(await Promise.all(runs.map(({ id }) => store.load(id)))).toEqual(before);
  expect(await pawl.rehearse([old])).toEqual({ checked: 3, problems: [] });
});
