// Goal: a state is what its schema says, at every place where it is looked at, and no run has a part of another one's.
import { randomUUID } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import * as z3 from 'zod/v3';
import type { Schema } from '../../../../src/core/schema.ts';
import { freshState } from '../../../../src/engine/definition/state-schema.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

type StateSchema = Schema<unknown, object>;
const define = (state: StateSchema) => defineWorkflow({ name: 'w', state, run: () => null });

/** A schema of no library. */
function schemaOf(make: (given: Record<string, unknown>) => unknown): StateSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'own',
      validate: (given) => ({ value: make(given as never) as object }),
    },
  };
}

const euros = z.number().default(0);
const tree: z.ZodType = z.lazy(() => z.object({ kids: z.array(tree).default([]) }));
const self: z.ZodType = z.lazy(() => z.object({ n: euros, self: self.optional() }));

describe('a schema that changes its own output is refused, with what to do instead', () => {
  test.each<readonly [string, unknown, RegExp]>([
    ['a transform', z.object({ a: euros.transform((v) => v * 100) }), /state\.a has a transform/],
    [
      'one deep inside',
      z.object({ a: z.array(z.object({ b: euros.transform(String) })).default([]) }),
      /state\.a\.b has/,
    ],
    [
      'in a union',
      z.object({ a: z.union([z.null(), euros.transform((v) => v)]).default(null) }),
      /has a transform/,
    ],
    [
      'in a map',
      z.object({ a: z.map(z.string(), euros.transform(String)).default(new Map()) }),
      /has a transform/,
    ],
    ['of the whole', z.object({ a: euros }).transform((v) => v), /state has a transform/],
    [
      'behind a lazy',
      z.object({ a: z.lazy(() => euros.transform(String)).optional() }),
      /has a transform/,
    ],
    ['a preprocess', z.object({ a: z.preprocess((v) => Number(v) + 1, euros) }), /has a transform/],
    [
      'a pipe to a transform',
      z.object({ a: euros.pipe(z.transform((v) => v)) }),
      /has a transform/,
    ],
    ['a coercion', z.object({ a: z.coerce.number().default(0) }), /state\.a is coerced/],
    ['a codec', z.object({ a: z.stringbool().optional() }), /has a transform/],
    ['an overwrite', z.object({ a: euros.overwrite((v) => v + 1) }), /is overwritten/],
    [
      'zod 3',
      z3.z.object({
        a: z3.z
          .number()
          .default(0)
          .transform((v) => v * 100),
      }),
      /state\.a has a transform/,
    ],
    [
      'zod 3 preprocess',
      z3.z.object({ a: z3.z.preprocess((v) => v, z3.z.number().default(0)) }),
      /has a preprocess/,
    ],
    [
      'another library, not taking its output',
      schemaOf(({ a = ['x'] }) => ({ a: new Set((a as string[]).map(String)) })),
      /does not take|something else/,
    ],
    [
      'another library, growing',
      schemaOf(({ n = 1 }) => ({ n: (n as number) * 2 })),
      /something else/,
    ],
  ])('%s', (_, state, problem) => {
    expect(() => define(state as StateSchema)).toThrow(problem);
    expect(() => define(state as StateSchema)).toThrow(
      expect.objectContaining({
        code: 'PAWL_DEFINITION',
        message: expect.stringMatching(/Convert where a value comes from/),
      }),
    );
  });
});

describe('a schema that only says what fits is taken', () => {
  test.each<readonly [string, unknown]>([
    ['refinements', z.object({ a: euros.refine((v) => v >= 0) }).refine(() => true)],
    ['trim and the like', z.object({ a: z.string().trim().toLowerCase().default('') })],
    ['branded, readonly, catch', z.object({ a: euros.brand('x').readonly(), b: euros.catch(3) })],
    [
      'kinds',
      z.object({ d: z.date().optional(), s: z.set(z.string()).default(() => new Set<string>()) }),
    ],
    ['trees', z.object({ a: tree.optional(), b: self.optional() })],
    ['dates', z.object({ d: z.date().default(new Date(1764190000000)) })],
    ['zod 3', z3.z.object({ a: z3.z.string().trim().default('') })],
    ['unmanaged', z.looseObject({ a: euros })],
    ['another library', schemaOf((given) => ({ a: 1, ...given }))],
  ])('%s', (_, state) => {
    expect(() => define(state as StateSchema)).not.toThrow();
  });
});

describe('defaults', () => {
  let count = 0;
  test.each<readonly [string, StateSchema]>([
    ['an id', z.object({ id: z.string().default(() => randomUUID()) })],
    ['a time', z.object({ at: z.date().default(() => new Date()) })],
    ['milliseconds', z.object({ at: z.number().default(() => Date.now()) })],
    ['a text of now', z.object({ at: z.string().default(() => new Date().toISOString()) })],
    ['a count', z.object({ n: z.number().default(() => ++count) })],
  ])('that are made anew each time are refused: %s', (_, state) => {
    expect(() => define(state)).toThrow(/not the same each time/);
  });
  test('that cannot be stored are refused, with the path', () => {
    const state = z.object({ f: z.any().default(() => () => 1) });
    expect(() => define(state)).toThrow(/state\.f is a function/);
  });
  test('of a schema that answers later, with nothing, or with no object, are refused', () => {
    const later: unknown = runInNewContext('Promise.resolve({ value: {} })');
    const answering = (answer: unknown) =>
      ({
        '~standard': { version: 1, vendor: 'own', validate: () => answer },
      }) as unknown as StateSchema;
    expect(() => define(answering(later))).toThrow(/validates asynchronously/);
    expect(() => define(answering(undefined))).toThrow(/neither a value nor issues/);
    expect(() => define(answering({ value: [] }))).toThrow(/schema of an object/);
    expect(() => define(answering({ value: new Map() }))).toThrow(/schema of an object/);
  });
});

