// Goal: the log of a parent tells of each end of a child once, also when the news come again. Method: the end of a child is
// posted once more, under another id, as it is after Redis has forgotten which messages it has seen.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import type { RunRecord } from '../../../../src/core/run.ts';
import { encodeRecord } from '../../../../src/engine/payloads.ts';
import { endOf } from '../../../../src/engine/runs/family.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const child = defineWorkflow({ name: 'child', run: () => 'well' });

const signals = { end: z.null() };

const parents = {
  start: defineWorkflow({
    name: 'parent',
    signals,
    async run(ctx) {
      const said = await (await ctx.start(child, undefined, { id: 'c' })).result();
      await ctx.waitFor('end');
      return said;
    },
  }),
  startAll: defineWorkflow({
    name: 'parent',
    signals,
    async run(ctx) {
      const [said] = await ctx.startAll(child, [undefined], { id: () => 'c' });
      await ctx.waitFor('end');
      return said;
    },
  }),
};

test.each(['start', 'startAll'] as const)('%s: an end is in the log once', async (how) => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const parent = parents[how];
  pawl.worker({ workflows: [parent, child] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect
    .poll(async () => (await run.info()).waits.map(({ kind }) => kind))
    .toEqual(['signal']);
  const record = (await store.record('c')) as RunRecord;
  const data = encodeRecord(endOf({ run: 'c', birth: record.birth }, record));
  const posted = await store.post({ run: 'p', id: 'again', kind: 'child', name: 'c', data });
  expect(posted.outcome).toBe('posted');
  await run.signal('end', null);
  expect(await run.result({ timeoutMs: 20_000 })).toBe('well');
  expect((await store.readInbox('p')).messages).toEqual([]);
  const ends = (await allEvents(run)).filter(({ type }) => type === 'child.ended');
  expect(ends).toHaveLength(1);
});
