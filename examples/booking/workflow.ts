/**
 * A trip is paid, then a flight and a hotel are booked. When that cannot be done, everything is undone, what came last
 * first: the hotel, the flight, the money. Each undo is a step, so a worker that dies in the middle leaves what is left.
 */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';
import { book, cancel, charge, refund } from './agency.ts';

export const trip = defineWorkflow({
  name: 'trip',
  input: z.object({ ledger: z.string(), cents: z.int().positive() }),
  state: z.object({ status: z.enum(['new', 'paid', 'booked', 'refunded']).default('new') }),
  async run(ctx, { ledger, cents }) {
    // Nobody knows whether a payment took place whose worker died: the ledger is asked, before it is made or undone.
    await ctx.effect(
      'pay',
      async (step) => {
        const receipt = await charge(ledger, cents);
        step.set({ status: 'paid' });
        return receipt;
      },
      {
        onDoubt: 'retry',
        undo: async (receipt, undo) => {
          await refund(ledger, cents, receipt);
          undo.set({ status: 'refunded' });
        },
      },
    );
    await ctx.map('book', ['flight', 'hotel'], (what) => book(ledger, what), {
      concurrency: 1,
      // Tried again by itself; for good, it waits for a person: `run.decide('book:1 ›› undo', { decide: 'retry' })`.
      undo: { run: (what) => cancel(ledger, what), retry: { attempts: 3, delay: 50 } },
    });
    await ctx.step('reserve the car', async () => {
      await pretend('ask for a car');
      throw new Error('no car is left');
    });
  },
});
