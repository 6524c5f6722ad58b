/** What the workers do. A step that has finished does not run again, whatever dies. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';

export const order = defineWorkflow({
  name: 'order',
  version: Number(process.env.APP_VERSION ?? 1),
  input: z.object({ item: z.string(), parts: z.number().int().positive() }),
  run: async (ctx, { item, parts }) => {
    await ctx.step('charge', (step) => step.idempotencyKey);
    for (let part = 1; part <= parts; part++) {
      await ctx.step(`pack:${part}`, () => pause(200));
    }
    return { item, parts, version: Number(process.env.APP_VERSION ?? 1) };
  },
});
