// Goal: a method that returns nothing by its type returns nothing, so that an arrow function may call it without braces.
// Method: each such method of every context is called in a run on the memory store.
import { expect, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

const events = { said: z.object({ n: z.int() }) };

test('a node whose body is one call of its context completes', async () => {
  await using pawl = memoryPawl().pawl;
  const graph = defineGraph({
    name: 'arrows',
    events,
    start: 'checkpoint',
    nodes: {
      checkpoint: (ctx) => ctx.checkpoint({ metadata: { round: ctx.visit } }),
      emit: (ctx) => ctx.emit('said', { n: 1 }),
      progress: (ctx) => ctx.progress(0.5),
      undo: (ctx) => ctx.onCancel(() => 'undone'),
      sleep: (ctx) => ctx.sleep(1),
    },
    edges: { checkpoint: 'emit', emit: 'progress', progress: 'undo', undo: 'sleep' },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined);
  await run.result();
  const { completed } = await run.graph();
  expect(completed).toEqual(['checkpoint', 'emit', 'progress', 'undo', 'sleep']);
});

test('handlers and steps get nothing from what returns nothing', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = defineWorkflow({
    name: 'nothing',
    events,
    run: async (ctx) => {
      const inStep = await ctx.step('a', (step) => [step.emit('said', { n: 1 })]);
      const inHandler = [
        await ctx.emit('said', { n: 2 }),
        await ctx.set({}),
        await ctx.sleep(1),
        ctx.progress(0.1),
        ctx.onCancel(() => 'undone'),
      ];
      return [...inStep, ...inHandler].filter((value) => value !== undefined);
    },
  });
  pawl.worker({ workflows: [workflow] });
  expect(await (await pawl.start(workflow, undefined)).result()).toEqual([]);
});
