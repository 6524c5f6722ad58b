import type { RunStore } from '../../core/store.ts';
import type { EnterParams, Keyed } from '../../core/turns.ts';
import { rounds } from '../eventually.ts';
import { grantsPerCall, turnCheck } from '../../core/turns.ts';
import {
  admitted,
  atWork,
  dueTurns,
  entering,
  granted,
  keyed,
  limits,
  newWorkflow,
} from './keyed.ts';
import { bytes, committed, farMs, type RunStoreTest, type RunStoreTheme } from './opened.ts';

/** So many new runs of a key. */
async function several(
  store: RunStore,
  workflow: string,
  key: string,
  count: number,
): Promise<readonly Keyed[]> {
  const runs: Keyed[] = [];
  for (let i = 0; i < count; i++) runs.push(await keyed(store, workflow, { key }));
  return runs;
}

async function enterAll(
  store: RunStore,
  runs: readonly Keyed[],
  params: Partial<EnterParams> = {},
): Promise<void> {
  for (const run of runs) await store.turns.enter(entering(run, params));
}

/** Gives back one turn after the other; the runs in the order in which they got theirs. */
async function orderFrom(
  store: RunStore,
  first: readonly { readonly turn: number; readonly run: string }[],
  all: readonly Keyed[],
): Promise<readonly string[]> {
  const order: string[] = [];
  const left = [...first];
  for (let turn = left.shift(); turn !== undefined; turn = left.shift()) {
    const { run } = turn;
    order.push(run);
    const own = all.find((one) => one.run === run);
    if (own === undefined) throw new Error(`a turn was granted to ${run}`);
    left.push(...(await store.turns.leave(own, turn.turn)).granted);
  }
  return order;
}

function limiting(test: RunStoreTest): void {
  test('a key has so many turns at one time, and each key its own', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const known = { limits: limits({ perKey: 2 }) };
    const a = await several(store, workflow, 'a', 3);
    const b = await several(store, workflow, 'b', 1);
    const outcomes: string[] = [];
    for (const run of [...a, ...b]) {
      outcomes.push((await store.turns.enter(entering(run, known))).outcome);
    }
    expect(outcomes).toEqual(['granted', 'granted', 'queued', 'granted']);
  });

  test('all keys together have so many turns', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const known = { limits: limits({ fleet: 2 }) };
    const outcomes: string[] = [];
    for (const key of ['a', 'b', 'c']) {
      const [run] = await several(store, workflow, key, 1);
      if (run) outcomes.push((await store.turns.enter(entering(run, known))).outcome);
    }
    expect(outcomes).toEqual(['granted', 'granted', 'queued']);
  });

  test('without limits everybody gets a turn', async ({ store, expect }) => {
    const workflow = newWorkflow();
    for (const run of await several(store, workflow, 'a', 3)) {
      const { workflow: of, key, run: id, birth } = run;
      const asked = { workflow: of, key, run: id, birth, priority: 0 };
      expect((await store.turns.enter(asked)).outcome).toBe('granted');
    }
  });

  test('so many turns of a key begin in a stretch of time', async (opened) => {
    const { store, advance, expect } = opened;
    const perMs = 700;
    for (const _ of rounds('a machine that is calm', 20)) {
      const workflow = newWorkflow();
      const known = { limits: limits({ rate: { max: 2, perMs } }) };
      const a = await several(store, workflow, 'a', 4);
      const outcomes: string[] = [];
      const early: string[] = [];
      const began = performance.now();
      for (const run of a) outcomes.push((await store.turns.enter(entering(run, known))).outcome);
      for (const run of a.slice(0, 2)) {
        const { held } = await store.turns.leave(run);
        const { granted: next } = await store.turns.leave(run, held?.turn);
        early.push(...next.map(({ run: id }) => id));
      }
      const isOver = performance.now() - began > perMs;
      await advance(perMs + 100);
      const { granted: later } = await dueTurns(store, workflow);
      // Only a busy machine makes the calls take as long as the stretch: then nothing was shown.
      if (isOver) continue;
      expect(outcomes).toEqual(['granted', 'granted', 'queued', 'queued']);
      expect(early).toEqual([]);
      expect(later).toEqual(a.slice(2).map(({ run }) => run));
      return;
    }
  });

  test('limits of older code do not take the place of those of newer code', async (opened) => {
    const { store, expect } = opened;
    const workflow = newWorkflow();
    await store.turns.limit({ [workflow]: limits({ perKey: 1, codeVersion: 3 }) });
    const [a, b] = await several(store, workflow, 'a', 2);
    const older = { limits: limits({ perKey: 9, codeVersion: 2 }) };
    if (a) expect((await store.turns.enter(entering(a, older))).outcome).toBe('granted');
    if (b) expect((await store.turns.enter(entering(b, older))).outcome).toBe('queued');
    await store.turns.limit({ [workflow]: limits({ perKey: 9, codeVersion: 3 }) });
    expect((await dueTurns(store, workflow)).granted).toEqual([b?.run]);
  });
}

