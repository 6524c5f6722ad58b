/** What the tenants of the trial start: one step that lasts, of which only so many may be at work for each of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';

export const perKey = 4;
export const ofKeys = 10;

export const served = defineWorkflow({
  name: 'served',
  input: z.object({ workMs: z.number() }),
  concurrencyPerKey: perKey,
  concurrencyOfKeys: ofKeys,
  async run(ctx, { workMs }) {
    await ctx.step('work', () => sleep(workMs));
  },
});
