/** A report in three steps, with a checkpoint after the expensive one. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const report = defineWorkflow({
  name: 'report',
  input: z.object({ topic: z.string() }),
  async run(ctx, { topic }) {
    // The result of a step is stored under its name when the step ends. After a crash this function is called again from
    // its first line; a finished step then returns what is stored, and its body is not run.
    const pages = await ctx.step('fetch', async () => {
      await pretend(`fetch pages about ${topic}`);
      return ['history', 'mechanics', 'uses'];
    });

    // Nothing would be lost without this line: the step is durable already. A checkpoint saves a snapshot right here and
    // puts a mark with your words into the log, for people and for tools.
    await ctx.checkpoint({ label: 'pages fetched', metadata: { pages: pages.length } });

    const summary = await ctx.step('summarise', async () => {
      await pretend('summarise the pages');
      return `${topic}: ${pages.join(', ')}`;
    });
    await ctx.step('publish', () => pretend('publish the summary'));
    return { summary };
  },
});
