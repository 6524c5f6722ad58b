// Goal: who reads the events of a run sees values, never the bytes that values travel in.
import { expect, test } from 'vitest';
import { type Context, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';
import { allEvents } from '../../support/workers.ts';

const signals = { one: z.object({ n: z.number() }), two: z.string() };
const bytes = Uint8Array.of(1, 2, 3);

const kid = defineWorkflow({ name: 'kid', input: z.number(), run: (_ctx, n) => ({ kid: n }) });
const parent = defineWorkflow({
  name: 'parent',
  signals,
  async run(ctx: Context<never, Record<never, never>, typeof signals>) {
    await ctx.waitFor('one');
    await ctx.waitForAny(['one', 'two'], { as: 'any' });
    await ctx.waitForAll(['one', 'two'], { as: 'all' });
    await (await ctx.start(kid, 7)).result();
    await ctx.step('bytes', () => bytes);
    await ctx.step('pair', () => ['one', bytes]);
    await ctx.step('outer', (step) => step.step('inner', () => [bytes]));
  },
});

test('waits and children are shown by what ended them', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [parent, kid] });
  const run = await pawl.start(parent, undefined);
  for (const n of [1, 2, 3]) await run.signal('one', { n });
  await run.signal('two', 'text');
  await run.result();
  const results = (await allEvents(run)).flatMap(({ type, data }) => {
    const { name, result } = data as { name: string; result: unknown };
    return type === 'step.completed' && !name.startsWith('start:') ? [result] : [];
  });
  expect(results).toEqual([
    ['one', { n: 1 }],
    ['one', { n: 2 }],
    [
      ['one', { n: 3 }],
      ['two', 'text'],
    ],
    { kid: 7 },
    // Bytes that are a result of the workflow's own stay what they are.
    bytes,
    ['one', bytes],
    [bytes],
    [bytes],
  ]);
});
