// Goal: what user code has put around a call is there in the body, and what was put around the worker is there in its
// handlers, whatever has led there: a claim, a retry, a wait that has ended, another run. Method: one AsyncLocalStorage.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

const place = new AsyncLocalStorage<string>();

/** Notes where it is at work. */
function witness(): { readonly seen: string[]; readonly at: (what: string) => void } {
  const seen: string[] = [];
  return { seen, at: (what) => void seen.push(`${what}: ${place.getStore()}`) };
}

test('a body sees what its handler has put around it, also in attempts after a pause and after a wait', async () => {
  await using pawl = memoryPawl().pawl;
  const { seen, at } = witness();
  const workflow = defineWorkflow({
    name: 'around',
    signals: { go: z.string() },
    async run(ctx) {
      at('handler');
      await place.run('first', async () => {
        await ctx.step('first', () => at('first'));
        await ctx.step(
          'tried',
          ({ attempt }) => {
            at(`tried ${attempt}`);
            if (attempt === 1) throw new Error('once');
          },
          { retry: { attempts: 2, delay: 5 } },
        );
        await ctx.map('items', [1, 2], (item) => at(`item ${item}`), { concurrency: 1 });
        await ctx.effect('effect', () => at('effect'), { onDoubt: 'ask' });
        await ctx.waitFor('go', {
          match: (payload) => {
            at('match');
            return payload === 'yes';
          },
        });
        at('after the wait');
        await ctx.step('second', (step) => {
          at('second');
          return step.step('inner', () => at('inner'));
        });
      });
      at('handler again');
    },
  });
  place.run('worker', () => pawl.worker({ workflows: [workflow] }));
  const run = await place.run('caller', () => pawl.start(workflow));
  // The handler is called once more when the signal has come: parked, then replayed on another turn.
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await place.run('sender', () => run.signal('go', 'yes'));
  await place.run('reader', () => run.result());
  expect(new Set(seen)).toEqual(
    new Set([
      'handler: worker',
      'first: first',
      'tried 1: first',
      'tried 2: first',
      'item 1: first',
      'item 2: first',
      'effect: first',
      'match: first',
      'after the wait: first',
      'second: first',
      'inner: first',
      'handler again: worker',
    ]),
  );
  expect(seen.filter((one) => one.startsWith('handler:'))).toHaveLength(2);
});

test('a handler sees what is around its worker, and nothing of the run that has started it', async () => {
  await using pawl = memoryPawl().pawl;
  const { seen, at } = witness();
  const child = defineWorkflow({
    name: 'child',
    async run(ctx) {
      at('child');
      await ctx.step('body', () => at('body of the child'));
    },
  });
  const parent = defineWorkflow({
    name: 'parent',
    run: (ctx) => place.run('parent', async () => (await ctx.start(child)).result()),
  });
  const graph = defineGraph({
    name: 'nodes',
    start: 'one',
    nodes: { one: () => at('one'), two: () => at('two') },
    edges: { one: 'two' },
  });
  place.run('worker', () => pawl.worker({ workflows: [child, parent, graph] }));
  await place.run('caller', async () => (await pawl.start(parent)).result());
  await place.run('caller', async () => (await pawl.start(graph)).result());
  expect(seen).toEqual([
    'child: worker',
    'body of the child: worker',
    'one: worker',
    'two: worker',
  ]);
});

test('what is undone when a run is cancelled is undone where it was registered', async () => {
  await using pawl = memoryPawl().pawl;
  const { seen, at } = witness();
  const workflow = defineWorkflow({
    name: 'undone',
    signals: { go: z.null() },
    async run(ctx) {
      place.run('order', () => ctx.onCancel(() => at('undo')));
      await ctx.waitFor('go');
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await run.cancel();
  await run.result().catch(() => undefined);
  await pause(0);
  expect(seen).toEqual(['undo: order']);
});
