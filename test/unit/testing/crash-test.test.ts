// Goal: a crash test passes what survives every crash, and catches what does not. Method: workflows of every kind, then
// planted bugs of workflows and of stores.
import { describe, expect, test, vi } from 'vitest';
import { defineWorkflow } from 'pawl';
import {
  crashTest,
  CrashTestError,
  type CrashTestReport,
  ManualClock,
  openInMemory,
} from 'pawl/testing';
import { z } from 'zod';
import { isThorough } from '../../support/thorough.ts';
import { withMethods } from '../../support/with-methods.ts';

// A crash test plays its workflow dozens of times, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const adding = {
  state: z.object({ sum: z.number().default(0) }),
  events: { add: z.object({ n: z.int() }) },
  reduce: { add: (state: { sum: number }, { n }: { n: number }) => ({ sum: state.sum + n }) },
} as const;

/** The report of a crash test that must find something. */
async function found(tested: Promise<CrashTestReport>): Promise<CrashTestReport> {
  const error: unknown = await tested.catch((thrown: unknown) => thrown);
  if (!(error instanceof CrashTestError)) throw new Error(`found nothing: ${String(error)}`);
  expect(error.code).toBe('PAWL_CRASH_TEST');
  expect(error.message).toContain(error.report.violations[0]?.at);
  return error.report;
}

