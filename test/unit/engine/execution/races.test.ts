// Goal: a handler that is called again takes the way it took. Method: the memory store; a worker lets go of the run behind
// each decision, and another one calls the handler again.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  type Context,
  defineWorkflow,
  type EventSchemas,
  type Pawl,
  type RunHandle,
  type WorkerOptions,
} from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const signals = { paid: z.string(), note: z.string() };

/** Takes the run from its worker and gives it to another one, so that the handler is called again. */
async function again(
  pawl: Pawl,
  workflows: WorkerOptions['workflows'],
  worker: { close(o: { graceMs: number }): Promise<void> },
) {
  await worker.close({ graceMs: 0 });
  return pawl.worker({ workflows });
}

/** What one waits for and another one does: an order, where a time would be a guess. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 4_000 && !(await condition()); i++) await pause(5);
}

/**
 * Plays a decision twice: when it is taken a first time, another worker calls the handler again. Returns both ways.
 * `between`: what happens to the run meanwhile.
 */
async function playedTwice(
  decide: (ctx: Context<object, EventSchemas, typeof signals>) => Promise<string>,
  between: (run: RunHandle<unknown, unknown, typeof signals>) => Promise<unknown> = async () =>
    undefined,
): Promise<string[]> {
  await using pawl = memoryPawl().pawl;
  const ways: string[] = [];
  let isHeld = true;
  const workflow = defineWorkflow({
    name: 'decision',
    signals,
    async run(ctx) {
      const way = await decide(ctx);
      ways.push(way);
      await ctx.step('after', async () => {
        if (isHeld) await pause(60_000);
      });
      return way;
    },
  });
  const one = pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await until(() => ways.length === 1);
  await between(run);
  isHeld = false;
  await again(pawl, [workflow], one);
  await run.result({ timeoutMs: 20_000 });
  checkLog(await allEvents(run));
  return ways;
}

describe('on a resume', () => {
  test('what was first comes first, however long its way to the handler is', async () => {
    const [first, second] = await playedTwice(async (ctx) => {
      await pause(5);
      // The result of a map comes through more promises than that of a step.
      const mapped = ctx.map('map', [0], () => 'map').then(() => 'map');
      return Promise.race([mapped, ctx.step('step', () => 'step')]);
    });
    expect(second).toBe(first);
  });

  test('the step that won a race wins it again, whichever is asked for first', async () => {
    const ways = await playedTwice(async (ctx) => {
      const isQuickDone = gate();
      const slow = ctx.step('slow', () => isQuickDone.opened.then(() => 'slow'));
      const quick = ctx.step('quick', () => 'quick');
      void quick.then(isQuickDone.open);
      const first = await Promise.race([slow, quick]);
      await Promise.all([slow, quick]);
      return first;
    });
    expect(ways).toEqual(['quick', 'quick']);
  });

  test('two that ended in one commit are handed over one after the other, with all that follows in between', async () => {
    const ways = await playedTwice(async (ctx) => {
      // The chain behind `long` is longer, and it is still the first.
      const long = async (): Promise<string> => {
        await ctx.step('long', () => 1);
        for (let i = 0; i < 20; i++) await Promise.resolve();
        return 'long';
      };
      const short = ctx.step('short', () => 2).then(() => 'short');
      return Promise.race([long(), short]);
    });
    expect(new Set(ways).size).toBe(1);
    expect(ways).toHaveLength(2);
  });

  test('a step that is asked for after something plain keeps its place', async () => {
    const ways = await playedTwice(async (ctx) => {
      const isLaterDone = gate();
      const later = pause(15).then(() => ctx.step('later', () => 'later'));
      void later.then(isLaterDone.open);
      const slow = ctx.step('slow', () => isLaterDone.opened.then(() => 'slow'));
      const first = await Promise.race([slow, later]);
      await slow;
      return first;
    });
    expect(ways).toEqual(['later', 'later']);
  });

  test('a sleep that has won over a signal has won, though the signal has come since', async () => {
    const ways = await playedTwice(
      (ctx) =>
        Promise.race([ctx.waitFor('paid').then(() => 'ship'), ctx.sleep(30).then(() => 'refund')]),
      async (run) => {
        await run.signal('paid', 'late');
        await pause(20);
      },
    );
    expect(ways).toEqual(['refund', 'refund']);
  });
});

