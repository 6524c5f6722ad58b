/** Cheap work, then an expensive step that depends on somebody else's service, which is down today. */
import { existsSync } from 'node:fs';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const film = defineWorkflow({
  name: 'film',
  // A file stands for the licence server: it is up when the file exists.
  input: z.object({ scenes: z.int().positive(), licenceServer: z.string() }),
  async run(ctx, { scenes, licenceServer }) {
    const models = await ctx.step('build models', async () => {
      await pretend(`build models for ${scenes} scenes`);
      return { polygons: scenes * 1000 };
    });

    // In front of what is expensive and may fail, so that the retry below starts from a snapshot that is right here.
    await ctx.checkpoint({ label: 'before rendering', metadata: models });

    const frames = await ctx.step(
      'render',
      async () => {
        await pretend('render all frames');
        if (!existsSync(licenceServer)) throw new Error('the licence server does not answer');
        return scenes * 24;
      },
      // Troubles of seconds are over by the next attempt. What lasts longer fails the run, and `run.resume()` is for the
      // time when the cause has been removed: hours or days later, by a person or a program.
      { retry: { attempts: 2, delay: 50 } },
    );
    return { frames, ...models };
  },
});
