// Goal: what a run gives out is stored in order and once, a step that runs again begins a new epoch, and a zombie writes
// nothing. Method: the memory store; workers that die, answers that are lost, bodies that run out of time.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow, type OutputChunk, PawlError } from 'pawl';
import { z } from 'zod';
import type { WriteOutcome, WriteParams } from '../../../../src/core/outputs.ts';
import type { RunHandle } from '../../../../src/engine/runs/run-handle.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';
import { RewindingStore } from '../../../programs/rewinds.ts';

/** A memory store, each write of chunks of which goes through `write`. */
function watched<Store extends MemoryRunStore>(
  store: Store,
  write: (
    params: WriteParams,
    real: (params: WriteParams) => Promise<WriteOutcome>,
  ) => Promise<WriteOutcome>,
): Store {
  const { outputs } = store;
  const real = outputs.write.bind(outputs);
  outputs.write = (params) => write(params, real);
  return store;
}

async function outputOf(
  run: Pick<RunHandle, 'output'>,
  options: Parameters<RunHandle['output']>[0] = {},
): Promise<OutputChunk[]> {
  const chunks: OutputChunk[] = [];
  for await (const chunk of run.output(options)) chunks.push(chunk);
  return chunks;
}

const values = (chunks: readonly OutputChunk[]): unknown[] => chunks.map(({ value }) => value);

/** What is left when each epoch takes the place of the one before. */
function latest(chunks: readonly OutputChunk[]): unknown[] {
  let left: OutputChunk[] = [];
  for (const chunk of chunks) {
    const { begins, step, output } = chunk;
    if (begins) left = left.filter((one) => one.step !== step || one.output !== output);
    left.push(chunk);
  }
  return values(left);
}

