import {
  checkWhole,
  endedRuns,
  idleRuns,
  message,
  quarantined,
  released,
  waiting,
  wakeUpOf,
} from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  created,
  dueOf,
  event,
  everyByte,
  everything,
  farMs,
  held,
  hex,
  interruption,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

function paused(test: RunStoreTest): void {
  test('a paused run goes on as what it was, with an event', async ({ store, expect }) => {
    for (const { id, what } of await idleRuns(store)) {
      await store.pause(id, bytes('why'));
      const { record: before } = await loaded(store, id);
      const resumed = await store.resume(id, everyByte);
      const wakeUp = await wakeUpOf(store, id, before.status === 'waiting');
      expect(resumed, what).toEqual({ outcome: 'resumed', wakeUp });
      const { record, events } = await loaded(store, id);
      expect(record, what).toMatchObject({ status: before.status, paused: false });
      expect(record.changedAt, what).toBe(before.changedAt);
      expect(record.wakeAt, what).toBe(before.wakeAt);
      expect(record.fence).toBeGreaterThan(before.fence);
      expect(events.at(-1)).toMatchObject({ type: 'operator.resumed', fence: record.fence });
      expect(hex(events.at(-1)?.data)).toBe(hex(everyByte));
      expect((await store.readInbox(id)).paused).toBe(false);
      await checkWhole(store, expect, id);
    }
  });

  test('it is due at once, unless it waits', async ({ store, expect }) => {
    for (const { id, what } of await idleRuns(store)) {
      await store.pause(id, bytes('why'));
      await store.resume(id, bytes('go'));
      const waits = (await loaded(store, id)).record.status === 'waiting';
      expect((await dueOf(store, id))?.run, what).toBe(waits ? undefined : id);
      expect((await store.claim(claiming(id))).outcome, what).toBe(
        waits ? 'notClaimable' : 'claimed',
      );
    }
  });

  test('a run whose time came while it was paused is due at once', async (opened) => {
    const { store, advance, expect } = opened;
    const run = await waiting(store, 5);
    await store.pause(run, bytes('why'));
    await advance(20);
    await store.resume(run, bytes('go'));
    expect((await dueOf(store, run))?.run).toBe(run);
    await claimed(store, run);
  });

  test('a run to which a message came while it was paused is due at once', async (opened) => {
    const { store, expect } = opened;
    for (const run of [await waiting(store), await waiting(store, farMs)]) {
      await store.pause(run, bytes('why'));
      await store.post(message(run));
      expect(await dueOf(store, run)).toBe(undefined);
      await store.resume(run, bytes('go'));
      expect((await dueOf(store, run))?.run).toBe(run);
      expect((await claimed(store, run)).messages.length).toBe(1);
    }
  });

  test('a run at work that was to be paused goes on without a word', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const before = await everything(store, id);
    await store.pause(id, bytes('why'));
    expect(await store.resume(id, bytes('go'))).toEqual({
      outcome: 'notResumable',
      status: 'running',
    });
    expect(await everything(store, id)).toEqual(before);
    expect((await store.readInbox(id)).paused).toBe(false);
    const release = { status: 'queued', resendMs: 0 } as const;
    await committed(store, ownership, { release });
    expect((await dueOf(store, id))?.run).toBe(id);
  });

  test('the wake-up of a run that has lost workers tells how many', async ({ store, expect }) => {
    const { id, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    await store.pause(id, bytes('why'));
    const resumed = await store.resume(id, bytes('go'));
    expect(resumed).toMatchObject({ outcome: 'resumed', wakeUp: { losses: 1 } });
  });
}

