// Goal: many runs are started in one call, each once, and what does not fit starts none. Method: a store in memory that
// counts what is under way, and one that fails in the middle.
import { expect, expectTypeOf, test } from 'vitest';
import { defineWorkflow, UnavailableError } from 'pawl';
import type { PawlError, StartOutcome } from 'pawl';
import { z } from 'zod';
import type { CreateOutcome, CreateParams } from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';

const resize = defineWorkflow({
  name: 'resize',
  input: z.object({ photo: z.number() }),
  run: (_ctx, { photo }) => photo * 2,
});

function items(count: number, from = 0) {
  return Array.from({ length: count }, (_, i) => ({
    id: `photo-${from + i}`,
    input: { photo: i },
  }));
}

class CountingStore extends MemoryRunStore {
  creations = 0;
  underWay = 0;
  most = 0;
  failFrom = Infinity;

  override async create(params: CreateParams): Promise<CreateOutcome> {
    this.creations += 1;
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    const n = this.creations;
    try {
      await new Promise((resolve) => setImmediate(resolve));
      if (n >= this.failFrom) throw new UnavailableError('create', 'unknown');
      return await super.create(params);
    } finally {
      this.underWay -= 1;
    }
  }
}

test('2,000 runs in one call, a few hundred under way, and all of them known the second time', async () => {
  const store = new CountingStore();
  await using pawl = memoryPawl({ store }).pawl;
  const all = items(2_000);
  const outcomes = await pawl.startMany(resize, all);
  expect(outcomes.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['created']));
  expect(store.most).toBeLessThanOrEqual(250);
  const again = await pawl.startMany(resize, all);
  expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['known']));
});

test('runs that are started so are executed; those without an id get one', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [resize] });
  const [first, second] = await pawl.startMany(resize, [
    { input: { photo: 1 }, tags: { batch: 'a' } },
    { input: { photo: 2 }, delay: 5 },
  ]);
  expect(await pawl.run(first?.id ?? '').result()).toBe(2);
  expect(await pawl.run(second?.id ?? '').result()).toBe(4);
  const tagged = await pawl.list({ tag: { key: 'batch', value: 'a' } });
  expect(tagged.runs.map(({ id }) => id)).toEqual([first?.id]);
  expect(await pawl.startMany(resize, [])).toEqual([]);
});

test('what does not fit is named by its place, and nothing is started', async () => {
  const store = new CountingStore();
  await using pawl = memoryPawl({ store, limits: { inputBytes: 1_000 } }).pawl;
  const start = (...more: readonly object[]) =>
    pawl.startMany(resize, [...items(3), ...more] as ReturnType<typeof items>);
  const refused: readonly (readonly [object, string])[] = [
    [{ input: { photo: 'one' } }, 'items[3].input.photo'],
    [{ input: { photo: 1 }, id: 'no spaces' }, 'items[3].run id'],
    [{ input: { photo: 1 }, dely: 5 }, 'items[3].dely'],
    [{ input: { photo: 1 }, id: 'photo-1' }, 'items[3].id'],
    [{ input: { photo: 1 }, priority: -1 }, 'items[3].priority'],
    [{ input: { photo: 1 }, deadline: 'soon' }, 'items[3].deadline'],
  ];
  for (const [item, field] of refused) {
    await expect(start(item)).rejects.toMatchObject({ code: 'PAWL_INVALID', field });
  }
  await expect(pawl.startMany(resize, items(10_001))).rejects.toMatchObject({
    code: 'PAWL_LIMIT',
    limit: 10_000,
  });
  await expect(pawl.startMany(resize, 'many' as never)).rejects.toThrow('items must be a list');
  expect(store.creations).toBe(0);
});

test('inputs of one call have a limit together', async () => {
  const store = new CountingStore();
  await using pawl = memoryPawl({ store, limits: { inputBytes: 2 ** 25 } }).pawl;
  const text = defineWorkflow({ name: 'text', input: z.string(), run: () => null });
  const large = 'x'.repeat(2 ** 24);
  const five = Array.from({ length: 5 }, () => ({ input: large }));
  await expect(pawl.startMany(text, five)).rejects.toMatchObject({ code: 'PAWL_LIMIT' });
  expect(store.creations).toBe(0);
});

test('an id that is taken is an outcome of its own, and the others are started', async () => {
  await using pawl = memoryPawl().pawl;
  await pawl.start(resize, { photo: 99 }, { id: 'photo-1' });
  const outcomes = await pawl.startMany(resize, items(3));
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['created', 'taken', 'created']);
  const [, taken] = outcomes;
  expect(taken).toMatchObject({ error: { code: 'PAWL_RUN_EXISTS', run: 'photo-1' } });
});

test('behind a fault nothing more is sent, each outcome says so, and the same call again does the rest', async () => {
  const store = new CountingStore();
  store.failFrom = 500;
  await using pawl = memoryPawl({ store }).pawl;
  const outcomes = await pawl.startMany(resize, items(5_000));
  const failed = outcomes.flatMap((one) => (one.outcome === 'failed' ? [one.error] : []));
  expect(store.creations).toBeLessThan(1_000);
  expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(499);
  expect(failed).toHaveLength(4_501);
  expect(failed.every((error) => error.code === 'PAWL_UNAVAILABLE' && error.retryable)).toBe(true);
  // Of those that were sent nobody knows; the others were not.
  expect(failed.filter(({ outcome }) => outcome === 'unknown')).toHaveLength(store.creations - 499);
  expect(failed.at(-1)?.message).toContain('Run photo-4999 was not started');
  store.failFrom = Infinity;
  const again = await pawl.startMany(resize, items(5_000));
  expect(again.filter(({ outcome }) => outcome === 'known')).toHaveLength(499);
  expect(again.filter(({ outcome }) => outcome === 'created')).toHaveLength(4_501);
});

test('items have the type of the input, and outcomes tell their errors apart', () => {
  const { pawl } = memoryPawl();
  const start = () => pawl.startMany(resize, [{ input: { photo: 1 } }]);
  expectTypeOf(start).returns.resolves.toEqualTypeOf<readonly StartOutcome[]>();
  // @ts-expect-error -- the input is another one
  const wrong = () => pawl.startMany(resize, [{ input: { photo: 'one' } }]);
  // @ts-expect-error -- there is no input
  const none = () => pawl.startMany(resize, [{ id: 'a' }]);
  expect([wrong, none]).toHaveLength(2);
  const read = (one: StartOutcome): PawlError | undefined =>
    one.outcome === 'failed' || one.outcome === 'taken' ? one.error : undefined;
  expect(read({ id: 'a', outcome: 'known' })).toBe(undefined);
});