describe('writing', () => {
  test('what is given in one go travels together, and is numbered in order', async () => {
    const writes: number[] = [];
    const store = watched(new MemoryRunStore(), (params, real) => {
      writes.push(params.chunks.length);
      return real(params);
    });
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'together',
      run: (ctx) =>
        ctx.step('talk', async (step) => {
          for (const word of ['a', 'b', 'c']) void step.write(word);
          await step.output('log').write({ line: 1 });
          await step.write('d');
        }),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const chunks = await outputOf(run);
    expect(writes).toEqual([4, 1]);
    expect(values(chunks)).toEqual(['a', 'b', 'c', { line: 1 }, 'd']);
    expect(chunks.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(chunks.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 4, 1]);
    expect(chunks.map(({ begins }) => begins)).toEqual([true, false, false, true, false]);
    expect(values(await outputOf(run, { name: 'log' }))).toEqual([{ line: 1 }]);
    expect(values(await outputOf(run, { from: 3 }))).toEqual(['c', { line: 1 }, 'd']);
  });

  test('a step completes when what nobody awaited is stored', async () => {
    const order: string[] = [];
    const store = watched(new MemoryRunStore(), async (params, real) => {
      await pause(30);
      order.push('stored');
      return real(params);
    });
    const commit = store.commit.bind(store);
    store.commit = async (params) => {
      order.push(...params.events.map(({ type }) => type));
      return commit(params);
    };
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'unawaited',
      async run(ctx) {
        await ctx.step('talk', (step) => void step.write('a'));
        void ctx.output('log').write('the end');
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result({ timeoutMs: 20_000 });
    expect(order).toEqual(['stored', 'step.completed', 'stored', 'run.completed']);
  });

  test('a write whose answer was lost is sent again and stored once', async () => {
    let toLose = 2;
    const store = watched(new MemoryRunStore(), async (params, real) => {
      const outcome = await real(params);
      if (toLose === 0) return outcome;
      toLose -= 1;
      throw new PawlError('PAWL_UNAVAILABLE', 'answer lost', { outcome: 'unknown' });
    });
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'lost-answer',
      run: (ctx) => ctx.step('talk', (step) => step.write('a')),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(values(await outputOf(run))).toEqual(['a']);
  });

  test('what cannot be a chunk is refused at once, and nothing is written', async () => {
    await using pawl = memoryPawl({ limits: { chunkBytes: 100 } }).pawl;
    const workflow = defineWorkflow({
      name: 'refusing',
      outputs: { default: z.string(), log: z.object({ n: z.int() }) },
      run: (ctx) =>
        ctx.step('talk', async (step) => {
          const codes: string[] = [];
          const attempts: (() => unknown)[] = [
            () => step.write('x'.repeat(200)),
            () => step.write(1 as never),
            () => step.output('other' as never).write('a' as never),
            () => step.output('no name' as never),
            () => step.output('log').write({ n: 1.5 }),
          ];
          for (const attempt of attempts) {
            try {
              await attempt();
            } catch (error) {
              codes.push(PawlError.is(error) ? error.code : String(error));
            }
          }
          await step.output('log').write({ n: 1 });
          return codes;
        }),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toEqual([
      'PAWL_LIMIT',
      'PAWL_INVALID',
      'PAWL_INVALID',
      'PAWL_INVALID',
      'PAWL_INVALID',
    ]);
    expect(values(await outputOf(run))).toEqual([{ n: 1 }]);
  });

  test('a producer that does not wait is stopped when too much of it waits', async () => {
    const gate = { isOpen: false };
    const store = watched(new MemoryRunStore(), async (params, real) => {
      while (!gate.isOpen) await pause(5);
      return real(params);
    });
    await using pawl = memoryPawl({ store }).pawl;
    const text = 'x'.repeat(50_000);
    const workflow = defineWorkflow({
      name: 'flood',
      run: (ctx) =>
        ctx.step('talk', async (step) => {
          let given = 0;
          try {
            for (; given < 1_000; given++) void step.write(text);
          } catch (error) {
            return { given, code: PawlError.is(error) && error.code };
          } finally {
            gate.isOpen = true;
          }
          return given;
        }),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const result = await run.result({ timeoutMs: 20_000 });
    expect(result).toEqual({ given: 20, code: 'PAWL_LIMIT' });
    expect(await outputOf(run)).toHaveLength(20);
  });

  test('the oldest chunks make room, and a reader is told how many it has missed', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'short',
      keepOutput: { bytes: 500 },
      run: (ctx) =>
        ctx.step('talk', async (step) => {
          for (let i = 0; i < 50; i++) await step.write('x'.repeat(98));
        }),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result({ timeoutMs: 20_000 });
    const chunks = await outputOf(run);
    expect(chunks.map(({ number }) => number)).toEqual([47, 48, 49, 50]);
    expect(chunks.map(({ skipped }) => skipped)).toEqual([46, 0, 0, 0]);
    expect((await outputOf(run, { from: 48 }))[0]).toMatchObject({ number: 48, skipped: 0 });
  });
});

describe('a step that runs again', () => {
  test('begins a new epoch when its worker died, and what the dead one still writes is refused', async () => {
    const store = new MemoryRunStore();
    const { pawl } = memoryPawl({ store });
    await using _ = pawl;
    let calls = 0;
    let late: Promise<unknown> = Promise.resolve();
    const workflow = defineWorkflow({
      name: 'dying',
      async run(ctx) {
        await ctx.step('before', (step) => step.write('kept'));
        await ctx.step('talk', async (step) => {
          calls += 1;
          await step.write('half');
          if (calls === 1) {
            store.vanish(first.id);
            late = pause(300).then(() => step.write('zombie'));
            await pause(400);
          }
          await step.write('whole');
        });
      },
    });
    const first = pawl.worker({ workflows: [workflow], sweepMs: 5 });
    const run = await pawl.start(workflow, undefined);
    const reading = outputOf(run);
    await pause(50);
    pawl.worker({ workflows: [workflow], sweepMs: 5 });
    const chunks = await reading;
    await pause(400);
    void late;
    expect(values(await outputOf(run))).toEqual(values(chunks));
    expect(values(chunks)).toEqual(['kept', 'half', 'half', 'whole']);
    expect(chunks.map(({ begins }) => begins)).toEqual([true, true, true, false]);
    expect(latest(chunks)).toEqual(['kept', 'half', 'whole']);
  });

  test('begins a new epoch when it is tried again, and what the attempt before still writes is not stored', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'late',
      async run(ctx) {
        await ctx.step(
          'talk',
          async (step) => {
            await step.write(`attempt ${step.attempt}`);
            if (step.attempt > 1) return;
            await pause(60);
            void step.write('too late');
            await pause(60);
          },
          { timeout: 40, retry: { attempts: 2, delay: 1 } },
        );
        await ctx.step('afterwards', () => pause(150));
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const chunks = await outputOf(run);
    expect(values(chunks)).toEqual(['attempt 1', 'attempt 2']);
    expect(latest(chunks)).toEqual(['attempt 2']);
  });

  test('leaves alone what steps inside of it gave out that need not run again', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'inside',
      run: (ctx) =>
        ctx.step(
          'outer',
          async (step) => {
            await step.write(`outer ${step.attempt}`);
            await step.step('inner', (inner) => inner.write('inner'));
            if (step.attempt === 1) throw new Error('once');
          },
          { retry: { attempts: 2, delay: 1 } },
        ),
    });
    pawl.worker({ workflows: [workflow] });
    const chunks = await outputOf(await pawl.start(workflow, undefined));
    expect(values(chunks)).toEqual(['outer 1', 'inner', 'outer 2']);
    expect(chunks.map(({ step }) => step)).toEqual(['outer', 'outer › inner', 'outer']);
    expect(latest(chunks)).toEqual(['inner', 'outer 2']);
  });

  test('a handler that is called again begins a new epoch of its own output alone', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'parked',
      async run(ctx) {
        await ctx.output().write('handler');
        await ctx.step('talk', (step) => step.write('step'));
        await ctx.sleep(1_100);
        await ctx.output().write('the end');
      },
    });
    pawl.worker({ workflows: [workflow] });
    const chunks = await outputOf(await pawl.start(workflow, undefined));
    expect(latest(chunks)).toEqual(['step', 'handler', 'the end']);
  });
});

