// Goal: a run at work is asked and answers, parked or not, whatever its workers do; nothing is in the log unless it changes
// something, and then once. Method: the memory store, processes that die, the crash test.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineQuestion, defineWorkflow, type Pawl } from 'pawl';
import { z } from 'zod';
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
    await ctx.waitFor('go');
    return ctx.state.sum;
  },
});

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
    const code = (asked: Promise<unknown>) =>
      asked.then(
        () => 'answered',
        (error: { code: string; cause?: { name: string } }) => `${error.code} ${error.cause?.name}`,
      );
    expect(await code(run.ask('nothing', 1))).toBe('PAWL_UNANSWERED InvalidError');
    expect(await code(run.ask('fails', 1))).toBe('PAWL_UNANSWERED TypeError');
    expect(await code(run.ask(progress, { of: 1 } as never))).toBe('PAWL_INVALID undefined');
    expect(await code(run.ask('progress', { of: 1 }))).toBe('PAWL_INVALID InvalidError');
    expect(await code(run.ask('a b', 1))).toBe('PAWL_INVALID undefined');
    expect(await code(pawl.run('none').ask('nothing', 1))).toBe('PAWL_RUN_NOT_FOUND undefined');
    await run.pause();
    expect(await code(run.ask(add, 1))).toBe('PAWL_UNANSWERED undefined');
    await run.resume();
    await worker.close();
    expect(await code(run.ask(add, 1, { timeoutMs: 50 }))).toBe('PAWL_TIMEOUT undefined');
    await run.cancel();
    pawl.worker({ workflows: [counting] });
    await expect(run.result()).rejects.toThrow();
    expect(await code(run.ask(add, 1))).toBe('PAWL_RUN_ENDED undefined');
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

  test('is answered while a step is at work', async () => {
    await using pawl = memoryPawl().pawl;
    const busy = defineWorkflow({
      name: 'busy',
      async run(ctx) {
        let at = 0;
        ctx.answer('at', () => at);
        await ctx.step('long', async () => {
          at = 7;
          await pause(300);
        });
      },
    });
    pawl.worker({ workflows: [busy] });
    const run = await pawl.start(busy, undefined);
    await pause(50);
    expect(await run.ask('at', null)).toBe(7);
    await run.result();
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
