import { rounds } from '../eventually.ts';
import {
  cancellation,
  checkWhole,
  endedRuns,
  idleRuns,
  inbox,
  message,
  quarantined,
  taken,
  waiting,
  wakeUpOf,
} from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  dueOf,
  event,
  everyByte,
  everything,
  farMs,
  held,
  hex,
  newId,
  parking,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  storeTime,
  timeless,
} from './opened.ts';

function arriving(test: RunStoreTest): void {
  test('a message is kept as it was sent, with the time it came', async ({ store, expect }) => {
    const run = await created(store);
    const from = await storeTime(store);
    const sent = [
      message(run, { kind: 'signal', name: 'go', data: everyByte }),
      message(run, { kind: 'cancel', name: '', data: new Uint8Array() }),
      message(run, { kind: 'child', name: 'run-7', data: bytes('end') }),
    ];
    for (const one of sent) expect((await store.post(one)).outcome).toBe('posted');
    const until = await storeTime(store);
    const unread = await store.readInbox(run);
    expect(unread.paused).toBe(false);
    expect(unread.messages.map(({ at: _, ...rest }) => plain(rest))).toEqual(
      sent.map(({ run: _, ...rest }) => plain(rest)),
    );
    for (const { at } of unread.messages) {
      expect(at).toBeGreaterThanOrEqual(from);
      expect(at).toBeLessThanOrEqual(until);
    }
  });

  test('messages are read in the order in which they came', async ({ store, expect }) => {
    const { id } = await held(store);
    const names = Array.from({ length: 30 }, (_, i) => `m-${i}`);
    for (const name of names) await store.post(message(id, { name }));
    expect(await inbox(store, id)).toEqual(names);
  });

  test('the answer to a post is the wake-up to send', async ({ store, expect }) => {
    for (const { id, what } of await idleRuns(store)) {
      const wakeUp = await wakeUpOf(store, id);
      const woken = wakeUp.status === 'waiting';
      expect(await store.post(message(id)), what).toEqual({ outcome: 'posted', woken, wakeUp });
    }
  });

  test('a message makes a waiting run due that wants it', async ({ store, expect }) => {
    const all = await idleRuns(store);
    for (const { id, what } of all.filter((run) => run.what.startsWith('waiting'))) {
      expect(await dueOf(store, id), what).toBe(undefined);
      await store.post(message(id));
      expect((await dueOf(store, id))?.run, what).toBe(id);
    }
  });

  test('a message changes neither log nor fence of a run', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const before = await everything(store, id);
    await store.post(message(id));
    expect(await everything(store, id)).toEqual(before);
    expect(await dueOf(store, id)).toBe(undefined);
    await committed(store, ownership, { events: [event('work')] });
    expect(await inbox(store, id)).toEqual(['go']);
  });

  test('a message for a quarantined or a paused run waits with it', async ({ store, expect }) => {
    const aside = await quarantined(store);
    const paused = await waiting(store);
    await store.pause(paused, bytes('why'));
    for (const id of [aside, paused]) {
      expect((await store.post(message(id))).outcome).toBe('posted');
      expect(await dueOf(store, id)).toBe(undefined);
      expect(await inbox(store, id)).toEqual(['go']);
      expect((await store.claim(claiming(id))).outcome).toBe('notClaimable');
    }
  });
}

