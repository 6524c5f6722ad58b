/** What a run waits for: that it is told, that only that wakes the run, and that the run is found by it. */
import type { PostParams, RunStore, Wait } from '../../core/store.ts';
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
  interruption,
  newId,
  parking,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const since = 1_700_000_000_000;
const forGo: Wait = { kind: 'signal', name: 'approval', on: ['go', 'stop'], since };
const forKid: Wait = { kind: 'child', name: 'child:kid', on: ['kid'], since };
const forPay: Wait = { kind: 'decision', name: 'pay', on: ['pay'], since };
/** Two waits for the same signal, which only their keys tell apart. */
const forOne: Wait = { kind: 'signal', name: 'one', on: ['go'], key: '1', since };
const forTwo: Wait = { kind: 'signal', name: 'two', on: ['go'], key: '2', readsKey: true, since };
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
  [
    'the decision about its undo',
    [{ ...forPay, kind: 'undo' }],
    about('signal', 'effect pay'),
    true,
  ],
  ['a signal with the name of the effect', [forPay], about('signal', 'pay'), false],
  ['a signal, when it waits for a time', [forTime], about('signal', 'go'), false],
  ['a signal, when it is to try again', [forRetry], about('signal', 'go'), false],
  ['a signal with its key', [forOne], about('signal', 'go', '1'), true],
  ['a signal with another key', [forOne], about('signal', 'go', '11'), false],
  ['a signal with the key of another signal', [forOne], about('signal', 'stop', '1'), false],
  ['a signal without a key', [forOne], about('signal', 'go'), false],
  ['one whose payload may have the key', [forOne, forTwo], about('signal', 'go'), true],
  ['one with a key, when any will do', [forGo], about('signal', 'go', '1'), true],
  ['anything, when nothing is known of what it waits for', [], about('child', 'kid'), true],
];

function about(kind: 'signal' | 'child', name: string, key?: string) {
  return { kind, name, ...(key === undefined ? {} : { key }) };
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

function answering(test: RunStoreTest): void {
  const answer = (run: string, wait: string, name = 'go'): PostParams =>
    message(run, { name, wait, key: '1', actor: 'ada' });

  test('of two answers to a wait the first one is taken', async ({ store, expect }) => {
    const run = await waitingFor(store, forOne, forTwo);
    const first = answer(run, 'one');
    expect(await store.post(first)).toMatchObject({ outcome: 'posted', woken: true });
    expect(await store.post(answer(run, 'one'))).toEqual({ outcome: 'answered', by: first.id });
    expect(await store.post(first)).toMatchObject({ outcome: 'known', taken: false });
    // The other wait is another matter.
    expect(await store.post(answer(run, 'two'))).toMatchObject({ outcome: 'posted' });
    const { messages } = await claimed(store, run);
    expect(messages.map(({ wait, key, actor }) => [wait, key, actor])).toEqual([
      ['one', '1', 'ada'],
      ['two', '1', 'ada'],
    ]);
    expect(await store.post(answer(run, 'one'))).toEqual({ outcome: 'answered', by: first.id });
  });

  test('what a run does not wait for so cannot be answered', async ({ store, expect }) => {
    const over = { ...forOne, name: 'over', until: 1 };
    const run = await waitingFor(store, forOne, over, forKid);
    for (const [wait, name] of [
      ['two', 'go'],
      ['one', 'stop'],
      ['on', 'go'],
      ['over', 'go'],
      ['child:kid', 'kid'],
    ] as const) {
      expect(await store.post(answer(run, wait, name)), wait).toEqual({ outcome: 'unwanted' });
    }
    expect(await inbox(store, run)).toEqual([]);
    expect(await dueOf(store, run)).toBe(undefined);
  });

  test('a run at work, and one that has not looked at what came, say so', async ({
    store,
    expect,
  }) => {
    const run = await waitingFor(store, forOne, forTwo);
    // Nobody wants it, so it keeps no answer away.
    await store.post(message(run, { key: '3' }));
    const signal = message(run, { key: '2' });
    expect(await store.post(signal)).toMatchObject({ woken: true });
    expect(await store.post(answer(run, 'one'))).toEqual({ outcome: 'busy' });
    const { ownership, messages, record } = await claimed(store, run);
    expect(await store.post(answer(run, 'one'))).toEqual({ outcome: 'busy' });
    const taken = messages.map(({ id }) => id);
    const release = parking({ waits: [forOne] });
    await committed(store, ownership, { expectedSeq: record.seq, taken, release });
    expect(await store.post(answer(run, 'one'))).toMatchObject({ outcome: 'posted', woken: true });
  });

  test('a run that is over is not answered, and of very many waits each may be', async (opened) => {
    const { store, expect } = opened;
    const many = await waitingFor(store, ...Array.from({ length: waitsKept }, () => forKid));
    expect(await store.post(answer(many, 'any'))).toMatchObject({ outcome: 'posted', woken: true });
    const run = await waitingFor(store, forOne);
    await store.pause(run, bytes('why'));
    expect(await store.post(answer(run, 'one'))).toMatchObject({ outcome: 'posted', woken: false });
    await store.delete(run);
    expect(await store.post(answer(run, 'one'))).toEqual({ outcome: 'missing' });
  });

  test('an owner learns what the run waited for before', async ({ store, expect }) => {
    const waits = [{ ...forOne, label: 'the first', form: '{"ok":"boolean"}' }, forTime];
    const { id, ownership } = await held(store);
    expect((await store.record(id))?.waits).toEqual([]);
    await committed(store, ownership, { release: parking({ waits }) });
    await store.post(message(id, { key: '1' }));
    const first = await claimed(store, id);
    expect(first.waitedFor.map(({ name, since: at }) => [name, at])).toEqual([
      ['one', since],
      ['an hour', since],
    ]);
    await store.fleet.interrupt(interruption(first.record.worker ?? ''));
    const second = await claimed(store, id);
    expect(second.waitedFor.map(({ name }) => name)).toEqual(['one', 'an hour']);
    expect((await store.record(id))?.waits).toEqual([]);
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
    const undo = await waiting({ ...forPay, kind: 'undo', on: ['pay ›› undo'] });
    const keyed = await waiting({ ...forOne, on: ['ask'] }, { ...forTwo, on: ['ask'] });
    const delayed = await created(store, { workflow, delayMs: farMs });
    await created(store, { workflow });
    const found = async (waitsFor: string): Promise<readonly string[]> => {
      const [name = '', waitKey] = waitsFor.split('#');
      const ofKey = waitKey === undefined ? {} : { waitKey };
      const { runs } = await store.lists.runs({ workflow, waitsFor: name, ...ofKey, limit: 10 });
      return runs.map(({ id }) => id).toSorted();
    };
    const expected: Readonly<Record<string, readonly string[]>> = {
      go: [go],
      stop: [go],
      'kind:signal': [keyed, go].toSorted(),
      ask: [keyed],
      'ask#1': [keyed],
      'ask#2': [keyed],
      'ask#3': [],
      'kind:timer': [go],
      'kind:child': [kid],
      'kind:decision': [pay],
      'effect pay': [pay],
      'kind:undo': [undo],
      'effect pay ›› undo': [undo],
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
    await store.delete(keyed);
    await store.cancel(cancellation(delayed));
    for (const [name, ids] of Object.entries(expected)) {
      expect(await found(name), name).toEqual(ids.filter((id) => id === pay || id === undo));
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
  parts: [telling, waking, retrying, answering, finding],
};
