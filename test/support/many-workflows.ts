/** A run with very many children, and one with a map of very many items. */
import { defineWorkflow } from '../../src/index.ts';
import { z } from 'zod';

export const photo = defineWorkflow({
  name: 'photo',
  input: z.number(),
  run: (ctx, n) => ctx.step('resize', () => `photo ${n}, smaller`),
});

export const album = defineWorkflow({
  name: 'album',
  input: z.number(),
  async run(ctx, photos) {
    const inputs = Array.from({ length: photos }, (_, n) => n);
    const done = await ctx.startAll(photo, inputs, { onError: 'collect' });
    return { completed: done.completed, last: done.at(photos - 1) };
  },
});

export const sums = defineWorkflow({
  name: 'sums',
  input: z.number(),
  async run(ctx, count) {
    const items = Array.from({ length: count }, (_, n) => n);
    const done = await ctx.map('square', items, (n) => n * n, { onError: 'collect' });
    let sum = 0;
    for (const one of done) sum += one.status === 'completed' ? one.value : 0;
    return { completed: done.completed, sum };
  },
});
