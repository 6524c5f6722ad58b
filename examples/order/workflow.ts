/**
 * An order as a state machine. The handler asks the state what comes next, so it can be called in any state:
 *
 *   new ──validate──▶ validated ──charge──▶ paid ──ship──▶ shipped
 */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const order = defineWorkflow({
  name: 'order',
  input: z.object({ id: z.string(), cents: z.int().positive() }),
  state: z.object({
    status: z.enum(['new', 'validated', 'paid', 'shipped']).default('new'),
    payment: z.string().default(''),
  }),
  events: {
    'order.validated': z.object({}),
    'order.paid': z.object({ payment: z.string() }),
    'order.shipped': z.object({}),
  },
  // The only place where an order changes. The types of the events are the transitions that exist.
  reduce: {
    'order.validated': (state) => ({ ...state, status: 'validated' as const }),
    'order.paid': (state, { payment }) => ({ ...state, payment, status: 'paid' as const }),
    'order.shipped': (state) => ({ ...state, status: 'shipped' as const }),
  },
  async run(ctx, { id, cents }) {
    for (;;) {
      switch (ctx.state.status) {
        case 'new':
          // The event travels in the commit that stores the end of the step: either both are stored or neither is, so
          // the order is never "charged, but not paid".
          await ctx.step('validate', async (step) => {
            await pretend(`validate ${id}`);
            step.emit('order.validated', {});
          });
          break;
        case 'validated':
          await ctx.step('charge', async (step) => {
            await pretend(`charge ${cents} cents for ${id}`);
            step.emit('order.paid', { payment: `pay-${step.idempotencyKey.slice(0, 8)}` });
          });
          break;
        case 'paid':
          await ctx.step('ship', async (step) => {
            await pretend(`ship ${id}`);
            step.emit('order.shipped', {});
          });
          break;
        case 'shipped':
          return { status: ctx.state.status, payment: ctx.state.payment };
      }
      await ctx.checkpoint({ label: ctx.state.status, metadata: { order: id } });
    }
  },
});
