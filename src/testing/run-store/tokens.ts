import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  creation,
  event,
  everything,
  farMs,
  held,
  interruption,
  loaded,
  newId,
  parking,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  timeless,
} from './opened.ts';

const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: ['state:b'] };
const events = [event('one'), event('two')];

function creationsAndClaims(test: RunStoreTest): void {
  test('a create sent twice makes one run and is answered alike', async ({ store, expect }) => {
    const params = creation({ tags: { a: 'b' } });
    const first = await store.create(params);
    const before = await everything(store, params.run);
    expect(plain(await store.create(params))).toEqual(plain(first));
    expect(first.outcome).toBe('created');
    expect(await everything(store, params.run)).toEqual(before);
  });

  test('a create sent again after the run has moved on does not make it anew', async (opened) => {
    const { store, expect } = opened;
    const params = creation();
    await store.create(params);
    await claimed(store, params.run);
    const before = await everything(store, params.run);
    const again = await store.create(params);
    expect(again.outcome).toBe('created');
    expect(again.record.status).toBe('running');
    expect(await everything(store, params.run)).toEqual(before);
  });

  test('a claim sent twice raises the fence once and is answered alike', async (opened) => {
    const { store, expect } = opened;
    const { record } = await store.create(creation());
    const params = claiming(record.id, { expectedFence: record.fence });
    const first = await store.claim(params);
    expect(first.outcome).toBe('claimed');
    const before = await everything(store, record.id);
    expect(timeless(await store.claim(params))).toEqual(timeless(first));
    expect(await everything(store, record.id)).toEqual(before);
  });

  test('a claim after a loss sent twice returns the takeover twice, and counts it once', async (opened) => {
    const { store, advance, expect } = opened;
    const { id, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    const params = claiming(id);
    const first = await store.claim(params);
    await advance(5);
    const second = await store.claim(params);
    expect(timeless(second)).toEqual(timeless(first));
    expect(second).toMatchObject({ takeover: { from: worker }, record: { takeovers: 1 } });
  });

  test('a claim sent again after its run was lost does not take it back unseen', async (opened) => {
    const { store, expect } = opened;
    const { record } = await store.create(creation());
    const params = claiming(record.id, { expectedFence: record.fence });
    await store.claim(params);
    const [lost] = await store.fleet.interrupt(interruption(params.worker));
    const before = await everything(store, record.id);
    expect(await store.claim(params)).toEqual({ outcome: 'stale', fence: lost?.fence });
    expect(await everything(store, record.id)).toEqual(before);
  });
}

function commits(test: RunStoreTest): void {
  test('an append sent twice is stored once and answered alike', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const params = commit(ownership, { events });
    const first = await store.commit(params);
    const before = await everything(store, id);
    expect(first).toEqual({ outcome: 'committed', seq: 4, version: 0 });
    expect(await store.commit(params)).toEqual(first);
    expect(await everything(store, id)).toEqual(before);
  });

  test('a snapshot sent twice is one version and answered alike', async ({ store, expect }) => {
    for (const written of [[], events]) {
      const { id, ownership } = await held(store);
      const params = commit(ownership, { events: written, snapshot });
      const first = await store.commit(params);
      const before = await everything(store, id);
      expect(first).toEqual({ outcome: 'committed', seq: 2 + written.length, version: 1 });
      expect(await store.commit(params)).toEqual(first);
      expect(await everything(store, id)).toEqual(before);
    }
  });

  test('a release sent twice is one release and answered alike', async ({ store, expect }) => {
    for (const release of [
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error: bytes('error'), keepMs: farMs },
      { status: 'queued', resendMs: farMs },
      parking({ wakeMs: farMs }),
    ] as const) {
      for (const written of [[], events]) {
        const { id, ownership } = await held(store);
        const params = commit(ownership, { events: written, snapshot, release });
        const first = await store.commit(params);
        const before = await everything(store, id);
        expect(first).toEqual({ outcome: 'committed', seq: 2 + written.length, version: 1 });
        expect(await store.commit(params)).toEqual(first);
        expect(await everything(store, id)).toEqual(before);
      }
    }
  });

  test('twenty copies of one commit at the same time are one commit', async ({ store, expect }) => {
    for (const extra of [{}, { snapshot }]) {
      const { id, ownership } = await held(store);
      const params = commit(ownership, { events, ...extra });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.commit(params)));
      expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
      expect(outcomes[0]).toMatchObject({ outcome: 'committed', seq: 4 });
      expect((await loaded(store, id)).record.seq).toBe(4);
    }
  });

  test('the same commit with another token is another one, and conflicts', async (opened) => {
    const { store, expect } = opened;
    const { ownership } = await held(store);
    await committed(store, ownership, { events });
    const outcome = await store.commit(commit(ownership, { events }));
    expect(outcome).toEqual({ outcome: 'conflict', seq: 4 });
  });
}

