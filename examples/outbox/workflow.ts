/** An order that is packed; after its end, whatever that is, the database gets a receipt. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { Shop } from './shop.ts';

export const order = defineWorkflow({
  name: 'order',
  input: z.object({ cents: z.int(), folder: z.string() }),
  async run(ctx, { cents, folder }) {
    await ctx.step('pack', () => console.log(`pack ${ctx.run}`));
    return { cents, folder };
  },
  // A run of its own, after the end of the order's run. It is called at least once, so what it does bears a repetition:
  // the receipt has the id of the order as its key.
  async onEnd(ctx, end) {
    if (end.status !== 'completed') return;
    const { cents, folder } = end.output;
    await ctx.step('receipt', async () => {
      await new Shop(folder).receipt(end.run, `${cents} cents`);
      console.log(`receipt for ${end.run}`);
    });
  },
});
