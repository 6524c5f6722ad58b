/** Way 1: the state says which items are done. For batches, where a step for each item would be too much. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { charge } from './server.ts';

export const chargeAll = defineWorkflow({
  name: 'charge-all',
  input: z.object({
    ledger: z.string(),
    orders: z.array(z.object({ order: z.string(), cents: z.int().positive() })),
  }),
  state: z.object({ charged: z.array(z.string()).default([]) }),
  events: { 'order.charged': z.object({ order: z.string() }) },
  reduce: { 'order.charged': (state, { order }) => ({ charged: [...state.charged, order] }) },
  async run(ctx, { ledger, orders }) {
    for (const { order, cents } of orders) {
      if (ctx.state.charged.includes(order)) continue;
      // The set knows what is finished, but not what was at work in the moment of the crash: between the charge and the
      // event that one is in neither. A key closes this gap: it is made of what a repetition has in common.
      await charge(ledger, { order, cents, key: `${ctx.run}:${order}` });
      await ctx.emit('order.charged', { order });
    }
    return { charged: ctx.state.charged.length };
  },
});
