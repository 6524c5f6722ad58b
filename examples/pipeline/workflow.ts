/** Extract, transform, load. Each item is a durable result of its own, so a crash costs the items at work, not the stage. */
import { defineWorkflow, NonRetryableError } from 'pawl';
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

    // One step for each item, named transform:0, transform:1 …, two at a time. A file that is broken fails no other: the
    // results say how each item has ended, in the order of the items.
    const done = await ctx.map(
      'transform',
      files,
      async (file) => {
        await pretend(`transform ${file}`, 200);
        if (file === 'page-4.pdf') throw new NonRetryableError(`${file} is no PDF`);
        return { file, words: file.length * 10 };
      },
      { concurrency: 2, onError: 'collect', retry: { attempts: 3 }, timeout: '30s' },
    );
    const texts = [...done].flatMap((one) => (one.status === 'completed' ? [one.value] : []));
    const broken = [...done.failures()].map(({ index }) => files[index]);
    await ctx.checkpoint({ label: 'transformed', metadata: { texts: texts.length } });

    // Writes by key (here: the name of the file) may be repeated: the second time changes nothing.
    const loaded = await ctx.step('load', async () => {
      await pretend(`load ${texts.length} texts`);
      return new Map(texts.map(({ file, words }) => [file, words]));
    });
    const words = [...loaded.values()].reduce((sum, n) => sum + n, 0);
    return { files: loaded.size, words, broken };
  },
});
