/** An answer that is streamed word by word, as a language model gives it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

/** Stands for the tokens of a model. */
const words =
  'A pawl is the catch that lets a ratchet turn forward and never slip back so a run keeps what it has done'.split(
    ' ',
  );

export const answer = defineWorkflow({
  name: 'answer',
  input: z.object({ question: z.string() }),
  outputs: { default: z.string() },
  async run(ctx, { question }) {
    await ctx.step('look up', () => pretend(`look up: ${question}`, 100));
    return ctx.step('answer', async (step) => {
      for (const [i, word] of words.entries()) {
        // Readers see each word at once. Nobody waits: the step completes when all of them are stored.
        void step.write(`${word} `);
        console.log(`word ${i + 1}`);
        await sleep(40);
      }
      return { words: words.length };
    });
  },
});
