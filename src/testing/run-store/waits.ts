/** What a run waits for: that it is told, that only that wakes the run, and that the run is found by it. */
import type { RunStore, Wait } from '../../core/store.ts';
import { waitsKept } from '../../core/waits.ts';
import { cancellation, inbox, message, released } from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  dueOf,
  farMs,
  held,
  newId,
  parking,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const since = 1_700_000_000_000;
const forGo: Wait = { kind: 'signal', name: 'approval', on: ['go', 'stop'], since };
const forKid: Wait = { kind: 'child', name: 'child:kid', on: ['kid'], since };
const forPay: Wait = { kind: 'decision', name: 'pay', on: ['pay'], since };
const forTime: Wait = { kind: 'timer', name: 'an hour', until: since + farMs, since };
const forRetry: Wait = { kind: 'retry', name: '', until: since + farMs, since };

/** A run that was parked and waits for this. */
function waitingFor(store: RunStore, ...waits: Wait[]): Promise<string> {
  return released(store, parking({ waits }));
}

function telling(test: RunStoreTest): void {
  test('a waiting run says what it waits for, until it is claimed', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    expect((await store.record(id))?.waits).toEqual([]);
    const waits = [forGo, forKid, forPay, forTime, forRetry];
    await committed(store, ownership, { release: parking({ waits }) });
    expect((await store.record(id))?.waits).toEqual(waits);
    const { runs } = await store.lists.runs({ idPrefix: id, limit: 1 });
    expect(runs[0]?.waits).toEqual(waits);
    await store.post(message(id));
    expect((await store.record(id))?.waits).toEqual(waits);
    expect((await claimed(store, id)).record.waits).toEqual([]);
  });

  test('of very many waits the first are kept, and whatever comes wakes the run', async (opened) => {
    const { store, expect } = opened;
    const all = Array.from({ length: waitsKept + 20 }, (_, i) => ({ ...forKid, on: [`kid-${i}`] }));
    const run = await waitingFor(store, ...all);
    expect((await store.record(run))?.waits).toEqual(all.slice(0, waitsKept));
    const last = message(run, { kind: 'child', name: `kid-${waitsKept + 19}` });
    expect(await store.post(last)).toMatchObject({ outcome: 'posted', woken: true });
    await claimed(store, run);
  });

  test('a delayed run waits for its time', async ({ store, expect }) => {
    const run = await created(store, { delayMs: farMs });
    const { waits, wakeAt, createdAt } = (await store.record(run)) ?? {};
    expect(waits).toEqual([{ kind: 'delay', name: '', until: wakeAt, since: createdAt }]);
    await store.cancel(cancellation(run));
    expect(await store.record(run)).toMatchObject({ status: 'cancelled', waits: [] });
    expect((await store.record(run))?.wakeAt).toBe(undefined);
  });
}

/** What wakes a run that waits for this, and what does not. */
const cases: readonly (readonly [
  string,
  readonly Wait[],
  ReturnType<typeof about>,
  wakes: boolean,
])[] = [
  ['a signal it waits for', [forTime, forGo], about('signal', 'stop'), true],
  ['another signal', [forTime, forGo], about('signal', 'other'), false],
  ['a part of the name of one', [forGo], about('signal', 'sto'), false],
  ['the end of a child of that name', [forGo], about('child', 'go'), false],
  ['the end of its child', [forGo, forKid], about('child', 'kid'), true],
  ['the end of another child', [forGo, forKid], about('child', 'kid2'), false],
  ['a signal with the name of its child', [forKid], about('signal', 'kid'), false],
  ['the decision about its effect', [forPay], about('signal', 'effect pay'), true],
  ['a decision about another one', [forPay], about('signal', 'effect paid'), false],
  ['a signal with the name of the effect', [forPay], about('signal', 'pay'), false],
  ['a signal, when it waits for a time', [forTime], about('signal', 'go'), false],
  ['a signal, when it is to try again', [forRetry], about('signal', 'go'), false],
  ['anything, when nothing is known of what it waits for', [], about('child', 'kid'), true],
];