function refused(test: RunStoreTest): void {
  test('a message that was posted before is known, and kept once', async ({ store, expect }) => {
    const run = await waiting(store);
    const first = message(run, { name: 'first' });
    await store.post(first);
    const again = await store.post({ ...first, name: 'other', data: bytes('other') });
    const wakeUp = await wakeUpOf(store, run);
    expect(again).toEqual({ outcome: 'known', taken: false, woken: true, wakeUp });
    expect(await inbox(store, run)).toEqual(['first']);
    // Also when it is in the log, and when the run is over.
    const { ownership, seq } = await taken(store, run);
    expect(await store.post(first)).toMatchObject({ outcome: 'known', taken: true, woken: false });
    expect(await inbox(store, run)).toEqual([]);
    const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
    await committed(store, ownership, { expectedSeq: seq, release });
    expect((await store.post(first)).outcome).toBe('known');
  });

  test('what is said of an ended run tells whether its parent was told', async (opened) => {
    const { store, expect } = opened;
    for (const ask of [
      (run: string, id: string) => store.post(message(run, { id })),
      (run: string, id: string) => store.cancel(cancellation(run, { id })),
    ]) {
      const { id, ownership } = await held(store, { create: { parent: newId('parent') } });
      const request = newId('request');
      await ask(id, request);
      const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
      await committed(store, ownership, { taken: [request], release });
      expect(await ask(id, request)).toMatchObject({
        wakeUp: { status: 'completed', notifyPending: true },
      });
      await store.parentNotified(id, ownership);
      expect(await ask(id, request)).toMatchObject({ wakeUp: { notifyPending: false } });
    }
  });

  test('the same id for two runs is two messages', async ({ store, expect }) => {
    const id = newId('message');
    for (const run of [await created(store), await created(store)]) {
      expect((await store.post(message(run, { id }))).outcome).toBe('posted');
    }
  });

  test('a run that has ended, or is not there, takes no message', async ({ store, expect }) => {
    for (const { id, status } of await endedRuns(store)) {
      const before = await everything(store, id);
      expect(await store.post(message(id))).toEqual({ outcome: 'ended', status });
      expect(await everything(store, id)).toEqual(before);
      expect(await inbox(store, id)).toEqual([]);
    }
    const missing = newId('run');
    expect(await store.post(message(missing))).toEqual({ outcome: 'missing' });
    expect(await store.readInbox(missing)).toEqual({ messages: [], paused: false });
    expect(await store.record(missing)).toBe(undefined);
  });
}

function taking(test: RunStoreTest): void {
  test('a claim brings the messages, and leaves them in the inbox', async ({ store, expect }) => {
    const run = await waiting(store);
    for (const name of ['a', 'b']) await store.post(message(run, { name, data: everyByte }));
    const { messages } = await claimed(store, run);
    expect(messages.map(({ name, data }) => [name, hex(data)])).toEqual(
      ['a', 'b'].map((name) => [name, hex(everyByte)]),
    );
    expect(plain((await store.readInbox(run)).messages)).toEqual(plain(messages));
  });

  test('a claim that is sent again brings the same messages', async ({ store, expect }) => {
    const run = await waiting(store);
    await store.post(message(run));
    const params = claiming(run);
    const first = await store.claim(params);
    expect(timeless(await store.claim(params))).toEqual(timeless(first));
    expect(first.outcome === 'claimed' && first.messages.length).toBe(1);
  });

  test('a waiting run with a message can be claimed before its time', async ({ store, expect }) => {
    for (const run of [await waiting(store), await waiting(store, farMs)]) {
      expect(await store.claim(claiming(run))).toEqual({
        outcome: 'notClaimable',
        status: 'waiting',
      });
      await store.post(message(run));
      const { record } = await claimed(store, run);
      expect(record).toMatchObject({ status: 'running', wakeAt: undefined });
    }
  });

  test('what a commit has taken leaves the inbox, with its events', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const sent = ['a', 'b', 'c'].map((name) => message(id, { name }));
    for (const one of sent) await store.post(one);
    const firstTwo = sent.slice(0, 2).map((one) => one.id);
    const events = [event('one'), event('two')];
    const params = commit(ownership, { events, taken: firstTwo });
    expect(await store.commit(params)).toMatchObject({ outcome: 'committed', seq: 4 });
    expect(await inbox(store, id)).toEqual(['c']);
    // Sent again, it takes no more.
    expect(await store.commit(params)).toMatchObject({ outcome: 'committed', seq: 4 });
    expect(await inbox(store, id)).toEqual(['c']);
    await store.post(message(id, { name: 'd' }));
    expect(await inbox(store, id)).toEqual(['c', 'd']);
    await checkWhole(store, expect, id);
  });

  test('a commit that is refused takes nothing', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const { id: sent, ...rest } = message(id);
    await store.post({ ...rest, id: sent });
    const stale = { ...ownership, fence: ownership.fence - 1 };
    expect((await store.commit(commit(stale, { taken: [sent] }))).outcome).toBe('fenced');
    const ahead = commit(ownership, { expectedSeq: 7, taken: [sent] });
    expect((await store.commit(ahead)).outcome).toBe('conflict');
    expect(await inbox(store, id)).toEqual(['go']);
  });

  test('messages stay through a loss of the worker', async ({ store, expect }) => {
    const { id, ownership, worker } = await held(store);
    const [a, b] = [message(id, { name: 'a' }), message(id, { name: 'b' })];
    for (const one of [a, b]) await store.post(one);
    await committed(store, ownership, { events: [event('one')], taken: [a.id] });
    await store.fleet.interrupt({
      worker,
      reason: 'presence-lost',
      lastSeenAt: 0,
      resendMs: farMs,
      quarantineAfter: 3,
      limit: 10,
    });
    expect((await claimed(store, id)).messages.map(({ name }) => name)).toEqual(['b']);
  });
}

