/** An album: one child run for each photo, three at a time, and what has failed is told. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const photo = defineWorkflow({
  name: 'photo',
  input: z.object({ name: z.string() }),
  async run(ctx, { name }) {
    return ctx.step('resize', async () => {
      await pretend(`resize ${name}`, 150);
      if (name === 'photo-7.jpg') throw new Error('the file is broken');
      return `small-${name}`;
    });
  },
});

export const album = defineWorkflow({
  name: 'album',
  input: z.object({ photos: z.int() }),
  async run(ctx, { photos }) {
    const inputs = Array.from({ length: photos }, (_, n) => ({ name: `photo-${n + 1}.jpg` }));
    // Each child is a run of its own: with its log, its retries, and any worker of the fleet to execute it. The album is
    // parked while its children are at work. After a crash it finds those that are over, and goes on with the others.
    const done = await ctx.startAll(photo, inputs, {
      concurrency: 3,
      onError: 'collect',
      id: ({ name }) => `${ctx.run}.${name}`,
    });
    return {
      small: done.completed,
      broken: [...done.failures()].map(({ index }) => inputs[index]?.name),
    };
  },
});