describe('what survives', () => {
  test('a run with a key, which needs its turn again when it wakes', async () => {
    const workflow = defineWorkflow({
      name: 'keyed',
      concurrencyPerKey: 1,
      async run(ctx) {
        await ctx.step('a', () => 1);
        await ctx.sleep('1h');
        return ctx.step('b', () => 2);
      },
    });
    const report = await crashTest(workflow, undefined, { key: 'acme' });
    // Claims and commits, and what is done about turns.
    expect(report.crashes).toBeGreaterThan((report.commits + 2) * 2);
  });

  test('steps with events, a map and steps inside of steps', async () => {
    const workflow = defineWorkflow({
      name: 'order',
      ...adding,
      input: z.object({ items: z.array(z.int()) }),
      async run(ctx, { items }) {
        await ctx.step('first', (step) => step.emit('add', { n: 1 }));
        const doubled = await ctx.map('double', items, (n, step) => {
          step.emit('add', { n });
          return n * 2;
        });
        const nested = await ctx.step('outer', async (step) => {
          const a = await step.step('a', () => 1);
          const b = await step.step('b', async (inner) => inner.step('deep', () => a + 1));
          return a + b;
        });
        await ctx.checkpoint({ label: 'nearly' });
        return { doubled, nested, sum: ctx.state.sum };
      },
    });
    const report = await crashTest(workflow, { items: [1, 2, 3] });
    expect(report).toMatchObject({ violations: [] });
    expect(report.commits).toBeGreaterThanOrEqual(7);
    // Each commit and the claim, before and after.
    expect(report.crashes).toBe((report.commits + 1) * 2);
  });

  test('the hook for the end, with steps and a wait of its own', async () => {
    const receipts = new Set<string>();
    const workflow = defineWorkflow({
      name: 'order',
      run: (ctx) => ctx.step('pack', () => 42),
      async onEnd(ctx, end) {
        await ctx.step('receipt', () => void receipts.add(`${end.run} ${end.status}`));
        await ctx.sleep('1h');
        await ctx.step('archive', () => null);
      },
    });
    const ends: unknown[] = [];
    const report = await crashTest(workflow, undefined, {
      setUp: () => receipts.clear(),
      observe: () => receipts,
      select: (ending) => {
        ends.push(ending.hook);
        return ending;
      },
    });
    expect(report.violations).toEqual([]);
    expect(new Set(ends)).toEqual(new Set(['completed']));
    // The run's claim and commits, and those of the hook.
    expect(report.crashes).toBeGreaterThanOrEqual(14);
  });

  test('retries, sleeps, signals and time-outs, with a snapshot at every turn', async () => {
    const workflow = defineWorkflow({
      name: 'patient',
      signals: { approved: z.object({ by: z.string() }), never: z.object({}) },
      async run(ctx) {
        const body = ({ attempt }: { attempt: number }): number => {
          if (attempt < 3) throw new Error('not yet');
          return attempt;
        };
        const attempts = await ctx.step('third', body, { retry: { attempts: 3, delay: 50 } });
        await ctx.sleep('3d');
        const approved = await ctx.waitFor('approved');
        const never = await ctx.waitFor('never', { timeout: '2d' });
        const again = await ctx.waitFor('approved', { as: 'again', timeout: '2h' });
        await ctx.sleep(10);
        return { attempts, approved, never, again };
      },
    });
    for (const replayBudgetMs of isThorough ? [2, 0.000_1] : [0.000_1]) {
      const report = await crashTest(workflow, undefined, {
        signals: [
          { name: 'approved', payload: { by: 'eve' } },
          { name: 'approved', payload: { by: 'bob' }, after: 6 },
        ],
        worker: { replayBudgetMs },
      });
      expect(report).toMatchObject({ violations: [] });
      expect(report.crashes).toBeGreaterThan(20);
    }
  });

  test('effects that are probed, and a run that is tried again', async () => {
    const charged = new Set<string>();
    const workflow = defineWorkflow({
      name: 'payment',
      retry: { attempts: 2, delay: 10 },
      async run(ctx) {
        const paid = await ctx.effect(
          'charge',
          ({ idempotencyKey }) => {
            if (charged.has(idempotencyKey)) throw new Error('charged twice');
            charged.add(idempotencyKey);
            return 'paid';
          },
          {
            onDoubt: ({ idempotencyKey }) =>
              charged.has(idempotencyKey)
                ? { happened: true, result: 'paid' }
                : { happened: false },
          },
        );
        await ctx.step('fails once', ({ signal }) => {
          if (charged.size === 1) charged.add('failed');
          else return signal.aborted;
          throw new Error('once');
        });
        return paid;
      },
    });
    const report = await crashTest(workflow, undefined, {
      setUp: () => charged.clear(),
      observe: () => charged.size,
    });
    expect(report).toMatchObject({ violations: [] });
  });

  test('a run that fails, and bodies that take real time', async () => {
    const workflow = defineWorkflow({
      name: 'failing',
      async run(ctx) {
        await ctx.step('slow', () => new Promise((resolve) => setTimeout(resolve, 3)));
        await ctx.step('bad', () => {
          throw new TypeError('always');
        });
      },
    });
    const report = await crashTest(workflow, undefined);
    expect(report).toMatchObject({ violations: [] });
    expect(report.crashes).toBeGreaterThan(5);
  });

  test('sleeps, signals, steps and a map side by side', async () => {
    const workflow = defineWorkflow({
      name: 'side-by-side',
      ...adding,
      signals: { a: z.int(), b: z.int() },
      async run(ctx) {
        const [a, b, doubled] = await Promise.all([
          ctx.waitFor('a'),
          ctx.waitFor('b', { timeout: '3d' }),
          ctx.map('double', [1, 2, 3], (n) => n * 2, { concurrency: 2 }),
          ctx.sleep('1d'),
          ctx.sleep('2h'),
          ctx.step('add', (step) => step.emit('add', { n: 1 })),
        ]);
        return { a, b, doubled, sum: ctx.state.sum };
      },
    });
    const signals = [
      { name: 'b', payload: 2 },
      { name: 'a', payload: 1, after: 2 },
    ];
    expect(await crashTest(workflow, undefined, { signals })).toMatchObject({ violations: [] });
  });

  test('a step that hangs until its time is over, and is tried again', async () => {
    const workflow = defineWorkflow({
      name: 'hanging',
      run: (ctx) =>
        ctx.step(
          'slow',
          ({ attempt }) => (attempt === 1 ? new Promise<string>(() => undefined) : 'in time'),
          { timeout: '10s', retry: { attempts: 2, delay: 5 } },
        ),
    });
    const report = await crashTest(workflow, undefined, { bodyMs: 5 });
    expect(report).toMatchObject({ violations: [] });
  });

  test('waiting for one and for all of several signals', async () => {
    const workflow = defineWorkflow({
      name: 'several',
      signals: { a: z.int(), b: z.int(), c: z.int() },
      async run(ctx) {
        const all = await ctx.waitForAll(['a', 'b']);
        const one = await ctx.waitForAny(['b', 'c'], { timeout: '1d' });
        return { all, one };
      },
    });
    const signals = ['b', 'a', 'c'].map((name, i) => ({ name, payload: i, after: i * 2 }));
    expect(await crashTest(workflow, undefined, { signals })).toMatchObject({ violations: [] });
  });
});

