// Goal: what a run has done is undone when it fails or is cancelled, what completed last first, whatever happens meanwhile;
// and what cannot be undone waits for a person. Method: the memory store; workers that let go, crashes before and after each
// write, undos that fail, code that has forgotten how.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Context, defineWorkflow, type RunHandle } from 'pawl';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, firstEvent } from '../../../support/workers.ts';

const state = z.object({ left: z.array(z.string()).default([]) });
type Ctx = Context<typeof state>;

function workflowOf(
  run: (ctx: Ctx) => Promise<unknown>,
  more: { readonly undoOn?: readonly ('failed' | 'cancelled')[]; readonly version?: number } = {},
) {
  return defineWorkflow({ name: 'trip', state, ...more, run: (ctx) => run(ctx) });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1_000 && !(await condition()); i++) await pause(5);
}

const waitsForDecision = async (run: RunHandle): Promise<boolean> =>
  (await run.info()).waits.some(({ kind }) => kind === 'decision' || kind === 'undo');

const quick = { retry: { attempts: 2, delay: 1 } } as const;

describe('a run that fails', () => {
  test('undoes what completed, the last first, with the results, and ends with the first cause', async () => {
    await using pawl = memoryPawl().pawl;
    const said: unknown[] = [];
    const workflow = workflowOf(async (ctx) => {
      const book = (name: string, ms: number): Promise<string> =>
        ctx.step(
          name,
          async () => {
            await pause(ms);
            return `${name}-1`;
          },
          { undo: (result, { because, attempt }) => said.push([result, because, attempt]) },
        );
      await book('flight', 1);
      await Promise.all([book('hotel', 12), book('car', 1)]);
      await ctx.step('not undone', () => 1);
      throw new TypeError('no seats');
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: { name: 'TypeError', message: 'no seats' },
    });
    expect(said).toEqual([
      ['hotel-1', 'failed', 1],
      ['car-1', 'failed', 1],
      ['flight-1', 'failed', 1],
    ]);
    const last = (await allEvents(run)).at(-1);
    expect(last).toMatchObject({ type: 'run.failed', data: { undone: true } });
    await expect(run.resume()).rejects.toMatchObject({ code: 'PAWL_RUN_ENDED' });
    expect((await run.info()).status).toBe('failed');
  });

  test('and is tried again undoes nothing before its last attempt', async () => {
    await using pawl = memoryPawl().pawl;
    const said: string[] = [];
    const workflow = defineWorkflow({
      name: 'retried',
      retry: { attempts: 3, delay: 1 },
      async run(ctx) {
        await ctx.step('book', () => said.push('book'), { undo: () => said.push('undo') });
        said.push('handler');
        throw new Error('always');
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('always');
    expect(said.filter((one) => one !== 'handler')).toEqual(['book', 'undo']);
    expect(said.indexOf('undo')).toBeGreaterThan(2);
  });

  test('undoes nothing where the workflow says so, and nothing when it completes', async () => {
    await using pawl = memoryPawl().pawl;
    let undone = 0;
    const make = (name: string, fails: boolean) =>
      defineWorkflow({
        name,
        undoOn: ['cancelled'],
        async run(ctx) {
          await ctx.step('book', () => 1, { undo: () => (undone += 1) });
          if (fails) throw new Error('no');
        },
      });
    const [one, two] = [make('fails', true), make('completes', false)];
    pawl.worker({ workflows: [one, two] });
    await expect((await pawl.start(one)).result({ timeoutMs: 20_000 })).rejects.toThrow('no');
    await (await pawl.start(two)).result({ timeoutMs: 20_000 });
    expect(undone).toBe(0);
  });
});

test('a run that is cancelled is undone, and another cancel changes nothing', async () => {
  await using pawl = memoryPawl().pawl;
  const said: string[] = [];
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const workflow = workflowOf(async (ctx) => {
    await ctx.step('book', () => 'b', {
      undo: async (result, { because }) => {
        said.push(`${result} ${because}`);
        await held;
      },
    });
    await ctx.sleep('3d');
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await until(async () => (await run.info()).status === 'waiting');
  await run.cancel({ actor: 'ada', reason: 'changed her mind' });
  await until(() => said.length > 0);
  await run.cancel({ actor: 'bob' });
  letGo();
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
    code: 'PAWL_RUN_CANCELLED',
  });
  expect(said).toEqual(['b cancelled']);
  const last = (await allEvents(run)).at(-1);
  expect(last).toMatchObject({ type: 'run.cancelled', data: { actor: 'ada', undone: true } });
});

describe('an undo that fails', () => {
  async function stuck(times: number) {
    const { pawl } = memoryPawl();
    const said: string[] = [];
    let fails = times;
    const workflow = workflowOf(async (ctx) => {
      await ctx.step('pay', () => 'paid', { undo: () => said.push('refund') });
      await ctx.step('book', () => 'booked', {
        undo: {
          ...quick,
          run: () => {
            said.push('unbook');
            if ((fails -= 1) >= 0) throw new Error('desk closed');
          },
        },
      });
      throw new Error('no seats');
    });
    pawl.worker({ workflows: [workflow] });
    return { pawl, said, workflow, run: await pawl.start(workflow) };
  }

  test('is tried again, and nobody is asked', async () => {
    const { pawl, said, run } = await stuck(1);
    await using _ = pawl;
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no seats');
    expect(said).toEqual(['unbook', 'unbook', 'refund']);
  });

  test('for good waits for a person, who has it tried again', async () => {
    const { pawl, said, run } = await stuck(3);
    await using _ = pawl;
    await until(() => waitsForDecision(run));
    const info = await run.info();
    expect(info).toMatchObject({
      status: 'waiting',
      waits: [{ kind: 'undo', on: ['book ›› undo'] }],
    });
    const { runs } = await pawl.list({ waitsFor: 'kind:undo' });
    expect(runs.map(({ id }) => id)).toEqual([run.id]);
    expect(said).toEqual(['unbook', 'unbook']);
    await run.decide('book ›› undo', { decide: 'retry' });
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no seats');
    expect(said).toEqual(['unbook', 'unbook', 'unbook', 'unbook', 'refund']);
  });

  test('for good, twice, is settled by a person, and the rest is undone', async () => {
    const { pawl, said, run } = await stuck(99);
    await using _ = pawl;
    await until(() => waitsForDecision(run));
    await run.decide('book ›› undo', { decide: 'retry' });
    await until(async () => said.length === 4 && (await waitsForDecision(run)));
    await run.decide('book ›› undo', { decide: 'done', result: 'by hand' });
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no seats');
    expect(said.at(-1)).toBe('refund');
    expect(said.filter((one) => one === 'unbook')).toHaveLength(4);
  });

  test('waits on through a cancel and another worker', async () => {
    const { pawl, workflow, run } = await stuck(99);
    await using _ = pawl;
    await until(() => waitsForDecision(run));
    await run.cancel();
    pawl.worker({ workflows: [workflow] });
    await pause(100);
    await until(() => waitsForDecision(run));
    expect((await run.info()).status).toBe('waiting');
    await run.decide('book ›› undo', { decide: 'done', result: 0 });
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: { message: 'no seats' },
    });
  });
});

test('code that does not say any more how a step is undone is told, and newer code goes on', async () => {
  await using pawl = memoryPawl().pawl;
  const said: string[] = [];
  const make = (version: number, undo: boolean, hold?: Promise<void>) =>
    workflowOf(
      async (ctx) => {
        await ctx.step(
          'book',
          () => 'b1',
          undo ? { undo: (result) => said.push(`unbook ${result}`) } : {},
        );
        await hold;
        throw new Error('no');
      },
      { version },
    );
  const old = make(1, true, new Promise(() => undefined));
  const first = pawl.worker({ workflows: [old] });
  const run = await pawl.start(old);
  await firstEvent(run, ({ type }) => type === 'step.completed');
  await first.close({ graceMs: 0 });
  const second = pawl.worker({ workflows: [make(2, false)] });
  await until(() => waitsForDecision(run));
  const failed = await firstEvent(run, ({ type }) => type === 'undo.failed');
  expect(failed.data).toMatchObject({ name: 'book', isMissing: true });
  await second.close({ graceMs: 0 });
  pawl.worker({ workflows: [make(3, true)] });
  await run.decide('book ›› undo', { decide: 'retry' });
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no');
  expect(said).toEqual(['unbook b1']);
});

describe('an effect in doubt', () => {
  async function doubtful(
    onDoubt:
      | 'retry'
      | 'skip'
      | 'ask'
      | (() => { happened: true; result: string } | { happened: false }),
  ) {
    const { pawl } = memoryPawl();
    const said: unknown[] = [];
    const workflow = workflowOf((ctx) =>
      ctx.effect<string>(
        'pay',
        () => {
          throw new Error('connection lost');
        },
        { onDoubt, undo: (result, { isInDoubt }) => said.push([result, isInDoubt]) },
      ),
    );
    pawl.worker({ workflows: [workflow] });
    return { pawl, said, run: await pawl.start(workflow) };
  }

  test.each([
    ['retry', 'retry', [[undefined, true]]],
    ['skip', 'skip', [[undefined, true]]],
    ['a probe that finds it', () => ({ happened: true, result: 'r1' }), [['r1', false]]],
    ['a probe that does not', () => ({ happened: false }), []],
  ] as const)('is asked about by its policy first: %s', async (_name, onDoubt, expected) => {
    const { pawl, said, run } = await doubtful(onDoubt as 'retry');
    await using _ = pawl;
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('connection lost');
    expect(said).toEqual(expected);
  });

  test.each([
    [{ decide: 'done', result: 'r2' } as const, [['r2', false]]],
    [{ decide: 'retry' } as const, []],
  ])('is asked about by a person first: %j', async (decision, expected) => {
    const { pawl, said, run } = await doubtful('ask');
    await using _ = pawl;
    await until(() => waitsForDecision(run));
    await run.decide('pay', decision);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('connection lost');
    expect(said).toEqual(expected);
  });
});

test('a step within a step has no undo of its own', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = workflowOf((ctx) =>
    ctx.step('outer', (step) => step.step('inner', () => 1, { undo: () => 1 } as object)),
  );
  pawl.worker({ workflows: [workflow] });
  await expect((await pawl.start(workflow)).result({ timeoutMs: 20_000 })).rejects.toThrow(/undo/);
});

