/** Extract, transform, load. Each item is a durable result of its own, so a crash costs the items at work, not the stage. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const pipeline = defineWorkflow({
  name: 'pipeline',
  input: z.object({ pages: z.int().positive() }),
  async run(ctx, { pages }) {
    // Hand references from stage to stage (ids, file names, URLs), not the data: results live in Redis' memory.
    const files = await ctx.step('extract', async () => {
      await pretend('extract the list of files');
      return Array.from({ length: pages }, (_, i) => `page-${i + 1}.pdf`);
    });
    await ctx.checkpoint({ label: 'extracted', metadata: { files: files.length } });

    // One step for each item, named transform:0, transform:1 …, two at a time; results in the order of the items.
    const texts = await ctx.map(
      'transform',
      files,
      async (file) => {
        await pretend(`transform ${file}`, 200);
        return { file, words: file.length * 10 };
      },
      { concurrency: 2, retry: { attempts: 3 }, timeout: '30s' },
    );
    await ctx.checkpoint({ label: 'transformed', metadata: { texts: texts.length } });

    // Writes by key (here: the name of the file) may be repeated: the second time changes nothing.
    const loaded = await ctx.step('load', async () => {
      await pretend(`load ${texts.length} texts`);
      return new Map(texts.map(({ file, words }) => [file, words]));
    });
    return { files: loaded.size, words: [...loaded.values()].reduce((sum, n) => sum + n, 0) };
  },
});
