/** What is done to the queues of BullMQ from their page, and bull-board beside it. */
import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Pawl } from '../pawl.ts';
import { problem } from './answers.ts';
import { Board } from './board.ts';
import { type Env, refusal } from './guard.ts';
import type { Settings } from './settings.ts';

const formBytesMax = 16_000;

export function addQueues(app: Hono<Env>, pawl: Pawl, settings: Settings): void {
  app.post('/queues/:workflow/:action', bodyLimit({ maxSize: formBytesMax }), async (c) => {
    const form = await c.req.parseBody();
    const why = refusal(c, settings, form['token']);
    if (why !== undefined) return problem(c, settings, 403, why);
    const { workflow: name, action } = c.req.param();
    // Others would be made by being asked for.
    const isKnown = (await pawl.queues()).some(({ workflow }) => workflow === name);
    if (!isKnown) return problem(c, settings, 404, 'No worker knows this workflow.');
    const done = await act(pawl, { name, action }, c.get('actor'));
    if (done === undefined) return problem(c, settings, 404, 'There is no such action.');
    return c.redirect(`${settings.base}/queues?done=${done}`, 303);
  });
  if (settings.queueBoard) {
    const board = new Board(pawl, settings);
    app.all('/board/*', (c) => board.answer(c));
  }
}

/** What the page says was done; undefined for no action. */
async function act(
  pawl: Pawl,
  { name, action }: { readonly name: string; readonly action: string },
  actor: string,
): Promise<string | undefined> {
  switch (action) {
    case 'pause':
      await pawl.bull.pause({ name }, { actor });
      return 'queue-pause';
    case 'resume':
      await pawl.bull.resume({ name }, { actor });
      return 'queue-resume';
    case 'canary':
      return (await pawl.bull.canary({ name })) === undefined ? 'canary-lost' : 'canary-taken';
    default:
      return undefined;
  }
}