function byId(test: RunStoreTest): void {
  test('a commit takes the messages it names, wherever they stand', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const sent = ['a', 'b', 'c', 'd'].map((name) => message(id, { name }));
    for (const one of sent) await store.post(one);
    const ids = [3, 1].map((place) => sent[place]?.id ?? '');
    await committed(store, ownership, { taken: ids });
    expect(await inbox(store, id)).toEqual(['a', 'c']);
    for (const one of sent) {
      const isTaken = ids.includes(one.id);
      expect(await store.post(one)).toMatchObject({ outcome: 'known', taken: isTaken });
    }
  });

  test('a message that the store has forgotten is known once it was taken', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const [kept, forgotten] = [message(id, { name: 'kept' }), message(id)];
    await store.post(kept);
    await committed(store, ownership, { events: [event('one')], taken: [forgotten.id] });
    expect(await inbox(store, id)).toEqual(['kept']);
    const again = await store.post(forgotten);
    expect(again).toMatchObject({ outcome: 'known', taken: true });
    expect(await inbox(store, id)).toEqual(['kept']);
  });

  test('very many are taken at once, and no others', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const sent = Array.from({ length: 400 }, (_, i) => message(id, { name: `m-${i}` }));
    for (const one of sent) await store.post(one);
    const ids = sent.filter((_, i) => i % 3 !== 0 || i > 250).map((one) => one.id);
    await committed(store, ownership, { taken: ids });
    const left = sent.filter((one) => !ids.includes(one.id)).map(({ name }) => name);
    expect(await inbox(store, id)).toEqual(left);
  });
}

function ofChildren(test: RunStoreTest): void {
  test('the end of a child comes to a run that has failed, and to no other that is over', async (opened) => {
    const { store, expect } = opened;
    for (const { id, status } of await endedRuns(store)) {
      const ended = message(id, { kind: 'child', name: 'kid' });
      const outcome = await store.post(ended);
      if (status !== 'failed') expect(outcome).toEqual({ outcome: 'ended', status });
      else {
        expect(outcome).toMatchObject({ outcome: 'posted', woken: false, wakeUp: { status } });
        expect(await store.post(message(id))).toEqual({ outcome: 'ended', status });
        expect(await dueOf(store, id)).toBe(undefined);
        expect(await store.post(ended)).toMatchObject({ outcome: 'known', taken: false });
        await store.resume(id, bytes('again'));
        expect((await claimed(store, id)).messages.map(({ name }) => name)).toEqual(['kid']);
      }
    }
  });
}

