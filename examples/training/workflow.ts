/**
 * A training loop that is saved every few epochs. Here an epoch is not a step: its weights are large, and writing them
 * each time would cost more than the epoch. So a crash costs the epochs since the last checkpoint, and nothing before it.
 */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const training = defineWorkflow({
  name: 'training',
  // A team has one machine to train on. A run keeps its turn when its worker dies.
  concurrencyPerKey: 1,
  input: z.object({ epochs: z.int().positive(), every: z.int().positive() }),
  state: z.object({ epoch: z.int().default(0), weights: z.array(z.number()).default([1, -2, 3]) }),
  async run(ctx, { epochs, every }) {
    // After a resume this is what the last checkpoint held, and the loop begins after it.
    let { weights } = ctx.state;
    for (let epoch = ctx.state.epoch + 1; epoch <= epochs; epoch++) {
      weights = await trainOneEpoch(epoch, weights);
      ctx.progress(epoch / epochs, `loss ${lossOf(weights)}`);
      if (epoch % every !== 0 && epoch !== epochs) continue;
      // One write: the number of the epoch and its weights cannot disagree.
      await ctx.set({ epoch, weights });
      await ctx.checkpoint({ label: `epoch ${epoch}`, metadata: { loss: lossOf(weights) } });
    }
    return { epochs, loss: lossOf(weights) };
  },
});

/**
 * Depends on nothing but what it is given, so an epoch that runs again gives the same weights. Where chance is needed,
 * derive the seed from the number of the epoch, or keep the generator's state beside the weights.
 */
async function trainOneEpoch(epoch: number, weights: readonly number[]): Promise<number[]> {
  await pretend(`train epoch ${epoch}`, 150);
  return weights.map((weight) => weight * 0.8);
}

function lossOf(weights: readonly number[]): number {
  const loss = weights.reduce((sum, weight) => sum + weight * weight, 0);
  return Math.round(loss * 1000) / 1000;
}