test('a fork where a run is undone is refused, and one before is not', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = workflowOf(async (ctx) => {
    await ctx.step('book', () => 1, { undo: () => undefined });
    throw new Error('no');
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no');
  const { seq } = await run.info();
  await expect(pawl.fork(workflow, run.id, { seq })).rejects.toMatchObject({
    code: 'PAWL_INVALID',
  });
  const log = await allEvents(run);
  const before = log.find(({ type }) => type === 'step.completed')?.seq ?? 0;
  const fork = await pawl.fork(workflow, run.id, { seq: before - 1 });
  await expect(fork.result({ timeoutMs: 20_000 })).rejects.toThrow('no');
});

test('no death anywhere leaves something undone, or undoes it twice', async () => {
  const done = new Map<string, number>();
  const workflow = workflowOf(async (ctx) => {
    const book = (name: string): Promise<string> =>
      ctx.step(
        name,
        ({ idempotencyKey }) => {
          done.set(idempotencyKey, 1);
          return idempotencyKey;
        },
        {
          undo: {
            ...quick,
            run: (key, step) => {
              if (step.attempt === 1 && name === 'car') throw new Error('again');
              done.set(key, (done.get(key) ?? 0) - 1);
              if (name === 'hotel') step.set({ left: ['hotel'] });
            },
          },
        },
      );
    await book('flight');
    await Promise.all([book('hotel'), book('car')]);
    await ctx.sleep('1h');
    throw new Error('no seats');
  });
  const { violations } = await crashTest(workflow, undefined, {
    setUp: () => done.clear(),
    observe: () => [...done.values()].map((left) => left <= 0),
  });
  expect(violations).toEqual([]);
});