function fairness(test: RunStoreTest): void {
  test('keys take turns, however many runs one of them has', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const known = { limits: limits({ fleet: 1 }) };
    const a = await several(store, workflow, 'a', 5);
    const b = await several(store, workflow, 'b', 2);
    const c = await several(store, workflow, 'c', 1);
    const all = [...a, ...b, ...c];
    const first = await granted(store, all[0] as Keyed, known);
    await enterAll(store, all.slice(1), known);
    const ids = (...runs: (Keyed | undefined)[]): unknown[] => runs.map((run) => run?.run);
    const expected = ids(a[0], a[1], b[0], c[0], a[2], b[1], a[3], a[4]);
    expect(await orderFrom(store, [first], all)).toEqual(expected);
  });

  test('within a key it goes by priority, then first come, first served', async (opened) => {
    const { store, expect } = opened;
    const workflow = newWorkflow();
    const runs = await several(store, workflow, 'a', 5);
    const first = await granted(store, runs[0] as Keyed);
    const priorities = [0, 5, 0, 1_000_000, 5];
    for (const [i, run] of runs.slice(1).entries()) {
      await store.turns.enter(entering(run, { priority: priorities[i + 1] ?? 0 }));
    }
    const places = [0, 2, 1, 4, 3];
    expect(await orderFrom(store, [first], runs)).toEqual(places.map((i) => runs[i]?.run));
  });

  test('a run that was at work goes before those that have not begun', async (opened) => {
    const { store, expect } = opened;
    const runs = await several(store, newWorkflow(), 'a', 3);
    const first = await granted(store, runs[0] as Keyed);
    await store.turns.enter(entering(runs[1] as Keyed));
    await store.turns.enter(entering(runs[2] as Keyed, { state: 'begun', priority: 9 }));
    const places = [0, 2, 1];
    expect(await orderFrom(store, [first], runs)).toEqual(places.map((i) => runs[i]?.run));
  });

  test('who asks again keeps its place', async ({ store, expect }) => {
    const runs = await several(store, newWorkflow(), 'a', 3);
    const first = await granted(store, runs[0] as Keyed);
    await enterAll(store, [...runs.slice(1), runs[1] as Keyed, runs[2] as Keyed, runs[1] as Keyed]);
    expect(await orderFrom(store, [first], runs)).toEqual(runs.map(({ run }) => run));
  });

  test('of very many turns the sweeper grants the rest', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const count = grantsPerCall + 10;
    const runs = await several(store, workflow, 'a', count + 1);
    const first = await granted(store, runs[0] as Keyed);
    await enterAll(store, runs.slice(1));
    await store.turns.limit({ [workflow]: limits({ perKey: count + 1, codeVersion: 1 }) });
    const { granted: ids } = await dueTurns(store, workflow);
    expect(ids).toEqual(runs.slice(1).map(({ run }) => run));
    expect(ids).not.toContain(first.run);
  });
}