function about(kind: 'signal' | 'child', name: string) {
  return { kind, name };
}

function waking(test: RunStoreTest): void {
  for (const [what, waits, sent, wakes] of cases) {
    const verb = wakes ? 'wakes' : 'does not wake';
    test(`${what} ${verb} a waiting run`, async ({ store, expect }) => {
      const run = await waitingFor(store, ...waits);
      const posted = message(run, sent);
      expect(await store.post(posted)).toMatchObject({
        outcome: 'posted',
        woken: wakes,
        wakeUp: { status: 'waiting', asleep: !wakes },
      });
      expect((await dueOf(store, run))?.run).toBe(wakes ? run : undefined);
      expect(await store.post(posted)).toMatchObject({
        outcome: 'known',
        taken: false,
        woken: wakes,
      });
      expect(await inbox(store, run)).toEqual([sent.name]);
      if (!wakes) {
        expect(await store.claim(claiming(run))).toEqual({
          outcome: 'notClaimable',
          status: 'waiting',
        });
        await store.cancel(cancellation(run));
      }
      // Whatever wakes it: what came before is there as well.
      const { messages } = await claimed(store, run);
      expect(messages[0]?.name).toBe(sent.name);
    });
  }

  test('a cancel wakes a run whatever it waits for', async ({ store, expect }) => {
    for (const wait of [forGo, forKid, forPay, forTime, forRetry]) {
      const run = await released(store, parking({ waits: [wait], wakeMs: farMs }));
      expect(await store.cancel(cancellation(run))).toMatchObject({
        outcome: 'asked',
        wakeUp: { status: 'waiting', asleep: false },
      });
      expect((await dueOf(store, run))?.run, wait.kind).toBe(run);
      await claimed(store, run);
    }
  });

  test('a signal does not start a run before its time', async ({ store, expect }) => {
    const run = await created(store, { delayMs: farMs });
    expect(await store.post(message(run))).toMatchObject({ outcome: 'posted', woken: false });
    expect(await store.claim(claiming(run))).toEqual({
      outcome: 'notClaimable',
      status: 'waiting',
    });
    expect(await dueOf(store, run)).toBe(undefined);
  });

  test('a run that slept and was paused sleeps on, and one that was woken goes on', async (opened) => {
    const { store, expect } = opened;
    for (const wakes of [false, true]) {
      const run = await waitingFor(store, forGo);
      await store.pause(run, bytes('why'));
      const sent = message(run, { name: wakes ? 'go' : 'other' });
      expect(await store.post(sent)).toMatchObject({ outcome: 'posted', woken: false });
      expect(await dueOf(store, run)).toBe(undefined);
      expect(await store.resume(run, bytes('go'))).toMatchObject({ wakeUp: { asleep: !wakes } });
      expect((await dueOf(store, run))?.run).toBe(wakes ? run : undefined);
      expect((await store.claim(claiming(run))).outcome).toBe(wakes ? 'claimed' : 'notClaimable');
    }
  });

  test('what woke a run once does not wake it when it waits again', async ({ store, expect }) => {
    const run = await waitingFor(store, forGo);
    const sent = message(run);
    await store.post(sent);
    const { ownership, record } = await claimed(store, run);
    const taken = { expectedSeq: record.seq, taken: [sent.id] };
    await committed(store, ownership, { ...taken, release: parking({ waits: [forGo] }) });
    expect(await store.post(sent)).toMatchObject({ outcome: 'known', taken: true, woken: false });
    expect(await store.claim(claiming(run))).toEqual({
      outcome: 'notClaimable',
      status: 'waiting',
    });
  });
}

