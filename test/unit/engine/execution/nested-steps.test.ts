// Goal: what happens inside of a step belongs to it. Method: the memory store, and a look at the stored memory.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

test('a step that is tried again goes through its inner steps again: done ones keep their result', async () => {
  await using pawl = memoryPawl().pawl;
  const seen: string[] = [];
  const workflow = defineWorkflow({
    name: 'again',
    run: async (ctx) =>
      ctx.step(
        'outer',
        async (outer) => {
          await outer.step('done', () => seen.push('done'));
          await outer.step('breaks', () => {
            seen.push(`breaks ${outer.attempt}`);
            if (outer.attempt === 1) throw new Error('once');
          });
          return outer.attempt;
        },
        { retry: { attempts: 2, delay: 1 } },
      ),
  });
  pawl.worker({ workflows: [workflow] });
  expect(await (await pawl.start(workflow, undefined)).result()).toBe(2);
  expect(seen).toEqual(['done', 'breaks 1', 'breaks 2']);
});

test('what is inside of a step leaves the memory when it completes, at any depth', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const workflow = defineWorkflow({
    name: 'depths',
    run: async (ctx) => {
      await ctx.step('outer', async (outer) => {
        for (let i = 0; i < 3; i++) {
          await outer.step(`middle ${i}`, (middle) => middle.step('inner', () => i));
        }
        await ctx.checkpoint({ label: 'inside' });
        const fields = (await store.load(ctx.run))?.snapshot?.fields;
        return [...(fields?.keys() ?? [])].map((field) => field.split(' › ').length);
      });
      await ctx.effect('sent', () => 1, { onDoubt: 'ask' });
      await ctx.checkpoint();
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await run.result();
  const fields = (await store.load(run.id))?.snapshot?.fields;
  expect([...(fields?.keys() ?? [])].sort()).toEqual(['step:outer', 'step:sent']);
  const events = [];
  for await (const event of run.events()) events.push(event);
  const outer = events.find(
    ({ type, data }) => type === 'step.completed' && (data as { name: string }).name === 'outer',
  );
  // While the outer step is at work, its own inner results are there; those further inside are gone.
  expect(outer?.data).toMatchObject({ result: [2, 2, 2] });
});

test('a loop that finds its place by the state may forget the steps that it has passed', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const workflow = defineWorkflow({
    name: 'pages',
    state: z.object({ done: z.number().default(0) }),
    async run(ctx) {
      const kept = await ctx.step('kept', () => 'kept');
      for (let page = ctx.state.done; page < 500; page = ctx.state.done) {
        await ctx.step(`page:${page}`, () => 'x'.repeat(100));
        await ctx.set({ done: page + 1 });
        ctx.forget('page:');
      }
      await ctx.checkpoint({ label: 'end' });
      return kept;
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result({ timeoutMs: 10_000 })).toBe('kept');
  const [kept] = await store.checkpoints({ run: run.id, limit: 1 });
  expect(kept?.bytes).toBeLessThan(1_000);
});

test('a visit of a node is not over before the bodies inside of it, and none of them begins behind it', async () => {
  await using pawl = memoryPawl().pawl;
  let inner = 0;
  const graph = defineGraph({
    name: 'loser',
    state: z.object({ done: z.boolean().default(false) }),
    start: 'race',
    nodes: {
      race: async (ctx) => {
        const loser = ctx.step(
          'loser',
          async (step) => {
            await step.step('inside', () => (inner += 1));
            if (step.attempt === 1) throw new Error('again');
          },
          { retry: { attempts: 2, delay: 30 } },
        );
        await Promise.race([loser, ctx.step('quick', () => 'quick')]);
        return { set: { done: true } };
      },
      after: () => pause(100),
    },
    edges: { race: 'after' },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined);
  expect(await run.result({ timeoutMs: 3000 })).toEqual({ done: true });
  expect(inner).toBe(1);
  const types: string[] = [];
  for await (const { type } of run.events()) types.push(type);
  expect(types.lastIndexOf('step.completed')).toBeLessThan(types.indexOf('node.completed'));
});