describe('a run', () => {
  test('is not parked while a chunk is on its way, and its readers end with it', async () => {
    const store = watched(new MemoryRunStore(), async (params, real) => {
      await pause(40);
      return real(params);
    });
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'waiting',
      signals: { go: z.string() },
      async run(ctx) {
        const written = ctx.output().write('before');
        const went = await ctx.waitFor('go');
        await written;
        return went;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const reading = outputOf(run);
    while ((await run.info()).status !== 'waiting') await pause(5);
    expect((await store.outputs.read({ run: run.id, after: 0, limit: 5 })).length).toBe(1);
    await run.signal('go', 'on');
    expect(await run.result({ timeoutMs: 20_000 })).toBe('on');
    expect(latest(await reading)).toEqual(['before']);
  });

  test('can be read from several places at once, before it has begun and after its end', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'read',
      run: (ctx) =>
        ctx.step('talk', async (step) => {
          for (let i = 1; i <= 250; i++) {
            void step.write(i);
            if (i % 40 === 0) await pause(2);
          }
        }),
    });
    const run = await pawl.start(workflow, undefined);
    const early = [outputOf(run), outputOf(run, { from: 77 })];
    await pause(20);
    pawl.worker({ workflows: [workflow] });
    await run.result({ timeoutMs: 20_000 });
    const all = Array.from({ length: 250 }, (_, i) => i + 1);
    expect((await Promise.all(early)).map(values)).toEqual([all, all.slice(76)]);
    expect(values(await outputOf(run))).toEqual(all);
    expect(await outputOf(run, { from: 251 })).toEqual([]);
  });

  test('that is cancelled, or fails, keeps what it gave out until then', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'ends',
      input: z.enum(['fail', 'cancel']),
      async run(ctx, how) {
        void ctx.output().write('a');
        await ctx.step('talk', async (step) => {
          void step.write('b');
          if (how === 'fail') throw new Error('as told');
          await pause(2_000, undefined, { signal: step.signal });
        });
      },
    });
    pawl.worker({ workflows: [workflow] });
    const failing = await pawl.start(workflow, 'fail');
    expect(values(await outputOf(failing))).toEqual(['a', 'b']);
    const cancelled = await pawl.start(workflow, 'cancel');
    const reading = outputOf(cancelled);
    await pause(50);
    await cancelled.cancel();
    expect(values(await reading)).toEqual(['a', 'b']);
    expect((await cancelled.info()).status).toBe('cancelled');
  });

  test('whose chunks Redis has forgotten is handed back, and the step at work runs again', async () => {
    const store = new RewindingStore();
    await using pawl = memoryPawl({ store }).pawl;
    let calls = 0;
    const workflow = defineWorkflow({
      name: 'forgotten',
      run: (ctx) =>
        ctx.step('talk', async (step) => {
          calls += 1;
          const image = store.image(ctx.run);
          await step.write(`a ${calls}`);
          await step.write(`b ${calls}`);
          if (calls === 1) image();
          await step.write(`c ${calls}`);
        }),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined, { id: 'forgotten-1' });
    const reading = outputOf(run);
    await run.result({ timeoutMs: 20_000 });
    const chunks = await outputOf(run);
    expect(values(chunks)).toEqual(['a 2', 'b 2', 'c 2']);
    // Who read along saw what is gone, and then what took its place.
    expect(values((await reading).slice(-3))).toEqual(['a 2', 'b 2', 'c 2']);
    const rewound = (await allEvents(run)).find(({ type }) => type === 'run.rewound');
    expect(rewound?.data).toMatchObject({ chunks: { acknowledged: 2, found: 0 } });
  });

  test('a fork begins with no output', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'forked',
      async run(ctx) {
        await ctx.step('one', (step) => step.write('one'));
        await ctx.step('two', (step) => step.write('two'));
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result({ timeoutMs: 20_000 });
    const fork = await pawl.fork(workflow, run.id, { step: 'one' });
    expect(values(await outputOf(fork))).toEqual(['two']);
  });
});
