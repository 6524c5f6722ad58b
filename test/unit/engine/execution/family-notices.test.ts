// Goal: what a child owes its parent is owed until it is in the parent's log, and not a moment less. Method: a store in
// memory that notes the order of what is asked of it.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import type { CommitOutcome, CommitParams } from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';

test('a child is told of only when its end is in the log of its parent', async () => {
  const order: string[] = [];
  class WatchedStore extends MemoryRunStore {
    override async parentNotified(id: string, seen: { readonly fence: number }): Promise<void> {
      order.push('told');
      return super.parentNotified(id, seen);
    }

    override async commit(params: CommitParams): Promise<CommitOutcome> {
      const outcome = await super.commit(params);
      if (params.events.some(({ type }) => type === 'child.ended')) order.push('in the log');
      return outcome;
    }
  }
  await using pawl = memoryPawl({ store: new WatchedStore() }).pawl;
  const child = defineWorkflow({
    name: 'child',
    signals: { go: z.string() },
    run: (ctx) => ctx.waitFor('go'),
  });
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(child, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, child] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await pawl.run('p.child').signal('go', 'well');
  expect(await run.result({ timeoutMs: 20_000 })).toBe('well');
  await expect.poll(() => order).toContain('told');
  expect(order[0]).toBe('in the log');
});
