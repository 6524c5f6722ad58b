import type { NewEvent } from '../../core/event.ts';
import type { InterruptParams } from '../../core/fleet.ts';
import type { RunStore } from '../../core/store.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  event,
  farMs,
  held,
  interruption,
  json,
  loaded,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

/** Claims a run, lets it write, and loses its worker; returns the record after that. */
async function lose(
  store: RunStore,
  run: string,
  types: readonly string[],
  params: Partial<InterruptParams> = {},
) {
  const worker = newId('worker');
  const { ownership, record } = await claimed(store, run, { worker });
  const events: NewEvent[] = types.map((type) => event(type));
  if (events.length > 0) await committed(store, ownership, { expectedSeq: record.seq, events });
  await store.fleet.interrupt(interruption(worker, { quarantineAfter: 100, ...params }));
  return (await loaded(store, run)).record;
}

/** So often, with the run alone under suspicion. */
async function prove(store: RunStore, run: string, times: number, types: readonly string[] = []) {
  const params = { evidence: run, quarantineAfter: 3 };
  for (let i = 1; i < times; i++) await lose(store, run, types, params);
  return lose(store, run, types, params);
}

function progress(test: RunStoreTest): void {
  for (const type of [
    'step.completed',
    'step.failed',
    'step.retried',
    'node.completed',
    'timer.set',
    'child.started',
    'child.ended',
  ]) {
    test(`${type} is progress each time`, async ({ store, expect }) => {
      const run = await created(store);
      for (let i = 0; i < 4; i++) expect((await lose(store, run, [type])).losses).toBe(0);
    });
  }

  test('what a run writes for the first time is progress, the same again is not', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store);
    const losses: number[] = [];
    for (let i = 0; i < 4; i++) losses.push((await lose(store, run, ['state.set'])).losses);
    expect(losses).toEqual([0, 1, 2, 3]);
  });

  test('more events than in any execution before are progress', async ({ store, expect }) => {
    const run = await created(store);
    const losses: number[] = [];
    for (const count of [3, 3, 2, 4, 4, 3]) {
      const types = Array.from({ length: count }, () => 'mine');
      losses.push((await lose(store, run, types)).losses);
    }
    expect(losses).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('what was written before a step ended counts for those that come after it', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store);
    expect((await lose(store, run, ['mine', 'step.completed'])).losses).toBe(0);
    expect((await lose(store, run, ['mine', 'mine'])).losses).toBe(1);
    expect((await lose(store, run, ['mine', 'mine', 'mine'])).losses).toBe(0);
  });

  test('events that come to a run without its doing are no progress', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store);
    const types = ['run.resumed', 'run.traced', 'signal.received', 'operator.paused'];
    expect((await lose(store, run, types)).losses).toBe(1);
  });

  test('an effect that has begun is progress once', async ({ store, expect }) => {
    const run = await created(store);
    expect((await lose(store, run, ['effect.begun'])).losses).toBe(0);
    expect((await lose(store, run, ['run.resumed', 'effect.begun'])).losses).toBe(1);
  });

  test('progress among very many events is seen', async ({ store, expect }) => {
    const run = await created(store);
    const many = Array.from({ length: 120 }, () => 'mine');
    expect((await lose(store, run, many)).losses).toBe(0);
    expect((await lose(store, run, many)).losses).toBe(1);
    expect((await lose(store, run, [...many.slice(1), 'step.completed'])).losses).toBe(0);
  });

  test('a claim tells how far an execution has come', async ({ store, expect }) => {
    const run = await created(store);
    expect((await claimed(store, run, { worker: 'none' })).furthest).toBe(0);
    await store.fleet.interrupt(interruption('none'));
    await lose(store, run, ['mine', 'mine']);
    expect((await claimed(store, run)).furthest).toBe(2);
  });
}

