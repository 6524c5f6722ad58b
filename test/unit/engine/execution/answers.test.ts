// Goal: a run at work is asked and answers, parked or not, whatever its workers do; nothing is in the log unless it changes
// something, and then once. Method: the memory store, processes that die, the crash test.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineQuestion, defineWorkflow, type Pawl } from 'pawl';
import { z } from 'zod';
import { crashTest } from 'pawl/testing';
import { questionsMax } from '../../../../src/core/questions.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { Pawl as Assembled } from '../../../../src/pawl.ts';
import { MortalProcess } from '../../../../src/testing/crash-test/mortal-process.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const progress = defineQuestion({
  name: 'progress',
  asked: z.object({ of: z.string() }),
  reply: z.object({ done: z.number() }),
});
const add = defineQuestion({ name: 'add', asked: z.number(), reply: z.number() });

const put = defineQuestion({ name: 'put', asked: z.number(), reply: z.number() });
const late: unknown[] = [];

function tryToEmit(emit: () => void): void {
  try {
    emit();
    late.push('emitted');
  } catch (error) {
    late.push((error as Error).name);
  }
}

const counting = defineWorkflow({
  name: 'counting',
  state: z.object({ sum: z.number().default(0) }),
  events: { added: z.number() },
  reduce: { added: (state, n) => ({ sum: state.sum + n }) },
  signals: { go: z.unknown() },
  async run(ctx) {
    ctx.answer(progress, ({ of }) => ({ done: of.length + ctx.state.sum }));
    ctx.answer(add, (n, { emit }) => {
      emit('added', n);
      return ctx.state.sum + n;
    });
    ctx.answer('fails', () => {
      throw new TypeError('no');
    });
    ctx.answer('slow', (_, { signal }) => pause(60_000, undefined, { signal }));
    ctx.answer(put, (sum, { set }) => {
      set({ sum: 0 });
      set({ sum });
      return ctx.state.sum;
    });
    ctx.answer('writes', async () => ctx.set({ sum: 100 }));
    ctx.answer('steps', async () => ctx.step('inside', async () => 1));
    ctx.answer(
      'later',
      (_, { emit }) => void setTimeout(() => tryToEmit(() => emit('added', 5)), 5),
    );
    ctx.answer('long', (_, { emit }) => {
      emit('added', 1);
      return 'x'.repeat(20_000);
    });
    await ctx.waitFor('go');
    return ctx.state.sum;
  },
});

/** The code of an error, and the name of its cause. */
function codeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'answered',
    (error: { code: string; cause?: { name: string } }) => `${error.code} ${error.cause?.name}`,
  );
}

/** A handler that counts its steps, and does something plain between them. */
function slowly(plainMs: () => number) {
  return defineWorkflow({
    name: 'slowly',
    signals: { go: z.unknown() },
    async run(ctx) {
      let done = 0;
      ctx.answer('done', () => done);
      for (let i = 0; i < 4; i += 1) {
        await ctx.step(`s${i}`, async () => i);
        done += 1;
        if (plainMs() > 0) await pause(plainMs());
      }
      await ctx.waitFor('go');
    },
  });
}

async function parked(pawl: Pawl, id: string): Promise<void> {
  await expect.poll(async () => (await pawl.run(id).info()).status).toBe('waiting');
}

