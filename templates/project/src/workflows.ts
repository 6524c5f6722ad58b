/** The workflows. After a crash, `run` is called again, and steps that have ended return their stored results. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { charge, pack } from './shop.ts';

export const order = defineWorkflow({
  name: 'order',
  // Raise it with each deploy: workers with older code leave the runs of newer code alone.
  version: 1,
  input: z.object({ item: z.string(), parcels: z.number().int().positive() }),
  state: z.object({ packed: z.number().default(0) }),
  async run(ctx, { item, parcels }) {
    // A step may run again when its worker dies in the middle of it. The key is the same then.
    const payment = await ctx.step('charge', (step) => charge(parcels * 10, step.idempotencyKey), {
      retry: { attempts: 3, delay: '1s' },
    });
    for (let i = 1; i <= parcels; i++) {
      await ctx.step(`pack:${i}`, async (step) => {
        const parcel = await pack(i, step.signal);
        step.set({ packed: i });
        return parcel;
      });
    }
    return { item, payment, packed: ctx.state.packed };
  },
});