function verdict(test: RunStoreTest): void {
  test('losses beside others quarantine no run, however many', async ({ store, expect }) => {
    const run = await created(store);
    for (let i = 0; i < 5; i++) await lose(store, run, [], { quarantineAfter: 1 });
    for (let i = 0; i < 5; i++) {
      await lose(store, run, [], { quarantineAfter: 1, evidence: newId('run') });
    }
    expect((await loaded(store, run)).record).toMatchObject({ status: 'interrupted', losses: 10 });
  });

  test('evidence is counted beside suspicion', async ({ store, expect }) => {
    const run = await created(store);
    await lose(store, run, []);
    await lose(store, run, [], { evidence: run });
    const { seq } = await lose(store, run, []);
    const [loss] = await store.events({ run, after: seq - 1, limit: 1 });
    expect(json(loss?.data ?? bytes('null'))).toMatchObject({ losses: 3, proofs: 1 });
  });

  test('progress wipes out suspicion and evidence', async ({ store, expect }) => {
    const run = await created(store);
    expect(await prove(store, run, 2)).toMatchObject({ losses: 2 });
    expect(await lose(store, run, ['step.completed'], { evidence: run })).toMatchObject({
      losses: 0,
    });
    expect(await prove(store, run, 2)).toMatchObject({ status: 'interrupted', losses: 2 });
    expect(await prove(store, run, 1)).toMatchObject({ status: 'quarantined', losses: 3 });
  });

  test('a run that writes the same each time is quarantined', async ({ store, expect }) => {
    const run = await created(store);
    expect(await prove(store, run, 3, ['state.set'])).toMatchObject({ status: 'interrupted' });
    expect(await prove(store, run, 1, ['state.set'])).toMatchObject({ status: 'quarantined' });
  });

  test('a worker that forgot the run is no death', async ({ store, expect }) => {
    const run = await created(store);
    await lose(store, run, [], { evidence: run });
    const forgotten = { reason: 'forgotten', evidence: run } as const;
    const { status, losses, seq } = await lose(store, run, [], forgotten);
    expect([status, losses]).toEqual(['interrupted', 1]);
    const [loss] = await store.events({ run, after: seq - 1, limit: 1 });
    expect(json(loss?.data ?? bytes('null'))).toMatchObject({ losses: 1, proofs: 1 });
  });

  test('a release forgets evidence, and so does a person who resumes', async (opened) => {
    const { store, expect } = opened;
    const run = await created(store);
    await prove(store, run, 2);
    const { ownership, record } = await claimed(store, run);
    await committed(store, ownership, {
      expectedSeq: record.seq,
      release: { status: 'queued', resendMs: farMs },
    });
    expect(await prove(store, run, 2)).toMatchObject({ status: 'interrupted', losses: 2 });
    expect(await prove(store, run, 1)).toMatchObject({ status: 'quarantined' });
    await store.resume(run, bytes('again'));
    expect(await prove(store, run, 2)).toMatchObject({ status: 'interrupted', losses: 2 });
    expect(await prove(store, run, 1)).toMatchObject({ status: 'quarantined' });
  });
}

function suspects(test: RunStoreTest): void {
  test('of the runs of a worker those are unproven that made no progress', async (opened) => {
    const { store, expect } = opened;
    const worker = newId('worker');
    expect(await store.fleet.unproven(worker)).toEqual([]);
    const runs = [];
    for (let i = 0; i < 3; i++) runs.push(await held(store, { claim: { worker } }));
    await held(store);
    const [first, second, third] = runs.map(({ id }) => id);
    const unproven = async () => [...(await store.fleet.unproven(worker))].sort();
    expect(await unproven()).toHaveLength(2);
    const step = { events: [event('step.completed')] };
    for (const { ownership } of runs.slice(0, 1)) await committed(store, ownership, step);
    expect(await unproven()).toEqual(
      [second, third].toSorted((a = '', b = '') => (a < b ? -1 : 1)),
    );
    const [, released] = runs;
    if (released === undefined) throw new Error('three runs were made');
    await committed(store, released.ownership, { release: { status: 'queued', resendMs: farMs } });
    expect(await unproven()).toEqual([third]);
    await store.fleet.interrupt(interruption(worker, { runs: [first ?? '', third ?? ''] }));
    expect(await unproven()).toEqual([]);
  });

  test('a run that writes no more than before is unproven', async ({ store, expect }) => {
    const run = await created(store);
    await lose(store, run, ['mine', 'mine']);
    const worker = newId('worker');
    const { ownership, record } = await claimed(store, run, { worker });
    await committed(store, ownership, {
      expectedSeq: record.seq,
      events: [event('mine'), event('mine')],
    });
    expect(await store.fleet.unproven(worker)).toEqual([run]);
    await committed(store, ownership, { expectedSeq: record.seq + 2, events: [event('mine')] });
    expect(await store.fleet.unproven(worker)).toEqual([]);
  });
}

export const evidenceTheme: RunStoreTheme = {
  name: 'evidence',
  parts: [progress, verdict, suspects],
};