function leaving(test: RunStoreTest): void {
  test('only who knows the number of a turn gives it back', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const [a, b] = await several(store, workflow, 'a', 2);
    if (a === undefined || b === undefined) return;
    const old = await admitted(store, a);
    await store.turns.enter(entering(b));
    const turn = await granted(store, a);
    expect(await store.turns.leave(a, old.turn)).toEqual({ granted: [], held: turn });
    expect(await store.turns.leave(a)).toEqual({ granted: [], held: turn });
    const left = await store.turns.leave(a, turn.turn);
    expect(left).toMatchObject({ granted: [{ run: b.run, key: 'a' }], held: undefined });
  });

  test('who leaves the line gets no turn', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const runs = await several(store, workflow, 'a', 3);
    const first = await granted(store, runs[0] as Keyed);
    await enterAll(store, runs.slice(1));
    expect(await store.turns.leave(runs[1] as Keyed)).toEqual({ granted: [], held: undefined });
    const left = await store.turns.leave(runs[0] as Keyed, first.turn);
    expect(left.granted.map(({ run }) => run)).toEqual([runs[2]?.run]);
  });

  test('only if it is free: nothing is written otherwise', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const [a, b, c] = await several(store, workflow, 'a', 3);
    if (a === undefined || b === undefined || c === undefined) return;
    const known = { ifFree: true, limits: limits({ perKey: 1, onBusy: 'drop' }) };
    const turn = await granted(store, a, known);
    expect(await store.turns.enter(entering(b, known))).toEqual({
      outcome: 'busy',
      onBusy: 'drop',
      older: [],
      granted: [],
    });
    expect((await store.turns.leave(a, turn.turn)).granted).toEqual([]);
    await granted(store, b, known);
    await store.turns.enter(entering(a));
    const { held } = await store.turns.leave(b);
    await store.turns.leave(b, held?.turn);
    expect((await store.turns.enter(entering(c, known))).outcome).toBe('busy');
  });
}

function looking(test: RunStoreTest): void {
  test('a turn is looked at soon, and then more rarely', async ({ store, advance, expect }) => {
    const workflow = newWorkflow();
    const { keyed: run } = await atWork(store, workflow);
    expect((await dueTurns(store, workflow)).doubtful).toEqual([]);
    await advance(turnCheck.firstMs + 100);
    expect((await dueTurns(store, workflow)).doubtful).toEqual([run.run]);
    expect((await dueTurns(store, workflow)).doubtful).toEqual([]);
    await advance(2 * turnCheck.firstMs);
    expect((await dueTurns(store, workflow)).doubtful).toEqual([run.run]);
  });

  test('after a loss every turn is looked at', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const { keyed: one } = await atWork(store, workflow);
    const { keyed: two } = await atWork(store, workflow, { create: { key: 'other' } });
    expect((await dueTurns(store, workflow, true)).doubtful).toEqual([one.run, two.run]);
  });

  test('a turn that was forgotten is counted again, beyond the limit', async (opened) => {
    const { store, expect } = opened;
    const workflow = newWorkflow();
    const [a, b, c] = await several(store, workflow, 'a', 3);
    if (a === undefined || b === undefined || c === undefined) return;
    const old = await admitted(store, a);
    await store.turns.leave(a, old.turn);
    const turn = await admitted(store, b);
    await store.turns.enter(entering(c));
    for (const _ of [1, 2]) await store.turns.hold([old, turn]);
    expect((await dueTurns(store, workflow, true)).doubtful).toEqual([a.run, b.run]);
    expect((await store.turns.leave(b, turn.turn)).granted).toEqual([]);
    expect((await store.turns.leave(a, old.turn)).granted).toMatchObject([{ run: c.run }]);
  });
}

function overcounting(test: RunStoreTest): void {
  test('a turn that is counted again too late lets nobody in beyond the limit', async (opened) => {
    const { store, expect } = opened;
    const workflow = newWorkflow();
    const known = { limits: limits({ perKey: 1 }) };
    const [a, b] = await several(store, workflow, 'a', 2);
    if (a === undefined || b === undefined) return;
    const late = await admitted(store, a, known);
    await store.turns.leave(a, late.turn);
    const turn = await admitted(store, b, known);
    expect(await store.turns.enter(entering(a))).toMatchObject({ outcome: 'queued' });
    // A worker that does not have the run any more says that it has.
    await store.turns.hold([late]);
    const again = await store.turns.enter(entering(a));
    expect(again).toMatchObject({ outcome: 'queued', granted: [] });
    const free = { ifFree: true };
    expect(await store.turns.enter(entering(a, free))).toMatchObject({ outcome: 'busy' });
    // Found to be of no use, it is given back, and the run still stands in line.
    expect((await store.turns.leave(a, late.turn)).granted).toEqual([]);
    expect((await store.turns.leave(b, turn.turn)).granted).toMatchObject([{ run: a.run }]);
  });
}