describe('a question', () => {
  test('to a parked run wakes it, is answered, and is in no log', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [counting] });
    const run = await pawl.start(counting, undefined, { id: 'r' });
    for (let i = 0; i < 3; i++) {
      await parked(pawl, 'r');
      const reply = await run.ask(progress, { of: 'four' });
      expectTypeOf(reply).toEqualTypeOf<{ done: number }>();
      expect(reply).toEqual({ done: 4 });
    }
    await run.signal('go', 1);
    expect(await run.result()).toBe(0);
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types.filter((type) => !type.startsWith('run.') && !type.startsWith('signal.'))).toEqual(
      ['step.completed'],
    );
    expect(types).not.toContain('run.answered');
  });

  test('of an update is in the log once, with its events', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [counting] });
    const run = await pawl.start(counting, undefined, { id: 'r' });
    expect(await run.ask(add, 2)).toBe(2);
    expect(await run.ask(add, 3)).toBe(5);
    await run.signal('go', 1);
    expect(await run.result()).toBe(5);
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types.filter((type) => type === 'run.answered')).toHaveLength(2);
    expect(types.filter((type) => type === 'added')).toHaveLength(2);
  });

  test('is refused at once when nobody will answer', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(counting, undefined, { id: 'r' });
    const worker = pawl.worker({ workflows: [counting] });
    await parked(pawl, 'r');
    expect(await codeOf(run.ask('nothing', 1))).toBe('PAWL_UNANSWERED InvalidError');
    expect(await codeOf(run.ask('fails', 1))).toBe('PAWL_UNANSWERED TypeError');
    expect(await codeOf(run.ask(progress, { of: 1 } as never))).toBe('PAWL_INVALID undefined');
    expect(await codeOf(run.ask('progress', { of: 1 }))).toBe('PAWL_INVALID InvalidError');
    expect(await codeOf(run.ask('a b', 1))).toBe('PAWL_INVALID undefined');
    expect(await codeOf(pawl.run('none').ask('nothing', 1))).toBe('PAWL_RUN_NOT_FOUND undefined');
    await run.pause();
    expect(await codeOf(run.ask(add, 1))).toBe('PAWL_UNANSWERED undefined');
    await run.resume();
    await worker.close();
    expect(await codeOf(run.ask(add, 1, { timeoutMs: 50 }))).toBe('PAWL_TIMEOUT undefined');
    await run.cancel();
    pawl.worker({ workflows: [counting] });
    await expect(run.result()).rejects.toThrow();
    expect(await codeOf(run.ask(add, 1))).toBe('PAWL_RUN_ENDED undefined');
  });

  test('that takes too long neither holds the run nor its worker', async () => {
    await using pawl = memoryPawl().pawl;
    const worker = pawl.worker({ workflows: [counting] });
    const run = await pawl.start(counting, undefined, { id: 'r' });
    await parked(pawl, 'r');
    await expect(run.ask('slow', 1, { timeoutMs: 60 })).rejects.toMatchObject({
      code: 'PAWL_TIMEOUT',
    });
    await parked(pawl, 'r');
    expect(worker.active).toBe(0);
  });

  test('is answered, or refused, while a step is at work', async () => {
    await using pawl = memoryPawl().pawl;
    const busy = defineWorkflow({
      name: 'busy',
      async run(ctx) {
        let at = 0;
        ctx.answer('at', () => at);
        await ctx.step('long', async () => {
          at = 7;
          await pause(600);
        });
      },
    });
    pawl.worker({ workflows: [busy] });
    const run = await pawl.start(busy, undefined);
    await pause(50);
    expect(await run.ask('at', null)).toBe(7);
    expect(await codeOf(run.ask('none', null))).toBe('PAWL_UNANSWERED InvalidError');
    expect((await run.info()).status).toBe('running');
    await run.result();
  });
});

