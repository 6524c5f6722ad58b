// Goal: a wrong workflow does not compile. Method: tsc over lines that must be errors; nothing of this is called.
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow } from 'pawl';
import type { Pawl } from 'pawl';

const order = defineWorkflow({
  name: 'order',
  input: z.object({ sku: z.string(), count: z.number().default(1) }),
  state: z.object({ paid: z.boolean().default(false), total: z.number().default(0) }),
  events: { paid: z.object({ amount: z.number() }) },
  reduce: { paid: (state, { amount }) => ({ ...state, paid: true, total: state.total + amount }) },
  signals: { approved: z.object({ by: z.string() }), note: z.string() },
  async run(ctx, { sku, count }) {
    expectTypeOf(sku).toEqualTypeOf<string>();
    expectTypeOf(count).toEqualTypeOf<number>();
    expectTypeOf(ctx.state.paid).toEqualTypeOf<boolean>();
    // @ts-expect-error -- no such event
    await ctx.emit('refunded', { amount: 1 });
    // @ts-expect-error -- amount is a number
    await ctx.emit('paid', { amount: '1' });
    // @ts-expect-error -- no such field
    await ctx.set({ unknown: 1 });
    // @ts-expect-error -- paid is a boolean
    await ctx.set({ paid: 'yes' });
    // @ts-expect-error -- the state is read-only
    ctx.state.paid = true;
    // @ts-expect-error -- no such signal
    await ctx.waitFor('rejected');
    // @ts-expect-error -- not a length of time
    await ctx.sleep('three days');
    const answer = await ctx.waitFor('approved', { timeout: '3d' });
    expectTypeOf(answer).toEqualTypeOf<{ by: string } | undefined>();
    const first = await ctx.waitForAny(['approved', 'note']);
    if (first?.name === 'note') expectTypeOf(first.payload).toEqualTypeOf<string>();
    const lengths = await ctx.map('lengths', ['a', 'b'], (item) => item.length);
    expectTypeOf(lengths).toEqualTypeOf<number[]>();
    // @ts-expect-error -- a doubt policy is needed
    await ctx.effect('charge', () => 1, {});
    return ctx.step('total', () => ctx.state.total);
  },
});

export async function compiled(pawl: Pawl): Promise<void> {
  const run = await pawl.start(order, { sku: 'x' });
  expectTypeOf(run.result()).resolves.toEqualTypeOf<number>();
  // @ts-expect-error -- sku is missing
  await pawl.start(order, { count: 1 });
  // @ts-expect-error -- by is missing
  await run.signal('approved', {});
  // @ts-expect-error -- no such signal
  await run.signal('rejected', {});
  const parent = defineWorkflow({
    name: 'parent',
    async run(ctx) {
      const child = await ctx.start(order, { sku: 'x' });
      expectTypeOf(child.result()).resolves.toEqualTypeOf<number>();
      // @ts-expect-error -- sku is missing
      await ctx.start(order, {});
      // @ts-expect-error -- this workflow has no events
      await ctx.emit('anything', {});
    },
  });
  await pawl.start(parent, undefined);
  defineWorkflow({
    name: 'wrong-reducer',
    state: z.object({ n: z.number().default(0) }),
    events: { add: z.object({ n: z.number() }) },
    // @ts-expect-error -- the state's n is a number
    reduce: { add: () => ({ n: 'one' }) },
    run: () => undefined,
  });
}

test('the lines above compile, and only as they should', () => {
  expect(order.name).toBe('order');
});
