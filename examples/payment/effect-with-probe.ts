/** When the other side knows no keys: the beginning is stored before the call, and after a crash somebody is asked. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { charge, entriesOf } from './server.ts';

export const chargeAndProbe = defineWorkflow({
  name: 'charge-and-probe',
  input: z.object({ ledger: z.string(), order: z.string(), cents: z.int().positive() }),
  async run(ctx, { ledger, order, cents }) {
    const receipt = await ctx.effect('charge', () => charge(ledger, { order, cents }), {
      // Called only when a worker died between the beginning and the result. 'ask' would wait for a person
      // (`run.decide`), 'retry' and 'skip' decide beforehand.
      async onDoubt() {
        const found = (await entriesOf(ledger)).find((entry) => entry.order === order);
        console.log(found ? `probe: ${order} is paid` : `probe: ${order} is not paid`);
        return found ? { happened: true, result: found.receipt } : { happened: false };
      },
    });
    return { receipt };
  },
});
