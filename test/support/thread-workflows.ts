/** Workflows for workers in threads. Their bodies are told from outside, because only the thread knows what it is to do. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';

export const childOfThreads = defineWorkflow({
  name: 'child',
  input: z.number(),
  run: async (ctx, n) => {
    const doubled = await ctx.step('double', async () => {
      await pause(5);
      return 2 * n;
    });
    return doubled;
  },
});

/** Steps, a child, a signal and a sleep. */
export const countingOfThreads = (body: (step: string) => Promise<void> = async () => undefined) =>
  defineWorkflow({
    name: 'counting',
    input: z.number(),
    signals: { go: z.object({ bytes: z.instanceof(Uint8Array) }) },
    run: async (ctx, n) => {
      const first = await ctx.step('first', async () => {
        await body('first');
        return n;
      });
      await ctx.step('slow', () => body('slow'));
      const child = await ctx.start(childOfThreads, first, { as: 'doubling' });
      const doubled = await child.result();
      await ctx.sleep('20ms');
      const go = await ctx.waitFor('go');
      return { first, doubled, bytes: go?.bytes.length };
    },
  });

export const spinningOfThreads = (body: () => void = () => undefined) =>
  defineWorkflow({
    name: 'spinning',
    run: async (ctx) => {
      await ctx.step('spin', body);
      return 'done';
    },
  });