describe('an answer', () => {
  test('is made when the handler has caught up with the log', async () => {
    let plainMs = 0;
    const workflow = slowly(() => plainMs);
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined, { id: 'r' });
    await parked(pawl, 'r');
    // Longer than the patience with a handler: what it says in between would be older than what it said before.
    plainMs = 80;
    expect(await run.ask('done', null)).toBe(4);
  });

  test('is made by a handler that does not ask for all that is known', async () => {
    let skips = false;
    const skipping = defineWorkflow({
      name: 'skipping',
      signals: { go: z.unknown() },
      async run(ctx) {
        ctx.answer('skips', () => skips);
        if (!skips) await ctx.step('once', async () => 1);
        await ctx.waitFor('go');
      },
    });
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [skipping] });
    const run = await pawl.start(skipping, undefined, { id: 'r' });
    await parked(pawl, 'r');
    skips = true;
    expect(await run.ask('skips', null)).toBe(true);
  });

  test('changes the run by what it is given, in one commit, and by nothing else', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [counting] });
    const run = await pawl.start(counting, undefined, { id: 'r' });
    await parked(pawl, 'r');
    expect(await run.ask(put, 7)).toBe(0);
    expect(await run.state()).toEqual({ sum: 7 });
    for (const name of ['writes', 'steps']) {
      expect(await codeOf(run.ask(name, null))).toBe('PAWL_UNANSWERED DefinitionError');
    }
    expect(await codeOf(run.ask('long', null))).toBe('PAWL_UNANSWERED LimitError');
    expect(await codeOf(run.ask(put, 'x' as never))).toBe('PAWL_INVALID undefined');
    await run.ask('later', null);
    await expect.poll(() => late).toEqual(['DefinitionError']);
    expect(await run.state()).toEqual({ sum: 7 });
    await run.signal('go', 1);
    await run.result();
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types.filter((type) => type === 'state.set' || type === 'added')).toHaveLength(1);
    // Of the wait.
    expect(types.filter((type) => type === 'step.completed')).toHaveLength(1);
  });

  test('that changed the run is kept until the reply is given, and not for longer', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [counting] });
    const run = await pawl.start(counting, undefined, { id: 'r' });
    for (let i = 0; i < 4; i += 1) await run.ask(add, 1);
    await run.signal('go', 1);
    await run.result();
    const kept = (await allEvents(run)).filter(({ type }) => type === 'run.answered');
    const data = kept.map((event) => event.data as { id: string; over?: string[] });
    const over = data.flatMap((one) => one.over ?? []);
    expect(over).toEqual(data.slice(0, -1).map(({ id }) => id));
  });

  test('is not waited for when the worker closes: the next one makes it', async () => {
    await using pawl = memoryPawl().pawl;
    let isSlow = true;
    const asked = defineWorkflow({
      name: 'asked',
      signals: { go: z.unknown() },
      async run(ctx) {
        ctx.answer('slow', async (_, { signal }) => {
          if (isSlow) await pause(60_000, undefined, { signal });
          return 'made';
        });
        await ctx.waitFor('go');
      },
    });
    const first = pawl.worker({ workflows: [asked] });
    const run = await pawl.start(asked, undefined, { id: 'r' });
    await parked(pawl, 'r');
    const reply = run.ask('slow', null);
    await expect.poll(() => first.active).toBe(1);
    await pause(20);
    isSlow = false;
    await first.close();
    pawl.worker({ workflows: [asked] });
    expect(await reply).toBe('made');
  });

  test('is given to a hundred at once, and one more is refused', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(counting, undefined, { id: 'r' });
    const asked = Array.from({ length: questionsMax }, () => run.ask(add, 1));
    await pause(20);
    expect(await codeOf(run.ask(add, 1))).toBe('PAWL_LIMIT undefined');
    pawl.worker({ workflows: [counting] });
    const replies = await Promise.all(asked);
    expect(replies.toSorted((a, b) => a - b)).toEqual(replies.map((_, i) => i + 1));
    expect(await run.state()).toEqual({ sum: questionsMax });
  });

  test('of a crash test is the same wherever a worker dies', { timeout: 60_000 }, async () => {
    const report = await crashTest(counting, undefined, {
      questions: [{ ask: add, payload: 2 }, { ask: 'nothing' }],
      bodyMs: 20,
      signals: [{ name: 'go', payload: 1, after: 1_000 }],
    });
    expect(report.violations).toEqual([]);
    expect(report.crashes).toBeGreaterThan(20);
  });
});

describe('an owner that dies', () => {
  test.each(['before', 'after'] as const)('%s the commit of an update', async (side) => {
    const store = new MemoryRunStore();
    const queue = new MemoryResumeQueue();
    const processes: MortalProcess[] = [];
    const spawn = (): void => {
      const isFirst = processes.length === 0;
      const process: MortalProcess = new MortalProcess({
        store,
        queue,
        fate: (call) => {
          const isUpdate =
            call.kind === 'commit' &&
            call.params.events.some(({ type }) => type === 'run.answered');
          return isFirst && isUpdate ? side : undefined;
        },
        onCommit: () => undefined,
        onDeath: () => {
          store.vanish(worker.id);
          spawn();
        },
      });
      processes.push(process);
      const pawl = Assembled.assemble({ store: process.store, queue: process.queue });
      const worker = pawl.worker({ workflows: [counting] });
    };
    spawn();
    const caller = Assembled.assemble({ store, queue });
    const run = await caller.start(counting, undefined, { id: 'r' });
    await parked(caller, 'r');
    // Whoever asked gets the answer of the next owner, and what it changed is there once.
    expect(await run.ask(add, 4)).toBe(4);
    expect(processes).toHaveLength(2);
    expect(await run.ask(progress, { of: '' })).toEqual({ done: 4 });
    await run.signal('go', 1);
    expect(await run.result()).toBe(4);
    for (const process of processes) process.end();
    await caller.close();
  });
});
