// Goal: the engine keeps the promises of the context. Method: the memory store, one process, and a look at the log.
import { describe, expect, test } from 'vitest';
import { defineWorkflow, PawlError } from 'pawl';
import type { CommitOutcome, CommitParams } from '../../../../src/core/store.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const counter = {
  state: z.object({ sum: z.number().default(0), note: z.string().default('') }),
  events: { add: z.object({ n: z.int() }) },
  reduce: {
    add: (state: { sum: number; note: string }, { n }: { n: number }) => ({
      ...state,
      sum: state.sum + n,
    }),
  },
} as const;

/** A store that records every commit, and can lose answers. */
class WatchedStore extends MemoryRunStore {
  readonly commits: CommitParams[] = [];
  answersToLose = 0;

  override async commit(params: CommitParams): Promise<CommitOutcome> {
    this.commits.push(params);
    const outcome = await super.commit(params);
    if (this.answersToLose > 0) {
      this.answersToLose -= 1;
      throw new PawlError('PAWL_UNAVAILABLE', 'answer lost', { outcome: 'unknown' });
    }
    return outcome;
  }
}

describe('writing', () => {
  test('events that are emitted together travel in one commit, in order', async () => {
    const store = new WatchedStore();
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'together',
      ...counter,
      async run(ctx) {
        await Promise.all([1, 2, 3].map((n) => ctx.emit('add', { n })));
        return ctx.state.sum;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toBe(6);
    expect(store.commits.map((commit) => commit.events.map((event) => event.type))).toEqual([
      ['add', 'add', 'add'],
      ['run.completed'],
    ]);
  });

  test('a commit whose answer was lost is sent again and stored once', async () => {
    const store = new WatchedStore();
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'lost-answer',
      ...counter,
      async run(ctx) {
        store.answersToLose = 2;
        await ctx.emit('add', { n: 5 });
        return ctx.state.sum;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toBe(5);
    const events = await allEvents(run);
    checkLog(events);
    expect(events.filter((event) => event.type === 'add')).toHaveLength(1);
    expect(new Set(store.commits.map((commit) => commit.token)).size).toBe(2);
  });

  test('ctx.set replaces top-level fields and is checked by the schema', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'set',
      ...counter,
      async run(ctx) {
        await ctx.set({ note: 'hello' });
        // @ts-expect-error -- the schema says text
        const refused: unknown = await ctx.set({ note: 7 }).catch((error: unknown) => error);
        return [ctx.state.note, refused instanceof PawlError && refused.message];
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toEqual([
      'hello',
      expect.stringContaining('state.note does not fit'),
    ]);
  });

  test('a snapshot is taken when the tail is dear, and writes only what changed', async () => {
    const store = new WatchedStore();
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'long',
      ...counter,
      async run(ctx) {
        await ctx.set({ note: 'x'.repeat(1000) });
        for (let n = 0; n < 1000; n++) await ctx.emit('add', { n: 1 });
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result();
    const snapshots = store.commits.flatMap(({ snapshot }) => snapshot ?? []);
    expect(snapshots.length).toBeGreaterThan(2);
    expect([...(snapshots[0]?.set.keys() ?? [])].sort()).toEqual([
      'sets:0',
      'sets:count',
      'state:note',
      'state:sum',
    ]);
    for (const later of snapshots.slice(1)) expect([...later.set.keys()]).toEqual(['state:sum']);
    expect(await run.state()).toEqual({ sum: 1000, note: 'x'.repeat(1000) });
  });
});

describe('steps', () => {
  test('retries count attempts, wait, and give up with the last error', async () => {
    await using pawl = memoryPawl().pawl;
    const seen: number[] = [];
    const workflow = defineWorkflow({
      name: 'retries',
      async run(ctx) {
        const ok = await ctx.step(
          'third time',
          ({ attempt }) => {
            seen.push(attempt);
            if (attempt < 3) throw new Error(`no ${attempt}`);
            return 'yes';
          },
          { retry: { attempts: 5, delay: 2 } },
        );
        await ctx.step(
          'never',
          () => {
            throw new TypeError('really not');
          },
          { retry: { attempts: 4, delay: 1, retryIf: (error) => !(error instanceof TypeError) } },
        );
        return ok;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result()).rejects.toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: { code: 'PAWL_STEP_FAILED', cause: { name: 'TypeError', message: 'really not' } },
    });
    expect(seen).toEqual([1, 2, 3]);
    const types = (await allEvents(run)).map((event) => event.type);
    expect(types.filter((type) => type.startsWith('step.'))).toEqual([
      'step.retried',
      'step.retried',
      'step.completed',
      'step.failed',
    ]);
  });

  test('a step’s events and its result are one commit, and none when the body fails', async () => {
    const store = new WatchedStore();
    await using pawl = memoryPawl({ store }).pawl;
    const workflow = defineWorkflow({
      name: 'step-events',
      ...counter,
      async run(ctx) {
        await ctx.step(
          'add',
          (step) => {
            step.emit('add', { n: 1 });
            if (step.attempt === 1) throw new Error('after the event');
          },
          { retry: { attempts: 2, delay: 1 } },
        );
        return ctx.state.sum;
      },
    });
    pawl.worker({ workflows: [workflow] });
    expect(await (await pawl.start(workflow, undefined)).result()).toBe(1);
    expect(store.commits[1]?.events.map((event) => event.type)).toEqual(['add', 'step.completed']);
  });

  test('the idempotency key is the same for every attempt and differs by step and run', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'keys',
      async run(ctx) {
        const attempts: string[] = [];
        await ctx.step(
          'a',
          ({ idempotencyKey, attempt }) => {
            attempts.push(idempotencyKey);
            if (attempt === 1) throw new Error('again');
          },
          { retry: { attempts: 2, delay: 1 } },
        );
        const other = await ctx.step('b', ({ idempotencyKey }) => idempotencyKey);
        return { same: attempts[0] === attempts[1], key: attempts[0], other };
      },
    });
    pawl.worker({ workflows: [workflow] });
    const one = await (await pawl.start(workflow, undefined)).result();
    const two = await (await pawl.start(workflow, undefined)).result();
    expect(one.same).toBe(true);
    expect(new Set([one.key, one.other, two.key, two.other]).size).toBe(4);
  });

  test.each([
    ['the same name twice', 'PAWL_STEP_NAME_REUSED', /In a loop, use a name such as `a:\$\{i\}`/],
    [
      'a result that cannot be stored',
      'PAWL_STEP_FAILED',
      /result of step socket\.inner is a function/,
    ],
    ['a state changed by hand', undefined, /read only|not extensible|read-only/],
  ])('%s fails the run with a message that helps', async (mistake, code, message) => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'mistakes',
      ...counter,
      async run(ctx) {
        switch (mistake) {
          case 'the same name twice':
            await ctx.step('a', () => 1);
            await ctx.step('a', () => 2);
            break;
          case 'a result that cannot be stored':
            await ctx.step('socket', () => ({ inner: () => 1 }));
            break;
          default:
            (ctx.state as { note: string }).note = 'changed';
        }
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const error = (await run.result().catch((thrown: unknown) => thrown)) as PawlError;
    expect(error).toMatchObject({
      code: 'PAWL_RUN_FAILED',
      cause: code === undefined ? {} : { code },
    });
    expect((error.cause as Error).message).toMatch(message);
  });
});