function afterALoss(test: RunStoreTest): void {
  test('a commit sent again after its run was lost is acknowledged, and written no second time', async (opened) => {
    const { store, expect } = opened;
    for (const extra of [{}, { snapshot }]) {
      const { id, ownership, worker } = await held(store);
      const params = commit(ownership, { events, ...extra });
      const first = await store.commit(params);
      await store.fleet.interrupt(interruption(worker));
      const before = await everything(store, id);
      expect(await store.commit(params)).toEqual(first);
      expect(await everything(store, id)).toEqual(before);
    }
  });

  test('a release sent again after another worker claimed the run is acknowledged', async (opened) => {
    const { store, expect } = opened;
    const { id, ownership } = await held(store);
    const release = { status: 'queued', resendMs: farMs } as const;
    const params = commit(ownership, { events, release });
    const first = await store.commit(params);
    await claimed(store, id);
    const before = await everything(store, id);
    expect(await store.commit(params)).toEqual(first);
    expect(await everything(store, id)).toEqual(before);
  });

  test('a commit sent again after the next owner has written is refused, and told it was applied', async (opened) => {
    const { store, expect } = opened;
    for (const extra of [{}, { snapshot }]) {
      const { id, ownership, worker } = await held(store);
      const params = commit(ownership, { events, ...extra });
      await store.commit(params);
      await store.fleet.interrupt(interruption(worker));
      const next = await claimed(store, id);
      await committed(store, next.ownership, { expectedSeq: 6, events });
      const before = await everything(store, id);
      const { fence } = next.ownership;
      expect(await store.commit(params)).toEqual({ outcome: 'fenced', fence, applied: true });
      expect(await everything(store, id)).toEqual(before);
    }
  });

  test('a commit that never arrived is refused, and told it was not applied', async (opened) => {
    const { store, expect } = opened;
    for (const extra of [{}, { snapshot }]) {
      const { id, ownership, worker } = await held(store);
      await store.fleet.interrupt(interruption(worker));
      const next = await claimed(store, id);
      // The place it wanted to write to is taken by now, by others.
      await committed(store, next.ownership, { expectedSeq: 4, events });
      const outcome = await store.commit(commit(ownership, { events, ...extra }));
      const { fence } = next.ownership;
      expect(outcome).toEqual({ outcome: 'fenced', fence, applied: false });
    }
  });

  test('a token that is unknown to the run acknowledges nothing', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    await committed(store, ownership, { events });
    const other = await held(store);
    const params = commit(other.ownership, { events });
    await store.commit(params);
    const outcome = await store.commit({ ...params, ...ownership, run: id, token: newId('token') });
    expect(outcome).toEqual({ outcome: 'conflict', seq: 4 });
    expect(await store.commit({ ...params, ...ownership })).toEqual({
      outcome: 'conflict',
      seq: 4,
    });
  });
}

export const tokensTheme: RunStoreTheme = {
  name: 'tokens',
  parts: [creationsAndClaims, commits, afterALoss],
};