function again(test: RunStoreTest): void {
  test('a failed run and a quarantined one try again', async ({ store, expect }) => {
    const failed = await released(store, { status: 'failed', error: bytes('no'), keepMs: farMs });
    const aside = await released(store, { status: 'quarantined', error: bytes('no') });
    for (const run of [failed, aside, await quarantined(store)]) {
      const { record: before } = await loaded(store, run);
      const resumed = await store.resume(run, everyByte);
      expect(resumed).toEqual({ outcome: 'resumed', wakeUp: await wakeUpOf(store, run) });
      const { record, events } = await loaded(store, run);
      expect(record).toMatchObject({
        status: 'queued',
        error: undefined,
        losses: 0,
        paused: false,
      });
      expect(record.fence).toBeGreaterThan(before.fence);
      expect(record.changedAt).toBeGreaterThanOrEqual(before.changedAt);
      expect(events.at(-1)).toMatchObject({ type: 'operator.retried', fence: record.fence });
      expect(hex(events.at(-1)?.data)).toBe(hex(everyByte));
      expect((await dueOf(store, run))?.status).toBe('queued');
      expect((await claimed(store, run)).takeover).toBe(undefined);
      await checkWhole(store, expect, run);
    }
  });

  test('whoever resumes a run whose time was over lifts its deadline', async (opened) => {
    const { store, advance, expect } = opened;
    const failing = { status: 'failed', error: bytes('late'), keepMs: farMs } as const;
    for (const how of ['failed', 'paused'] as const) {
      const { id, ownership } = await held(store, { create: { deadlineMs: 20 } });
      if (how === 'paused') await store.pause(id, bytes('why'));
      const release = how === 'failed' ? failing : ({ status: 'queued', resendMs: farMs } as const);
      await committed(store, ownership, { release });
      await advance(40);
      expect((await store.resume(id, bytes('go on'))).outcome).toBe('resumed');
      expect((await loaded(store, id)).record.deadlineAt).toBe(undefined);
    }
  });

  test('a deadline that has not come stays', async ({ store, expect }) => {
    const { id, ownership, record } = await held(store, { create: { deadlineMs: farMs } });
    await committed(store, ownership, {
      release: { status: 'failed', error: bytes('no'), keepMs: farMs },
    });
    await store.resume(id, bytes('go on'));
    expect((await loaded(store, id)).record.deadlineAt).toBe(record.deadlineAt);
  });

  test('it keeps its snapshot, its input and its messages', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const snapshot = { schema: 1, set: new Map([['state:a', everyByte]]), remove: [] };
    const release = { status: 'failed', error: bytes('error'), keepMs: farMs } as const;
    await store.post(message(id));
    await committed(store, ownership, { events: [event('one')], snapshot, release });
    await store.resume(id, bytes('go'));
    const found = await claimed(store, id);
    expect(hex(found.snapshot?.fields.get('state:a'))).toBe(hex(everyByte));
    expect(hex(found.record.input)).toBe(hex(bytes('input')));
    expect(found.messages.length).toBe(1);
    expect(found.events.map(({ type }) => type)).toEqual(['operator.retried', 'run.claimed']);
  });

  test('it is found under its new status only', async ({ store, expect }) => {
    const workflow = newId('w').slice(0, 30);
    const { id, ownership } = await held(store, { create: { workflow } });
    const release = { status: 'failed', error: bytes('error'), keepMs: 0 } as const;
    await committed(store, ownership, { release });
    await store.resume(id, bytes('go'));
    expect((await store.lists.runs({ workflow, status: 'failed', limit: 5 })).runs).toEqual([]);
    const queued = await store.lists.runs({ workflow, status: 'queued', limit: 5 });
    expect(queued.runs.map((run) => run.id)).toEqual([id]);
    // What was due was its end; now it is its beginning.
    expect((await dueOf(store, id))?.status).toBe('queued');
  });

  test('a paused run that was quarantined tries again, and is not paused', async (opened) => {
    const { store, expect } = opened;
    const run = await quarantined(store);
    await store.pause(run, bytes('why'));
    expect((await store.resume(run, bytes('go'))).outcome).toBe('resumed');
    expect((await loaded(store, run)).record).toMatchObject({ status: 'queued', paused: false });
    await claimed(store, run);
  });
}

function nothing(test: RunStoreTest): void {
  test('there is nothing to resume of a run that is neither paused nor stuck', async (opened) => {
    const { store, expect } = opened;
    const runs = [
      ...(await idleRuns(store)),
      ...(await endedRuns(store)).filter(({ status }) => status !== 'failed'),
      await held(store),
    ];
    for (const { id } of runs) {
      const before = await everything(store, id);
      const { status } = (await loaded(store, id)).record;
      expect(await store.resume(id, bytes('go'))).toEqual({ outcome: 'notResumable', status });
      expect(await everything(store, id)).toEqual(before);
    }
    expect(await store.resume(newId('run'), bytes('go'))).toEqual({ outcome: 'missing' });
  });

  test('a run that ended while it was to be paused is not brought back', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    await store.pause(id, bytes('why'));
    const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
    await committed(store, ownership, { release });
    const before = await everything(store, id);
    expect(await store.resume(id, bytes('go'))).toEqual({
      outcome: 'notResumable',
      status: 'completed',
    });
    expect(await everything(store, id)).toEqual(before);
    expect(await dueOf(store, id)).toBe(undefined);
  });

  test('of many resumes one resumes', async ({ store, expect }) => {
    const stopped = await created(store);
    await store.pause(stopped, bytes('why'));
    for (const run of [stopped, await quarantined(store)]) {
      const { seq } = (await loaded(store, run)).record;
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store.resume(run, bytes('go'))),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'resumed').length).toBe(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'notResumable').length).toBe(19);
      expect((await loaded(store, run)).record.seq).toBe(seq + 1);
      await checkWhole(store, expect, run);
    }
  });
}

export const resumeTheme: RunStoreTheme = { name: 'resume', parts: [paused, again, nothing] };