describe('waits', () => {
  test('one signal settles one wait, the one that was begun first', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = defineWorkflow({
      name: 'three-waits',
      signals,
      async run(ctx) {
        const busy = ctx.step('busy', () => pause(300));
        const order: string[] = [];
        const wait = (as: string) =>
          ctx.waitFor('note', { as }).then((note) => order.push(`${as} ${note}`));
        await Promise.all([wait('a'), wait('b'), wait('c'), busy]);
        return order;
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    for (const note of ['1', '2', '3']) {
      await pause(20);
      await run.signal('note', note);
    }
    expect(await run.result({ timeoutMs: 20_000 })).toEqual(['a 1', 'b 2', 'c 3']);
  });

  test('a wait that is withdrawn takes no signal', async () => {
    await using pawl = memoryPawl().pawl;
    let isWithdrawn = false;
    const workflow = defineWorkflow({
      name: 'withdrawn',
      signals,
      async run(ctx) {
        const over = new AbortController();
        const first = ctx
          .waitFor('note', { as: 'first', signal: over.signal })
          .catch(() => 'withdrawn');
        await ctx.step('work', () => pause(10));
        over.abort(new Error('not any more'));
        isWithdrawn = true;
        const second = await ctx.waitFor('note', { as: 'second' });
        return [await first, second];
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await until(() => isWithdrawn);
    await run.signal('note', 'x');
    expect(await run.result({ timeoutMs: 20_000 })).toEqual(['withdrawn', 'x']);
  });

  test('a race withdraws the losers, whether they are given as promises or as functions', async () => {
    await using pawl = memoryPawl().pawl;
    let races = 0;
    const workflow = defineWorkflow({
      name: 'ctx-race',
      signals,
      async run(ctx) {
        const one = await ctx.race({ paid: ctx.waitFor('paid'), late: ctx.sleep(20) });
        const two = await ctx.race({
          paid: ({ signal }) => ctx.waitFor('paid', { as: 'again', signal }),
          late: ({ signal }) => ctx.sleep(20, { as: 'again late', signal }),
        });
        races = 2;
        const three = await ctx.race({
          paid: ctx.waitFor('paid', { as: 'third' }),
          late: ctx.sleep('1h'),
        });
        return [one, two, three];
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await until(() => races === 2);
    await run.signal('paid', 'ada');
    expect(await run.result({ timeoutMs: 20_000 })).toEqual([
      { name: 'late', value: undefined },
      { name: 'late', value: undefined },
      { name: 'paid', value: 'ada' },
    ]);
  });

  test('of a signal and a time-out, what came first wins, also when nobody looked', async () => {
    const { pawl } = memoryPawl();
    await using _ = pawl;
    const workflow = defineWorkflow({
      name: 'nobody-looked',
      signals,
      async run(ctx) {
        return (await ctx.waitFor('note', { timeout: '3s' })) ?? 'time over';
      },
    });
    const one = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    const late = await pawl.start(workflow, undefined);
    const isParked = async (handle: RunHandle) => (await handle.info()).status === 'waiting';
    await until(() => isParked(run));
    await until(() => isParked(late));
    await one.close();
    await run.signal('note', 'in time');
    await pause(3_100);
    await late.signal('note', 'too late');
    pawl.worker({ workflows: [workflow] });
    expect(await run.result({ timeoutMs: 20_000 })).toBe('in time');
    expect(await late.result({ timeoutMs: 20_000 })).toBe('time over');
  });
});

test('two approvals at once find the wait that is meant', async () => {
  await using pawl = memoryPawl().pawl;
  const approval = z.object({ call: z.string(), ok: z.boolean() });
  const workflow = defineWorkflow({
    name: 'two-approvals',
    signals: { approval },
    run: (ctx) =>
      Promise.all([
        ctx.waitFor('approval', { as: 'c1', match: { call: 'c1' } }),
        ctx.waitFor('approval', { as: 'c2', match: ({ call }) => call === 'c2' }),
      ]),
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await until(async () => (await run.info()).status === 'waiting');
  await run.signal('approval', { call: 'c2', ok: true });
  await run.signal('approval', { call: 'other', ok: true });
  await run.signal('approval', { call: 'c1', ok: false });
  expect(await run.result({ timeoutMs: 20_000 })).toEqual([
    { call: 'c1', ok: false },
    { call: 'c2', ok: true },
  ]);
});

test('a run is not parked between the pause before an attempt and its body', async () => {
  await using pawl = memoryPawl().pawl;
  const seen: string[] = [];
  const workflow = defineWorkflow({
    name: 'pause-then-body',
    signals,
    async run(ctx) {
      const paid = ctx.waitFor('paid');
      await ctx.step(
        'work',
        async ({ attempt }) => {
          if (attempt === 1) throw new Error('again');
          await pause(50);
          seen.push((await pawl.run(ctx.run).info()).status);
        },
        { retry: { attempts: 2, delay: 20 } },
      );
      return paid;
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await until(() => seen.length > 0);
  await run.signal('paid', 'now');
  expect(await run.result({ timeoutMs: 20_000 })).toBe('now');
  expect(seen).toEqual(['running']);
});
