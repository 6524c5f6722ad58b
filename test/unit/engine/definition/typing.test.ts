// Goal: a wrong workflow does not compile. Method: tsc over lines that must be errors; nothing of this is called.
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow } from 'pawl';
import type { Pawl, RunEvent, RunHandle } from 'pawl';

const order = defineWorkflow({
  name: 'order',
  input: z.object({ sku: z.string(), count: z.number().default(1) }),
  state: z.object({
    paid: z.boolean().default(false),
    total: z.number().default(0),
    lines: z.array(z.object({ sku: z.string(), tags: z.set(z.string()) })).default([]),
  }),
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
    // @ts-expect-error -- at any depth
    ctx.state.lines.push({ sku: 'x', tags: new Set() });
    // @ts-expect-error -- also inside of lists
    for (const line of ctx.state.lines) line.sku = 'y';
    // @ts-expect-error -- a set in it has no way to be changed
    ctx.state.lines[0]?.tags.add('z');
    await ctx.set({ lines: [...ctx.state.lines, { sku: 'x', tags: new Set(['new']) }] });
    await ctx.step('mark', (step) => {
      step.set({ paid: true });
      // @ts-expect-error -- no such field
      step.set({ unknown: 1 });
      // @ts-expect-error -- paid is a boolean
      step.set({ paid: 'yes' });
      return step.step('inner', (inner) => inner.set({ total: 1 }));
    });
    // @ts-expect-error -- no such signal
    await ctx.waitFor('rejected');
    // @ts-expect-error -- not a length of time
    await ctx.sleep('three days');
    await ctx.step('book', () => ({ id: 7 }), {
      undo: ({ id }, undo) => {
        expectTypeOf(id).toEqualTypeOf<number>();
        expectTypeOf(undo.because).toEqualTypeOf<'failed' | 'cancelled'>();
        undo.set({ paid: false });
        // @ts-expect-error -- no such field
        undo.set({ unknown: 1 });
      },
    });
    await ctx.effect('pay', () => 'receipt', {
      onDoubt: 'retry',
      undo: {
        run: (receipt) => expectTypeOf(receipt).toEqualTypeOf<string | undefined>(),
        retry: { attempts: 3 },
      },
    });
    await ctx.map('all', [1, 2], (n) => `${n}`, {
      undo: (item, result, undo, index) => {
        expectTypeOf(item).toEqualTypeOf<number>();
        expectTypeOf(result).toEqualTypeOf<string>();
        expectTypeOf(index).toEqualTypeOf<number>();
        undo.set({ paid: false });
      },
    });
    // @ts-expect-error -- a step within a step has no undo of its own
    await ctx.step('outer', (step) => step.step('inner', () => 1, { undo: () => 1 }));
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
  await pawl.start(parent);
  await pawl.start(parent, undefined, { id: 'p' });
  // @ts-expect-error -- an input is needed
  await pawl.start(order);
  const maybe = defineWorkflow({ name: 'maybe', input: z.string().optional(), run: () => 1 });
  await pawl.start(maybe);
  await pawl.start(maybe, 'given', { tags: { a: 'b' } });
  // @ts-expect-error -- a text, or nothing
  await pawl.start(maybe, 1);
  defineWorkflow({
    name: 'starting',
    async run(ctx) {
      await ctx.start(parent);
      await ctx.start(parent, undefined, { as: 'second' });
      await ctx.start(maybe, undefined, { as: 'third' });
      // @ts-expect-error -- an input is needed
      await ctx.start(order);
    },
  });
  for await (const event of run.events()) {
    if (event.type === 'paid') expectTypeOf(event.data).toEqualTypeOf<{ amount: number }>();
    if (event.type === 'step.completed') {
      expectTypeOf(event.data.name).toEqualTypeOf<string>();
      expectTypeOf(event.data.result).toEqualTypeOf<unknown>();
    }
    if (event.type === 'run.claimed') expectTypeOf(event.data.worker).toEqualTypeOf<string>();
    // @ts-expect-error -- no such event
    if (event.type === 'refunded') break;
  }
  for await (const { type, data } of pawl.run('any').events()) {
    expectTypeOf(type).toEqualTypeOf<string>();
    expectTypeOf(data).toEqualTypeOf<unknown>();
  }
  for await (const event of pawl.run(parent, 'p').events()) {
    // @ts-expect-error -- this workflow has no events of its own
    if (event.type === 'paid') break;
  }
  // A handle on a run of a workflow is a handle on a run.
  const any: RunHandle = run;
  expectTypeOf(any.events()).toEqualTypeOf<AsyncGenerator<RunEvent, void, undefined>>();
  defineWorkflow({
    name: 'retrying',
    stepRetry: { attempts: 3, delay: '5s', maxDelay: '1m' },
    run: async (ctx) => {
      // @ts-expect-error -- not a length of time
      await ctx.step('a', () => 1, { retry: { attempts: 2, delay: 'soon' } });
    },
  });
  defineWorkflow({
    name: 'wrong-reducer',
    state: z.object({ n: z.number().default(0) }),
    events: { add: z.object({ n: z.number() }) },
    // @ts-expect-error -- the state's n is a number
    reduce: { add: () => ({ n: 'one' }) },
    run: () => undefined,
  });
}

const chat = defineWorkflow({
  name: 'chat',
  outputs: { default: z.string(), rows: z.object({ n: z.number().default(0) }) },
  run: (ctx) =>
    ctx.step('talk', async (step) => {
      await step.write('a');
      // @ts-expect-error -- chunks of the default output are texts
      await step.write(1);
      await step.output().write('a');
      await step.output('rows').write({});
      await ctx.output('rows').write({ n: 1 });
      // @ts-expect-error -- n is a number
      await ctx.output('rows').write({ n: '1' });
      // @ts-expect-error -- no such output
      step.output('other');
    }),
});

const logging = defineWorkflow({
  name: 'logging',
  outputs: { log: z.string() },
  async run(ctx) {
    await ctx.output('log').write('a line');
    // @ts-expect-error -- this workflow has no default output
    await ctx.output().write('a');
    // @ts-expect-error -- this workflow has no default output
    await ctx.step('talk', (step) => step.write('a'));
  },
});

export async function readBack(pawl: Pawl): Promise<void> {
  const run = await pawl.start(chat, undefined);
  for await (const chunk of run.output()) {
    expectTypeOf(chunk.output).toEqualTypeOf<'default' | 'rows'>();
    if (chunk.output === 'rows') expectTypeOf(chunk.value).toEqualTypeOf<{ n: number }>();
    else expectTypeOf(chunk.value).toEqualTypeOf<string>();
  }
  for await (const { value } of run.output({ name: 'rows' })) {
    expectTypeOf(value).toEqualTypeOf<{ n: number }>();
  }
  // @ts-expect-error -- no such output
  run.output({ name: 'other' });
  for await (const { value } of pawl.run(logging, 'x').output({ name: 'log' })) {
    expectTypeOf(value).toEqualTypeOf<string>();
  }
  // Without declared outputs any name and any chunk will do.
  const free = defineWorkflow({
    name: 'free',
    run: (ctx) => ctx.step('talk', (step) => step.output('any').write({ of: 'kind' })),
  });
  for await (const chunk of (await pawl.start(free, undefined)).output()) {
    expectTypeOf(chunk.value).toEqualTypeOf<unknown>();
  }
  for await (const chunk of pawl.run('x').output()) {
    expectTypeOf(chunk.value).toEqualTypeOf<unknown>();
  }
}

test('the lines above compile, and only as they should', () => {
  expect(order.name).toBe('order');
});