describe('ends', () => {
  test('a state that has grown too large fails the run, and the run can still end', async () => {
    await using pawl = memoryPawl({ limits: { stateBytes: 1_000 } }).pawl;
    const workflow = defineWorkflow({
      name: 'too-large',
      ...counter,
      async run(ctx) {
        await ctx.set({ note: 'x'.repeat(2_000) });
        await ctx.checkpoint();
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result()).rejects.toMatchObject({
      cause: {
        code: 'PAWL_LIMIT',
        message: expect.stringMatching(/^state.* is \d+, the limit is 1000/),
      },
    });
  });

  test('a run without anything but an output completes; anything thrown fails it', async () => {
    await using pawl = memoryPawl().pawl;
    const quick = defineWorkflow({ name: 'quick', run: () => new Map([['a', 1n]]) });
    const broken = defineWorkflow({
      name: 'broken',
      run() {
        // oxlint-disable-next-line typescript/only-throw-error -- users can throw anything
        throw 'a string';
      },
    });
    pawl.worker({ workflows: [quick, broken] });
    expect(await (await pawl.start(quick, undefined)).result()).toEqual(new Map([['a', 1n]]));
    await expect((await pawl.start(broken, undefined)).result()).rejects.toThrow(/a string/);
  });

  test('a run whose worker vanished is taken over by another one in the same process', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    let hold: () => void = () => undefined;
    const bodies: string[] = [];
    const workflow = defineWorkflow({
      name: 'vanishing',
      async run(ctx) {
        await ctx.step('first', () => bodies.push('first'));
        await ctx.step('second', async () => {
          bodies.push('second');
          if (bodies.length === 2) await new Promise<void>((resolve) => (hold = resolve));
        });
        return bodies;
      },
    });
    const first = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await expect.poll(() => bodies).toEqual(['first', 'second']);
    pawl.worker({ workflows: [workflow] });
    store.vanish(first.id);
    expect(await run.result()).toEqual(['first', 'second', 'second']);
    hold();
    checkLog(await allEvents(run));
    expect((await run.info()).takeovers).toBe(1);
  });

  test('result gives up waiting after its time, and says that the run goes on', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({ name: 'nobody', run: () => 1 });
    const run = await pawl.start(workflow, undefined);
    await expect(run.result({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'PAWL_TIMEOUT' });
  });
});

describe('definitions', () => {
  test.each([
    [{ name: 'x y' }, 'PAWL_INVALID'],
    [{ version: 0 }, 'PAWL_DEFINITION'],
    [{ state: z.object({ needed: z.string() }) }, 'PAWL_DEFINITION'],
    [{ events: { 'run.mine': z.object({}) } }, 'PAWL_INVALID'],
    [{ reduce: { unknown: () => ({}) } }, 'PAWL_DEFINITION'],
    [{ run: 'not a function' }, 'PAWL_DEFINITION'],
  ])('%#: a wrong one is refused when it is defined', (mistake: object, code) => {
    const definition = { name: 'x', run: (): number => 1, ...mistake };
    expect(() => defineWorkflow(definition)).toThrow(expect.objectContaining({ code }));
  });

  test('a schema that validates asynchronously is refused', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'async-schema',
      input: z.string().refine(async () => Promise.resolve(true)),
      run: () => 1,
    });
    await expect(pawl.start(workflow, 'x')).rejects.toMatchObject({ code: 'PAWL_DEFINITION' });
  });

  test('a worker needs workflows, each once', () => {
    const { pawl } = memoryPawl({ queue: new MemoryResumeQueue() });
    const workflow = defineWorkflow({ name: 'x', run: () => 1 });
    expect(() => pawl.worker({ workflows: [] })).toThrow(/at least one/);
    expect(() => pawl.worker({ workflows: [workflow, workflow] })).toThrow(/same name/);
    expect(() => pawl.worker({ workflows: [workflow], concurrency: 0 })).toThrow(/concurrency/);
    expect(() => pawl.worker({ workflows: [workflow], sessionMs: 10 })).toThrow(
      /longer than beatMs/,
    );
  });
});
