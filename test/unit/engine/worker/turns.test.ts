// Goal: runs of one key never do more at once than their workflow says, keys take turns, and every policy for a busy key
// does what it says; also when whoever cares for a turn dies between two calls. Method: handlers that count themselves,
// over a memory store; calls that are made to fail stand for a process that dies there.
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ManualClock, openInMemory } from 'pawl/testing';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { Pawl } from '../../../../src/pawl.ts';
import { defineWorkflow, type Workflow } from '../../../../src/engine/definition/workflow.ts';
import { withMethods } from '../../../support/with-methods.ts';

type Turns = MemoryRunStore['turns'];

/** Long enough for a machine that is busy. */
const eventually = <T>(look: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(look, { timeout: 15_000, interval: 5 });

type Options = Pick<
  Workflow['definition'],
  'concurrencyPerKey' | 'concurrencyOfKeys' | 'ratePerKey' | 'onBusy'
>;

/** A workflow whose runs work until they are let go, and what is known of them. */
function gated(options: Options) {
  const working = new Map<string, () => void>();
  const began: string[] = [];
  let most = 0;
  const workflow = defineWorkflow({
    name: 'gated',
    input: z.object({ n: z.number() }),
    ...options,
    run: async (ctx, { n }) => {
      await ctx.step('work', async ({ signal }) => {
        began.push(ctx.run);
        await new Promise<void>((resolve, reject) => {
          working.set(ctx.run, resolve);
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          most = Math.max(most, working.size);
        }).finally(() => working.delete(ctx.run));
      });
      return n;
    },
  });
  return {
    workflow,
    began,
    working,
    get most() {
      return most;
    },
    /** Lets runs end, one after the other, in the order in which they began, until so many have. */
    async drain(count: number): Promise<void> {
      for (let done = 0; done < count; done++) {
        const [id, end] = await eventually(() => {
          const [first] = working;
          if (first === undefined) throw new Error(`nothing is at work after ${done}`);
          return first;
        });
        end();
        await eventually(() => expect(working.has(id)).toBe(false));
      }
    },
  };
}

function openWith(change: (turns: Turns) => Partial<Turns> = () => ({})): {
  readonly pawl: Pawl;
  readonly store: MemoryRunStore;
} {
  const plain = new MemoryRunStore();
  const store = withMethods(plain, { turns: withMethods(plain.turns, change(plain.turns)) });
  return { pawl: Pawl.assemble({ store, queue: new MemoryResumeQueue() }), store: plain };
}

test('runs of one key go one at a time, each key by itself', async () => {
  const gate = gated({ concurrencyPerKey: 1 });
  const { pawl } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [gate.workflow] });
  for (let n = 0; n < 4; n++) await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a' });
  await pawl.start(gate.workflow, { n: 9 }, { id: 'b0', key: 'b' });
  await eventually(() => expect([...gate.working.keys()].sort()).toEqual(['a0', 'b0']));
  await gate.drain(5);
  expect(gate.began.filter((id) => id.startsWith('a'))).toEqual(['a0', 'a1', 'a2', 'a3']);
  expect(gate.most).toBe(2);
});

test('keys take turns, however many runs one of them has', async () => {
  const gate = gated({ concurrencyOfKeys: 1 });
  const { pawl } = openWith();
  await using _ = pawl;
  for (let n = 0; n < 5; n++) await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a' });
  for (let n = 0; n < 2; n++) await pawl.start(gate.workflow, { n }, { id: `b${n}`, key: 'b' });
  pawl.worker({ workflows: [gate.workflow] });
  await gate.drain(7);
  expect(gate.began).toEqual(['a0', 'a1', 'b0', 'a2', 'b1', 'a3', 'a4']);
  expect(gate.most).toBe(1);
});

test('a run that waits gives its turn to others, also to its child', async () => {
  const child = defineWorkflow({ name: 'child', concurrencyPerKey: 1, run: () => 'child' });
  const parent = defineWorkflow({
    name: 'parent',
    concurrencyPerKey: 1,
    signals: { go: z.object({}) },
    run: async (ctx) => {
      const started = await ctx.start(child, undefined, { key: 'a' });
      const result = await started.result();
      await ctx.waitFor('go');
      return result;
    },
  });
  const { pawl } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [parent, child] });
  const first = await pawl.start(parent, undefined, { key: 'a' });
  await eventually(async () => expect((await first.info()).waits[0]?.on).toEqual(['go']));
  const second = await pawl.start(parent, undefined, { key: 'a' });
  await eventually(async () => expect((await second.info()).waits[0]?.on).toEqual(['go']));
  await second.signal('go', {});
  expect(await second.result()).toBe('child');
  await first.signal('go', {});
  expect(await first.result()).toBe('child');
});