function whileParking(test: RunStoreTest): void {
  test('a run does not park over a message it has not taken', async ({ store, expect }) => {
    for (const wakeMs of [undefined, farMs]) {
      const { id, ownership } = await held(store);
      const sent = message(id);
      await store.post(sent);
      const before = await everything(store, id);
      const release = parking(wakeMs === undefined ? {} : { wakeMs });
      const last = commit(ownership, { events: [event('parked')], release });
      expect(await store.commit(last)).toEqual({ outcome: 'unread' });
      expect(await everything(store, id)).toEqual(before);
      expect(await inbox(store, id)).toEqual(['go']);
      // The owner still owns it, and parks when it has taken the message.
      expect(await store.commit({ ...last, taken: [sent.id] })).toMatchObject({
        outcome: 'committed',
      });
      expect((await store.record(id))?.status).toBe('waiting');
      expect(await dueOf(store, id)).toBe(undefined);
    }
  });

  test('messages keep a run from parking only', async ({ store, expect }) => {
    const releases = [
      { status: 'queued', resendMs: farMs },
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error: bytes('error'), keepMs: farMs },
      { status: 'cancelled', error: bytes('error'), keepMs: farMs },
      { status: 'quarantined', error: bytes('error') },
    ] as const;
    for (const release of releases) {
      const { id, ownership } = await held(store);
      await store.post(message(id));
      const outcome = await store.commit(commit(ownership, { release }));
      expect(outcome.outcome, release.status).toBe('committed');
    }
  });
}

function races(test: RunStoreTest): void {
  test('of many posts of one message one is kept', async ({ store, expect }) => {
    for (const run of [await waiting(store), (await held(store)).id]) {
      const sent = message(run);
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.post(sent)));
      expect(outcomes.filter(({ outcome }) => outcome === 'posted').length).toBe(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'known').length).toBe(19);
      expect(await inbox(store, run)).toEqual(['go']);
    }
  });

  test('a message that comes while the run parks is not slept over', async ({ store, expect }) => {
    for (let round = 0; round < 20; round++) {
      const { id, ownership } = await held(store);
      const release = parking({ wakeMs: farMs });
      const calls = [
        () => store.commit(commit(ownership, { release })),
        () => store.post(message(id)),
      ];
      const order = round % 2 === 0 ? calls : calls.toReversed();
      const outcomes = await Promise.all(order.map((call) => call()));
      if (outcomes.some(({ outcome }) => outcome === 'unread')) {
        expect((await store.record(id))?.status).toBe('running');
      } else {
        expect((await dueOf(store, id))?.status).toBe('waiting');
        expect((await claimed(store, id)).messages.length).toBe(1);
      }
    }
  });

  test('no message is lost or doubled, however posts and commits meet', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const names = Array.from({ length: 40 }, (_, i) => `m-${i}`);
    const post = (): Promise<unknown> =>
      Promise.all(names.map((name) => store.post(message(id, { name, data: bytes(name) }))));
    let seq = 2;
    const take = async (): Promise<void> => {
      for (const _ of rounds('taking messages')) {
        const { messages } = await store.readInbox(id);
        const events = messages.map(({ data }) => event('signal.received', data));
        const params = { expectedSeq: seq, events, taken: messages.map((one) => one.id) };
        seq = await committed(store, ownership, params);
        if (seq >= 2 + names.length) return;
      }
    };
    await Promise.all([post(), take()]);
    const events = await store.events({ run: id, after: 2, limit: 100 });
    const found = events.map(({ data }) => new TextDecoder().decode(data));
    expect(found.sort()).toEqual(names.sort());
    expect(await inbox(store, id)).toEqual([]);
    await checkWhole(store, expect, id);
  });
}

export const postTheme: RunStoreTheme = {
  name: 'post',
  parts: [arriving, refused, taking, byId, ofChildren, whileParking, races],
};
