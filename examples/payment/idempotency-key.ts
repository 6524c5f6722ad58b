/** Way 2: the other side recognises a repetition. The simplest way, wherever an API takes an idempotency key. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { charge } from './server.ts';

export const chargeByKey = defineWorkflow({
  name: 'charge-by-key',
  input: z.object({ ledger: z.string(), order: z.string(), cents: z.int().positive() }),
  async run(ctx, { ledger, order, cents }) {
    // The key follows from the run and the name of the step, so it is the same for every attempt on every worker, and
    // nothing has to be stored first. An API that wants a UUID gets one from `ctx.uuid()`, which is kept with the run.
    const receipt = await ctx.step('charge', ({ idempotencyKey }) =>
      charge(ledger, { order, cents, key: idempotencyKey }),
    );
    return { receipt };
  },
});
