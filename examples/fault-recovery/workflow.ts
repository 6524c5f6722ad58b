/** Cheap work, then an expensive step that depends on somebody else's service, which is down today. */
import { existsSync, readFileSync } from 'node:fs';
import { defineWorkflow, NonRetryableError } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

/** No attempt mends it. What it carries is kept, and comes to whoever reads the run, in any process. */
class LicenceExpired extends NonRetryableError {
  readonly since: string;
  constructor(since: string) {
    super(`the licence has expired ${since}`);
    this.since = since;
  }
}

export const film = defineWorkflow({
  name: 'film',
  // A file stands for the licence server: it is up when the file exists, and the file says how long the licence holds.
  input: z.object({ scenes: z.int().positive(), licenceServer: z.string() }),
  // Troubles of seconds are over by the next attempt. What lasts longer fails the run, and `run.resume()` is for the time
  // when the cause has been removed: hours or days later, by a person or a program.
  stepRetry: { attempts: 2, delay: '50ms' },
  async run(ctx, { scenes, licenceServer }) {
    const models = await ctx.step('build models', async () => {
      await pretend(`build models for ${scenes} scenes`);
      return { polygons: scenes * 1000 };
    });

    // In front of what is expensive and may fail, so that the retry below starts from a snapshot that is right here.
    await ctx.checkpoint({ label: 'before rendering', metadata: models });

    const frames = await ctx.step('render', async () => {
      await pretend('render all frames');
      if (!existsSync(licenceServer)) throw new Error('the licence server does not answer');
      const until = readFileSync(licenceServer, 'utf8');
      if (until.startsWith('until')) throw new LicenceExpired(until.slice('until '.length));
      return scenes * 24;
    });
    return { frames, ...models };
  },
});
