/** Way 3: small transitions, each of which may be repeated. For APIs that say "be in this state" instead of "do this". */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { advance } from './server.ts';

export const chargeByStates = defineWorkflow({
  name: 'charge-by-states',
  input: z.object({ ledger: z.string(), order: z.string(), cents: z.int().positive() }),
  state: z.object({ payment: z.enum(['none', 'reserved', 'captured']).default('none') }),
  async run(ctx, { ledger, ...payment }) {
    // The handler asks the state where it is, so it does not matter how often it is called.
    if (ctx.state.payment === 'none') {
      await advance(ledger, payment, 'reserved');
      await ctx.set({ payment: 'reserved' });
    }
    if (ctx.state.payment === 'reserved') {
      await advance(ledger, payment, 'captured');
      await ctx.set({ payment: 'captured' });
    }
    return { payment: ctx.state.payment };
  },
});