const talking = defineWorkflow({
  name: 'talking',
  async run(ctx) {
    void ctx.output('log').write('begun');
    await ctx.step('talk', async (step) => {
      await step.write('a');
      void step.write('b');
      await step.step('aside', (aside) => void aside.write('c'));
      await step.output('log').write('said');
    });
    await ctx.sleep('1h');
    await ctx.map('rows', [1, 2], (n, step) => step.output('rows').write(n), { concurrency: 1 });
    await ctx.output('log').write('done');
  },
});

test('what a run gives out is the same, without dead epochs', async () => {
  let ended: unknown;
  const report = await crashTest(talking, undefined, {
    select: (ending) => {
      ended = ending.chunks;
      return ending;
    },
  });
  expect(report.violations).toEqual([]);
  expect(ended).toEqual({
    default: { talk: ['a', 'b'], 'talk › aside': ['c'] },
    log: { '': ['begun', 'done'], talk: ['said'] },
    rows: { 'rows:0': [1], 'rows:1': [2] },
  });
  // Each commit, write and claim is a place to die, before and after.
  expect(report.crashes).toBeGreaterThan((report.commits + 5) * 2);
});

test('of several signals the oldest is taken, also when they came while the worker was dead', async () => {
  const workflow = defineWorkflow({
    name: 'oldest',
    signals: { a: z.int(), b: z.int() },
    async run(ctx) {
      const any = await ctx.waitForAny(['a', 'b']);
      const all = await ctx.waitForAll(['a', 'b'], { timeout: '1h' });
      return { any, all };
    },
  });
  const signals = [
    { name: 'b', payload: 1, after: 1 },
    { name: 'b', payload: 2, after: 2 },
    { name: 'a', payload: 3, after: 2 },
  ];
  // Posted before a worker is there, so that all are found at once.
  const clock = new ManualClock();
  await using pawl = openInMemory({ clock });
  const run = await pawl.start(workflow, undefined);
  await run.signal('b', 1);
  await run.signal('b', 2);
  await run.signal('a', 3);
  pawl.worker({ workflows: [workflow] });
  await clock.settle();
  expect(await run.result()).toEqual({ any: { name: 'b', payload: 1 }, all: { a: 3, b: 2 } });
  for (const replayBudgetMs of [2, 0.000_1]) {
    const options = { signals, worker: { replayBudgetMs } };
    expect(await crashTest(workflow, undefined, options)).toMatchObject({ violations: [] });
  }
});