function retrying(test: RunStoreTest): void {
  test('parking is refused by any message, also by one that is not waited for', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await store.post(message(id, { name: 'other' }));
    const release = parking({ waits: [forGo] });
    expect(await store.commit(commit(ownership, { release }))).toEqual({ outcome: 'unread' });
  });

  test('a pause before another attempt is not refused by a message', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await store.post(message(id));
    const release = parking({ why: 'retry', waits: [forRetry], wakeMs: farMs });
    await committed(store, ownership, { release });
    expect(await store.record(id)).toMatchObject({ status: 'waiting', waits: [forRetry] });
    expect(await dueOf(store, id)).toBe(undefined);
    expect(await store.claim(claiming(id))).toEqual({ outcome: 'notClaimable', status: 'waiting' });
    expect(await inbox(store, id)).toEqual(['go']);
  });

  test('a cancel that has come by then ends the pause at once', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    for (let i = 0; i < 3; i++) await store.post(message(id));
    await store.cancel(cancellation(id));
    const release = parking({ why: 'retry', waits: [forRetry], wakeMs: farMs });
    await committed(store, ownership, { release });
    expect(await dueOf(store, id)).toMatchObject({ run: id, asleep: false });
    expect((await claimed(store, id)).messages.length).toBe(4);
  });

  test('a message that is taken with it does not', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const sent = message(id);
    await store.post(sent);
    const release = parking({ why: 'retry', waits: [forGo], wakeMs: farMs });
    await committed(store, ownership, { release, taken: [sent.id] });
    expect(await store.claim(claiming(id))).toEqual({ outcome: 'notClaimable', status: 'waiting' });
  });
}

function finding(test: RunStoreTest): void {
  test('runs are found by what they wait for', async ({ store, expect }) => {
    const workflow = newId('w').slice(0, 30);
    const waiting = async (...waits: Wait[]): Promise<string> => {
      const { id, ownership } = await held(store, { create: { workflow } });
      await committed(store, ownership, { release: parking({ waits }) });
      return id;
    };
    const go = await waiting(forGo, forTime);
    const kid = await waiting(forKid, { ...forKid, on: ['other'] });
    const pay = await waiting(forPay);
    const delayed = await created(store, { workflow, delayMs: farMs });
    await created(store, { workflow });
    const found = async (waitsFor: string): Promise<readonly string[]> => {
      const { runs } = await store.lists.runs({ workflow, waitsFor, limit: 10 });
      return runs.map(({ id }) => id);
    };
    const expected: Readonly<Record<string, readonly string[]>> = {
      go: [go],
      stop: [go],
      'kind:signal': [go],
      'kind:timer': [go],
      'kind:child': [kid],
      'kind:decision': [pay],
      'effect pay': [pay],
      'kind:delay': [delayed],
      'kind:retry': [],
      kid: [],
      'kind:other': [],
      signal: [],
    };
    for (const [name, ids] of Object.entries(expected))
      expect(await found(name), name).toEqual(ids);
    const { runs } = await store.lists.runs({
      waitsFor: 'go',
      status: 'running',
      workflow,
      limit: 10,
    });
    expect(runs).toEqual([]);
    // Gone with the wait.
    await store.post(message(go));
    expect(await found('go')).toEqual([go]);
    await claimed(store, go);
    await store.delete(kid);
    await store.cancel(cancellation(delayed));
    for (const name of Object.keys(expected)) {
      expect(await found(name), name).toEqual(expected[name]?.includes(pay) === true ? [pay] : []);
    }
  });

  test('a run stays found while it is paused, and is listed once', async ({ store, expect }) => {
    const signal = newId('s').slice(0, 30);
    const wait = { ...forGo, on: [signal, signal] };
    const run = await waitingFor(store, wait, wait);
    await store.pause(run, bytes('why'));
    const found = async (): Promise<readonly string[]> =>
      (await store.lists.runs({ waitsFor: signal, limit: 10 })).runs.map(({ id }) => id);
    expect(await found()).toEqual([run]);
    await store.resume(run, bytes('go'));
    expect(await found()).toEqual([run]);
  });
}

export const waitsTheme: RunStoreTheme = {
  name: 'waits',
  parts: [telling, waking, retrying, finding],
};
