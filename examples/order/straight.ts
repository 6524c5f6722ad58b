/**
 * The same order, from top to bottom. Each step brings its change of the state in the commit of its result. The changes
 * between the steps are asked for again by every resume, and are not written again: an order that is shipped stays so.
 */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const straightOrder = defineWorkflow({
  name: 'straight-order',
  input: z.object({ id: z.string(), cents: z.int().positive() }),
  state: z.object({
    status: z.enum(['new', 'paying', 'paid', 'packing', 'shipped']).default('new'),
    payment: z.string().default(''),
  }),
  async run(ctx, { id, cents }) {
    await ctx.set({ status: 'paying' });
    await ctx.step('charge', async (step) => {
      await pretend(`charge ${cents} cents for ${id}`);
      step.set({ status: 'paid', payment: `pay-${step.idempotencyKey.slice(0, 8)}` });
    });
    await ctx.set({ status: 'packing' });
    await ctx.step('ship', async (step) => {
      await pretend(`ship ${id}`);
      step.set({ status: 'shipped' });
    });
    await ctx.step('tell the customer', () => pretend(`tell the customer of ${id}`));
    return { status: ctx.state.status, payment: ctx.state.payment };
  },
});