test('drop: the start of a busy key is refused, and nothing is written', async () => {
  const gate = gated({ concurrencyPerKey: 1, onBusy: 'drop' });
  const { pawl, store } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [gate.workflow] });
  await pawl.start(gate.workflow, { n: 1 }, { id: 'one', key: 'a' });
  const refused = pawl.start(gate.workflow, { n: 2 }, { id: 'two', key: 'a' });
  await expect(refused).rejects.toMatchObject({ code: 'PAWL_KEY_BUSY' });
  expect(await store.record('two')).toBe(undefined);
  // The same start again finds its run, busy or not.
  expect((await pawl.start(gate.workflow, { n: 1 }, { id: 'one', key: 'a' })).id).toBe('one');
  await pawl.start(gate.workflow, { n: 3 }, { id: 'other', key: 'b' });
  await gate.drain(2);
  await eventually(async () => {
    await pawl.start(gate.workflow, { n: 2 }, { id: 'two', key: 'a' });
  });
  await gate.drain(1);
  expect(gate.began).toEqual(['one', 'other', 'two']);
});

test('replace: older runs of a busy key are cancelled', async () => {
  const gate = gated({ concurrencyPerKey: 1, onBusy: 'replace' });
  const { pawl } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [gate.workflow] });
  const runs = [];
  for (let n = 0; n < 3; n++) {
    runs.push(await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a' }));
    if (n === 0) await eventually(() => expect(gate.working.has('a0')).toBe(true));
  }
  await eventually(() => expect([...gate.working.keys()]).toEqual(['a2']));
  await gate.drain(1);
  expect(await runs[2]?.result()).toBe(2);
  for (const run of runs.slice(0, 2)) {
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
  }
  expect(gate.began).toEqual(['a0', 'a2']);
});

test('debounce: of a burst the newest run is left, and the one at work goes on', async () => {
  const gate = gated({ concurrencyPerKey: 1, onBusy: 'debounce' });
  const { pawl } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [gate.workflow] });
  const runs = [];
  for (let n = 0; n < 5; n++) {
    runs.push(await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a' }));
  }
  await gate.drain(2);
  expect(await runs[0]?.result()).toBe(0);
  expect(await runs[4]?.result()).toBe(4);
  expect(gate.began).toEqual(['a0', 'a4']);
  expect((await pawl.list({ key: 'a', status: 'cancelled' })).runs).toHaveLength(3);
});

test('debounce with a delay: the last start of a burst runs, when it has been quiet', async () => {
  const gate = gated({ onBusy: 'debounce' });
  const { pawl } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [gate.workflow] });
  for (let n = 0; n < 5; n++) {
    await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a', delay: 300 });
  }
  await gate.drain(1);
  expect(gate.began).toEqual(['a4']);
});

test('so many runs of a key begin in a stretch of time', async () => {
  const clock = new ManualClock();
  const began: number[] = [];
  const hurried = defineWorkflow({
    name: 'hurried',
    ratePerKey: { max: 2, per: '10s' },
    run: () => void began.push(clock.monotonic()),
  });
  await using pawl = openInMemory({ clock });
  pawl.worker({ workflows: [hurried] });
  for (let n = 0; n < 5; n++) await pawl.start(hurried, undefined, { id: `a${n}`, key: 'a' });
  await clock.advance(9_999);
  expect(began).toHaveLength(2);
  await clock.advance('1h');
  const [first = NaN, , third = NaN, , fifth = NaN] = began;
  expect(began).toHaveLength(5);
  expect(third - first).toBeGreaterThanOrEqual(10_000);
  expect(fifth - third).toBeGreaterThanOrEqual(10_000);
});

test('a run that is cancelled, paused or deleted leaves the line', async () => {
  const gate = gated({ concurrencyPerKey: 1 });
  const { pawl } = openWith();
  await using _ = pawl;
  pawl.worker({ workflows: [gate.workflow] });
  const runs = [];
  for (let n = 0; n < 5; n++) {
    runs.push(await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a' }));
  }
  await runs[1]?.cancel();
  await runs[2]?.pause();
  await pawl.delete('a3');
  await gate.drain(2);
  expect(gate.began).toEqual(['a0', 'a4']);
  await runs[2]?.resume();
  await gate.drain(1);
  expect(gate.began).toEqual(['a0', 'a4', 'a2']);
});

/** Whoever makes the call dies: the first one comes to nothing, before or after it has taken effect. */
function dying(name: 'enter' | 'admit' | 'leave', isAfter: boolean) {
  return (turns: Turns): Partial<Turns> => {
    let isDead = false;
    const call = async (...given: readonly unknown[]): Promise<never> => {
      const isDying = !isDead;
      isDead = true;
      if (isDying && !isAfter) throw new Error('died before');
      const answer = (await Reflect.apply(turns[name], turns, given)) as never;
      if (isDying) throw new Error('died after');
      return answer;
    };
    return { [name]: call };
  };
}

for (const name of ['enter', 'admit', 'leave'] as const) {
  for (const isAfter of [false, true]) {
    test.concurrent(`a crash ${isAfter ? 'after' : 'before'} ${name} delays a turn, and loses none`, async () => {
      const gate = gated({ concurrencyPerKey: 1 });
      const { pawl } = openWith(dying(name, isAfter));
      await using _ = pawl;
      pawl.worker({ workflows: [gate.workflow] });
      for (let n = 0; n < 3; n++) await pawl.start(gate.workflow, { n }, { id: `a${n}`, key: 'a' });
      await gate.drain(3);
      expect(gate.most).toBe(1);
      expect([...gate.began].sort()).toEqual(['a0', 'a1', 'a2']);
    }, 30_000);
  }
}