function making(test: RunStoreTest): void {
  const known = (onBusy: 'replace' | 'debounce'): Partial<EnterParams> => ({
    limits: limits({ perKey: 1, onBusy }),
  });

  test('debounce: older runs that have not begun are to make way', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const how = known('debounce');
    const { keyed: busy, ownership } = await atWork(store, workflow, { enter: how });
    const [back, a, b, c] = await several(store, workflow, 'acme', 4);
    if (!back || !a || !b || !c) return;
    await store.turns.enter(entering(back, { ...how, state: 'begun' }));
    expect((await store.turns.enter(entering(a, how))).older).toEqual([]);
    expect((await store.turns.enter(entering(b, how))).older).toEqual([a]);
    expect((await store.turns.enter(entering(a, how))).older).toEqual([]);
    await store.turns.leave(a);
    expect((await store.turns.enter(entering(c, how))).older).toEqual([b]);
    expect((await store.turns.enter(entering(c, how))).older).toEqual([b]);
    await store.turns.leave(b);
    await committed(store, ownership, {
      release: { status: 'completed', output: bytes('output'), keepMs: farMs },
    });
    const { held } = await store.turns.leave(busy);
    const left = await store.turns.leave(busy, held?.turn);
    expect(left.granted.map(({ run }) => run)).toEqual([back.run]);
  });

  test('debounce: a run that sleeps gets no turn, and makes way as well', async (opened) => {
    const { store, expect } = opened;
    const workflow = newWorkflow();
    const how = known('debounce');
    const [a, b, c] = await several(store, workflow, 'acme', 3);
    if (!a || !b || !c) return;
    const asleep = await store.turns.enter(entering(a, { ...how, state: 'asleep' }));
    expect(asleep).toMatchObject({ outcome: 'queued', granted: [] });
    expect((await store.turns.enter(entering(b, { ...how, state: 'asleep' }))).older).toEqual([a]);
    await store.turns.leave(a);
    const awake = await store.turns.enter(entering(b, how));
    expect(awake).toMatchObject({ outcome: 'granted', older: [], granted: [{ run: b.run }] });
    const other = await store.turns.enter(entering(c, { ...how, ifFree: true }));
    expect(other.outcome).toBe('busy');
  });

  test('debounce: a burst has an end, and who stands in line then is spared', async (opened) => {
    const { store, expect, advance } = opened;
    const workflow = newWorkflow();
    const how = { limits: limits({ perKey: 1, onBusy: 'debounce', burstMs: 900 }) };
    await atWork(store, workflow, { enter: how });
    const [a, b, c, d] = await several(store, workflow, 'acme', 4);
    if (!a || !b || !c || !d) return;
    expect((await store.turns.enter(entering(a, how))).older).toEqual([]);
    expect((await store.turns.enter(entering(b, { ...how, state: 'asleep' }))).older).toEqual([a]);
    await store.turns.leave(a);
    await advance(1_000);
    for (const _ of [1, 2]) {
      expect((await store.turns.enter(entering(c, how))).older).toEqual([]);
    }
    expect((await store.turns.enter(entering(d, how))).older).toEqual([c]);
    expect((await store.turns.enter(entering(b, how))).older).toEqual([]);
  });

  test('replace: who has to wait has all older runs make way', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const how = known('replace');
    const { keyed: busy } = await atWork(store, workflow, { enter: how });
    const [back, a, b] = await several(store, workflow, 'acme', 3);
    const other = await keyed(store, workflow, { key: 'other' });
    if (!back || !a || !b) return;
    await store.turns.enter(entering(back, { ...how, state: 'begun' }));
    expect((await store.turns.enter(entering(a, how))).older).toEqual([back, busy]);
    expect((await store.turns.enter(entering(b, how))).older).toEqual([back, a, busy]);
    expect((await store.turns.enter(entering(other, how))).older).toEqual([]);
  });
}

export const turnstileTheme: RunStoreTheme = {
  name: 'turnstiles',
  parts: [limiting, fairness, leaving, looking, overcounting, making],
};
