// Goal: limits that were raised hold for whatever carries a value that has one. Method: 2 MB, twice what a commit gathers.
import { describe, expect, test } from 'vitest';
import { type Context, defineGraph, defineWorkflow, type Pawl } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';
import { allEvents } from '../../support/workers.ts';

const most = 16 * 1024 * 1024;
const limits = { inputBytes: most, eventBytes: most, outputBytes: most, stateBytes: 4 * most };
const size = 2_000_000;
const large = 'x'.repeat(size);
const text = z.string();

const kid = defineWorkflow({ name: 'kid', run: () => large });
const signals = { one: text, two: text };
type Waiting = Context<never, Record<never, never>, typeof signals>;

/** Runs a workflow to its end and returns what came of it. */
const ways: Readonly<Record<string, (pawl: Pawl) => Promise<unknown>>> = {
  'the result of a step': async (pawl) => {
    const workflow = defineWorkflow({
      name: 'step',
      run: async (ctx) => (await ctx.step('a', () => large)).length,
    });
    pawl.worker({ workflows: [workflow] });
    return (await pawl.start(workflow, undefined)).result();
  },
  'the output of a child': async (pawl) => {
    const workflow = defineWorkflow({
      name: 'parent',
      run: async (ctx) => (await (await ctx.start(kid, undefined)).result()).length,
    });
    pawl.worker({ workflows: [workflow, kid] });
    return (await pawl.start(workflow, undefined)).result();
  },
  signals: async (pawl) => {
    const workflow = defineWorkflow({
      name: 'signals',
      signals,
      async run(ctx: Waiting) {
        const first = await ctx.waitFor('one');
        const both = await ctx.waitForAll(['one', 'two'], { as: 'both' });
        return Math.min(first?.length ?? 0, both?.one.length ?? 0, both?.two.length ?? 0);
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    for (const name of ['one', 'one', 'two'] as const) await run.signal(name, large);
    const result = await run.result();
    expect((await allEvents(run)).at(-1)?.type).toBe('run.completed');
    return result;
  },
  'an event, a field of the state, and a checkpoint': async (pawl) => {
    const workflow = defineWorkflow({
      name: 'events',
      state: z.object({ a: text.default(''), b: text.default('') }),
      events: { came: text },
      reduce: { came: (state, a) => ({ ...state, a }) },
      async run(ctx) {
        await ctx.emit('came', large);
        await ctx.set({ b: large });
        await ctx.checkpoint({ metadata: large });
        return Math.min(ctx.state.a.length, ctx.state.b.length);
      },
    });
    pawl.worker({ workflows: [workflow] });
    return (await pawl.start(workflow, undefined)).result();
  },
  'a node of a graph': async (pawl) => {
    const workflow = defineGraph({
      name: 'graph',
      state: z.object({ a: text.default('') }),
      start: 'one',
      nodes: { one: () => ({ set: { a: large } }) },
      output: ({ a }) => a.length,
    });
    pawl.worker({ workflows: [workflow] });
    return (await pawl.start(workflow, undefined)).result();
  },
  'an edited fork': async (pawl) => {
    const workflow = defineWorkflow({
      name: 'forked',
      state: z.object({ a: text.default('') }),
      run: (ctx) => ctx.state.a.length,
    });
    pawl.worker({ workflows: [workflow] });
    await (await pawl.start(workflow, undefined, { id: 'r' })).result();
    return (await pawl.fork(workflow, 'r', { seq: 2 }, { state: { a: large } })).result();
  },
  'an event of a loop of one’s own': async (pawl) => {
    const claim = await pawl.checkpointer.claim('loop', { worker: 'w' });
    const seq = await claim.saveEvent({ type: 'came', data: large });
    for await (const event of pawl.run(claim.run).events({ after: seq - 1 })) {
      return (event.data as string).length;
    }
  },
};

describe('a value of 2 MB goes through', () => {
  test.each(Object.entries(ways))('%s', async (_, way) => {
    await using pawl = memoryPawl({ limits }).pawl;
    expect(await way(pawl)).toBe(size);
  });
});

test('without raised limits it is refused, by name and with the limit', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const run = ways['the result of a step']?.(pawl);
  await expect(run).rejects.toThrow(/result of step a .*the limit is 262144/);
});