test('a signal or an input that does not fit is refused', async () => {
  const workflow = defineWorkflow({
    name: 'strict',
    input: z.object({ n: z.int() }),
    signals: { go: z.int() },
    run: (ctx, { n }) => ctx.step('a', () => n),
  });
  await expect(crashTest(workflow, { n: 0.5 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  for (const after of [0, 1]) {
    const signals = [{ name: 'go', payload: 'x', after }];
    const tested = crashTest(workflow, { n: 1 }, { signals });
    await expect(tested).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  }
});

describe('what does not survive', () => {
  test('work outside of a step, seen in the outside world', async () => {
    const sent: string[] = [];
    const workflow = defineWorkflow({
      name: 'forgetful',
      async run(ctx) {
        await ctx.step('a', () => 1);
        sent.push('unread');
        await ctx.step('b', () => 2);
      },
    });
    const { violations } = await found(
      crashTest(workflow, undefined, { setUp: () => sent.splice(0), observe: () => sent }),
    );
    expect(violations.map(({ at }) => at)).toContain('before 3: commit of step.completed');
    expect(violations[0]?.what).toMatch(/ends as .*'unread', 'unread'.* undisturbed as .*'unread'/);
  });

  test('work that differs by itself is named as such, and not blamed on a crash', async () => {
    let calls = 0;
    const workflow = defineWorkflow({ name: 'counting', run: () => ++calls });
    const { violations, crashes } = await found(crashTest(workflow, undefined));
    expect(violations.map(({ at }) => at)).toEqual(['undisturbed, a second time']);
    expect(crashes).toBe(0);
    const report = await crashTest(workflow, undefined, { select: ({ status }) => status });
    expect(report.crashes).toBeGreaterThan(0);
  });

  test('an event that is emitted outside of a step', async () => {
    const workflow = defineWorkflow({
      name: 'repeating',
      ...adding,
      async run(ctx) {
        await ctx.emit('add', { n: 1 });
        await ctx.step('a', () => 1);
        return ctx.state.sum;
      },
    });
    const { violations } = await found(crashTest(workflow, undefined));
    expect(violations[0]?.what).toMatch(/output: 2, .* undisturbed .*output: 1,/);
  });

  test('a reducer that is not pure', async () => {
    let total = 0;
    const workflow = defineWorkflow({
      name: 'impure',
      ...adding,
      reduce: { add: (_, { n }) => ({ sum: (total += n) }) },
      async run(ctx) {
        await ctx.step('a', (step) => step.emit('add', { n: 1 }));
        await ctx.step('b', (step) => step.emit('add', { n: 1 }));
        return ctx.state.sum;
      },
    });
    const { violations } = await found(
      crashTest(workflow, undefined, {
        setUp: () => {
          total = 0;
        },
        select: ({ output }) => output,
      }),
    );
    expect(violations.every(({ what }) => what.startsWith('it ends as'))).toBe(true);
  });

  const twoSteps = defineWorkflow({
    name: 'two-steps',
    async run(ctx) {
      await ctx.step('a', () => 1);
      await ctx.step('b', () => 2);
      await ctx.step('c', () => 3);
    },
  });

  test('a store that drops the result of a step', async () => {
    const report = await found(
      crashTest(twoSteps, undefined, {
        store: (store) =>
          withMethods(store, {
            commit: (params) => {
              const events = params.events.map((event) =>
                event.type === 'step.completed' ? { ...event, type: 'dropped' } : event,
              );
              return store.commit({ ...params, events });
            },
          }),
      }),
    );
    const whats = report.violations.map(({ what }) => what);
    expect(whats).toContain('event 3 step.completed was acknowledged, and dropped is in its place');
  });

  test('a snapshot that forgets, so that a finished step runs again', async () => {
    const report = await found(
      crashTest(twoSteps, undefined, {
        worker: { replayBudgetMs: 0.000_1 },
        store: (store) =>
          withMethods(store, {
            commit: (params) =>
              store.commit(
                params.snapshot === undefined
                  ? params
                  : { ...params, snapshot: { ...params.snapshot, set: new Map() } },
              ),
          }),
      }),
    );
    const whats = report.violations.map(({ what }) => what);
    expect(whats).toContain('the body of step "a" ran again, after its result was stored');
  });

  test('an epoch that goes on when the step runs again', async () => {
    const epochs = new Map<string, number>();
    const report = await found(
      crashTest(talking, undefined, {
        setUp: () => epochs.clear(),
        store: (store) => {
          const outputs = withMethods(store.outputs, {
            write: (params) => {
              const chunks = params.chunks.map((chunk) => {
                const place = `${chunk.output} ${chunk.step}`;
                const epoch = epochs.get(place) ?? chunk.epoch;
                epochs.set(place, epoch);
                return { ...chunk, epoch };
              });
              return store.outputs.write({ ...params, chunks });
            },
          });
          return withMethods(store, { outputs });
        },
      }),
    );
    expect(report.violations.map(({ at }) => at)).toContainEqual(
      expect.stringContaining('write of'),
    );
  });

  test('a store that loses a run with its worker', async () => {
    // Each crash is waited for in vain, so there are few.
    const oneStep = defineWorkflow({ name: 'one-step', run: (ctx) => ctx.step('a', () => 1) });
    const report = await found(
      crashTest(oneStep, undefined, {
        store: (store) =>
          withMethods(store, { fleet: withMethods(store.fleet, { interrupt: async () => [] }) }),
      }),
    );
    expect(report.violations.map(({ what }) => what)).toContain('the run does not end');
  });
});