test('what one run does to its state is not seen by another, in production either', () => {
  const state = z.object({
    seen: z.set(z.string()).default(() => new Set<string>()),
    list: z.array(z.string()).default([]),
    map: z.map(z.string(), z.number()).default(new Map()),
    bytes: z.instanceof(Uint8Array).default(() => new Uint8Array(2)),
  });
  const workflow = define(state);
  const first = freshState(workflow) as Record<string, unknown>;
  (first['seen'] as Set<string>).add('secret');
  (first['list'] as string[]).push('secret');
  (first['map'] as Map<string, number>).set('secret', 1);
  (first['bytes'] as Uint8Array)[0] = 1;
  expect(freshState(workflow)).toEqual({
    seen: new Set(),
    list: [],
    map: new Map(),
    bytes: new Uint8Array(2),
  });
  expect(() => (workflow.initialState['seen'] as Set<string>).add('x')).toThrow(TypeError);
});

describe('what a reducer makes', () => {
  const list = z.array(z.string()).max(2).default([]);
  const events = { saw: z.string(), nothing: z.null() };
  const reducing = (state: z.ZodType<{ list: string[]; n: number }>) =>
    defineWorkflow({
      name: 'reducing',
      events,
      state,
      reduce: {
        saw: ({ list: before, n }, one) => ({ list: [...before, one], n: n + 1 }),
        nothing: (() => Promise.resolve({})) as never,
      },
      signals: { go: z.null() },
      async run(ctx) {
        const problems: string[] = [];
        const attempt = (work: () => Promise<unknown>): Promise<unknown> =>
          work().catch((error: Error) => problems.push(error.message));
        if (ctx.state.list.length === 0) {
          await ctx.emit('saw', 'a');
          await ctx.emit('saw', 'b');
          await ctx.checkpoint();
          await attempt(async () => ctx.emit('saw', 'c'));
          await attempt(async () => ctx.step('d', (step) => step.emit('saw', 'd')));
          await attempt(async () => ctx.emit('nothing', null));
        }
        const known = await ctx.step('problems', () => problems);
        await ctx.waitFor('go');
        return { problems: known, list: ctx.state.list };
      },
    });
  test.each([
    ['a field', z.object({ list, n: euros })],
    [
      'a rule over all fields',
      z.object({ list: z.array(z.string()).default([]), n: euros }).refine(({ n }) => n <= 2),
    ],
  ])('must fit the schema, or nothing is written: %s', async (_, state) => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [reducing(state)] });
    const run = await pawl.start({ ...reducing(state) }, undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await run.signal('go', null);
    const { problems, list: kept } = await run.result();
    expect(kept).toEqual(['a', 'b']);
    expect(problems).toHaveLength(3);
    expect(problems[0]).toMatch(/state.* does not fit.*The reducer of "saw" made it so/);
    expect(problems[1]).toMatch(/The reducer of "saw" made it so/);
    expect(problems[2]).toMatch(/The reducer of "nothing" returned a Promise/);
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types.filter((type) => type === 'saw')).toHaveLength(2);
  });
});

test.each(['development', 'production'])(
  'a Set that a reducer adds to in place is told of, and not shared: %s',
  async (mode) => {
    vi.stubEnv('NODE_ENV', mode);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const { pawl } = memoryPawl();
    await using _ = pawl;
    const crawl = defineWorkflow({
      name: 'crawl',
      input: z.string(),
      state: z.object({ seen: z.set(z.string()).default(() => new Set<string>()) }),
      events: { saw: z.string() },
      reduce: { saw: (state, url) => ({ ...state, seen: (state.seen as Set<string>).add(url) }) },
      async run(ctx, url) {
        const before = [...ctx.state.seen];
        if (url === '') return before;
        return ctx.emit('saw', url);
      },
    });
    pawl.worker({ workflows: [crawl] });
    const first = await pawl.start(crawl, 'https://a.example/secret');
    await expect(first.result()).rejects.toThrow(/Set\.add would change the state in place/);
    expect(await (await pawl.start(crawl, '')).result()).toEqual([]);
  },
);

test('what is not in a state cannot be set, and a fork changes only what was edited', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  // Of a library of which nothing is known, with a transform that its defaults do not show.
  const state = schemaOf(({ price = 0, n = 0 }) => ({ price: (price as number) * 2, n }));
  const workflow = defineWorkflow({
    name: 'doubling',
    state: state as Schema<unknown, { price: number; n: number }>,
    async run(ctx) {
      await ctx.set({ price: 100 });
      await ctx.set({ n: 1 });
      return ctx
        .set({ typo: 1 } as never)
        .catch((error: Error) => [ctx.state.price, error.message]);
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined, { id: 'r' });
  expect(await run.result()).toEqual([200, expect.stringMatching(/state\.typo is no field/)]);
  const seq = (await allEvents(run)).findLast(({ type }) => type === 'state.set')?.seq ?? 0;
  const fork = await pawl.fork(workflow, 'r', { seq }, { state: (old) => ({ ...old, n: 7 }) });
  expect(await fork.state({ seq: 1 })).toEqual({ price: 200, n: 7 });
});
