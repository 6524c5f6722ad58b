// Goal: a wrong graph does not compile, or is refused when it is defined. Method: tsc over lines that must be errors.
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineGraph } from 'pawl';
import type { Pawl } from 'pawl';
import { z } from 'zod';

const state = z.object({ n: z.number().default(0), notes: z.array(z.string()).default([]) });
const input = z.object({ goal: z.string() });

/** Definitions that only have to compile, or must not: nothing of this is called. */
async function compiled(pawl: Pawl): Promise<unknown[]> {
  const good = defineGraph({
    name: 'good',
    input,
    state,
    args: { read: z.object({ url: z.string(), depth: z.int().default(1) }) },
    signals: { ok: z.object({ by: z.string() }) },
    start: 'plan',
    nodes: {
      plan: async (ctx) => {
        expectTypeOf(ctx.state.notes).toEqualTypeOf<readonly string[]>();
        expectTypeOf(ctx.input).toEqualTypeOf<{ goal: string }>();
        expectTypeOf(ctx.args).toEqualTypeOf<undefined>();
        const ok = await ctx.waitFor('ok');
        expectTypeOf(ok).toEqualTypeOf<{ by: string } | undefined>();
        // @ts-expect-error -- no such signal
        await ctx.waitFor('no');
        return { set: { n: 1 }, goto: ['search', { node: 'read', args: { url: ctx.input.goal } }] };
      },
      search: { run: (ctx) => ({ result: ctx.visit }), retry: { attempts: 2 }, timeout: '3s' },
      read: (ctx, args) => {
        expectTypeOf(args).toEqualTypeOf<{ url: string; depth: number }>();
        expectTypeOf(ctx.args).toEqualTypeOf<{ url: string; depth: number }>();
      },
      join: async () => Promise.resolve(),
    },
    edges: {
      search: 'join',
      read: 'join',
      join: { to: ['plan', 'end'], when: (s) => (s.n > 3 ? 'end' : 'plan') },
    },
    merge: { notes: (current, update) => [...current, ...update] },
    output: ({ notes }) => notes.length,
  });
  const run = await pawl.start(good, { goal: 'x' });
  expectTypeOf(await run.result()).toEqualTypeOf<number>();
  await run.signal('ok', { by: 'me' });
  // @ts-expect-error -- the input has a goal
  await pawl.start(good, { gaol: 'x' });
  const byDefault = defineGraph({ name: 'd', state, start: 'a', nodes: { a: () => ({}) } });
  const other = await pawl.start(byDefault, undefined);
  expectTypeOf(await other.result()).toEqualTypeOf<{ n: number; notes: string[] }>();

  return [
    good,
    // @ts-expect-error -- no such node to go to
    defineGraph({ name: 'x', state, start: 'a', nodes: { a: () => ({ goto: 'b' }) } }),
    // @ts-expect-error -- no such node among several
    defineGraph({ name: 'x', state, start: 'a', nodes: { a: async () => ({ goto: ['a', 'b'] }) } }),
    // @ts-expect-error -- the schema says number
    defineGraph({ name: 'x', state, start: 'a', nodes: { a: () => ({ set: { n: '1' } }) } }),
    defineGraph({
      name: 'x',
      state,
      start: 'a',
      // @ts-expect-error -- also in a node with options
      nodes: { a: { run: () => ({ set: { n: '1' } }) } },
    }),
    // @ts-expect-error -- no such first node
    defineGraph({ name: 'x', state, start: 'b', nodes: { a: () => ({}) } }),
    defineGraph({
      name: 'x',
      state,
      start: 'a',
      nodes: { a: () => ({}) },
      // @ts-expect-error -- no such target
      edges: { a: 'b' },
    }),
    defineGraph({
      name: 'x',
      state,
      start: 'a',
      nodes: { a: () => ({}) },
      // @ts-expect-error -- no such node to come from
      edges: { b: 'a' },
    }),
    defineGraph({
      name: 'x',
      state,
      start: 'a',
      nodes: { a: () => ({}) },
      // @ts-expect-error -- a condition with an unknown target
      edges: { a: (s) => (s.n > 1 ? 'b' : 'end') },
    }),
    defineGraph({
      name: 'x',
      state,
      args: { b: z.int() },
      start: 'a',
      // @ts-expect-error -- b takes a number
      nodes: { a: () => ({ goto: { node: 'b', args: 'one' } }), b: () => ({}) },
    }),
    defineGraph({
      name: 'x',
      state,
      args: { b: z.int() },
      start: 'a',
      // @ts-expect-error -- b needs arguments
      nodes: { a: () => ({ goto: 'b' }), b: () => ({}) },
    }),
    defineGraph({
      name: 'x',
      state,
      start: 'a',
      nodes: { a: () => ({}) },
      // @ts-expect-error -- no such node
      cycles: { nodes: { b: 3 } },
    }),
    defineGraph({
      name: 'x',
      state,
      start: 'a',
      nodes: { a: () => ({}) },
      // @ts-expect-error -- notes are texts
      merge: { notes: () => [1] },
    }),
  ];
}

describe('definitions', () => {
  test('what must not compile does not', () => {
    // The compiler has judged; at run time there is nothing more to see.
    expect(compiled).toBeTypeOf('function');
  });

  test.each([
    [{ start: 'b' }, /start names "b"/],
    [{ edges: { b: 'a' } }, /edges names "b"/],
    [{ edges: { a: 'b' } }, /a way out of node a names "b"/],
    [{ edges: { a: { to: ['b'], when: () => 'b' } } }, /names "b"/],
    [{ args: { a: z.int() } }, /first node has nobody/],
    [{ cycles: { limit: 0 } }, /whole number from 1, it is 0/],
    [{ nodes: { a: { run: 1 } } }, /nodes\.a\.run must be a function, it is 1/],
    [{ nodes: { a: () => ({}), end: () => ({}) } }, /"end" is the end/],
    [{ nodes: { a: () => ({}), 'a b': () => ({}) } }, /node id/],
    [{ name: 'x y' }, /workflow name/],
  ])('%#: a wrong one is refused when it is defined', (mistake: object, message) => {
    const definition = { name: 'x', start: 'a', nodes: { a: () => ({}) }, ...mistake };
    expect(() => defineGraph(definition as never)).toThrow(message);
  });
});
