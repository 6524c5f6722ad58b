// Goal: a bulk action is what a person would do run by run: the same events, the same refusals, nothing more, and it can be
// repeated. Method: the memory store, runs in every status.
import { describe, expect, test } from 'vitest';
import { type BulkAction, type BulkReport, defineWorkflow, type Pawl, type RunStatus } from 'pawl';
import { bytes, claimed, committed, farMs } from '../../../../src/testing/run-store/opened.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';

const parcel = defineWorkflow({ name: 'parcel', run: () => 'done' });
const other = defineWorkflow({ name: 'other', run: () => 'done' });

/** One run for each status, and a paused one; the ids say which. */
async function oneOfEach(pawl: Pawl, store: MemoryRunStore): Promise<void> {
  const error = bytes('error');
  const releases = {
    completed: { status: 'completed', output: bytes('output'), keepMs: farMs },
    failed: { status: 'failed', error, keepMs: farMs },
    quarantined: { status: 'quarantined', error },
    waiting: { status: 'waiting', why: 'parked', waits: [] },
  } as const;
  for (const id of ['queued', 'paused', 'running', ...Object.keys(releases)]) {
    await pawl.start(parcel, undefined, { id });
    if (id === 'paused') await pawl.run(id).pause();
    if (id === 'queued' || id === 'paused') continue;
    const { ownership } = await claimed(store, id);
    if (!(id in releases)) continue;
    const release = releases[id as keyof typeof releases];
    await committed(store, ownership, { release });
  }
  await pawl.start(other, undefined, { id: 'of-another-workflow' });
}

const query = { workflow: 'parcel' };
const request = { actor: 'kim', reason: 'ticket 7' };

/** What is written of each run: the events behind those it had, and whether it is there and paused. */
async function stateOf(pawl: Pawl): Promise<Record<string, string>> {
  const { runs } = await pawl.list({ limit: 500 });
  return Object.fromEntries(
    runs.map(({ id, status, paused, seq }) => [id, `${status} ${paused} ${seq}`]),
  );
}

const expected: Readonly<
  Record<BulkAction, Pick<BulkReport, 'done' | 'unchanged'> & { refused: string[] }>
> = {
  resume: { done: 3, unchanged: 4, refused: [] },
  pause: { done: 4, unchanged: 1, refused: ['failed', 'completed'] },
  cancel: { done: 5, unchanged: 0, refused: ['failed', 'completed'] },
  delete: { done: 6, unchanged: 0, refused: ['running'] },
};

describe.each(['resume', 'pause', 'cancel', 'delete'] as const)('%s', (action) => {
  test('does what can be done, and reports the others with their errors', async () => {
    const { pawl: opened, store } = memoryPawl();
    await using pawl = opened;
    await oneOfEach(pawl, store);
    const { done, unchanged, refused } = expected[action];
    const dry = await pawl.bulk(action, query, { ...request, dryRun: true });
    const before = await stateOf(pawl);
    const report = await pawl.bulk(action, query, request);
    expect(report).toMatchObject({ action, dryRun: false, matched: 7, done, unchanged });
    expect(report.refused.map(({ run }) => run).sort()).toEqual([...refused].sort());
    const code = action === 'delete' ? 'PAWL_RUN_ACTIVE' : 'PAWL_RUN_ENDED';
    for (const { error } of report.refused) expect(error).toMatchObject({ name: 'RunError', code });
    // The dry run has said the same beforehand, and has written nothing.
    expect(dry).toEqual({ ...report, dryRun: true });
    expect(before['of-another-workflow']).toBe('queued false 1');
    expect((await stateOf(pawl))['of-another-workflow']).toBe('queued false 1');
  });

  test('a dry run writes nothing', async () => {
    const { pawl: opened, store } = memoryPawl();
    await using pawl = opened;
    await oneOfEach(pawl, store);
    const before = await stateOf(pawl);
    const report = await pawl.bulk(action, query, { dryRun: true });
    const statuses = { queued: 2, running: 1, completed: 1, failed: 1, quarantined: 1, waiting: 1 };
    expect(report.statuses).toEqual(statuses);
    expect(report.sample.length).toBe(report.done);
    expect(await stateOf(pawl)).toEqual(before);
    expect((await pawl.deletions()).deletions).toEqual([]);
  });

  test('done again, it finds nothing more to do', async () => {
    const { pawl: opened, store } = memoryPawl();
    await using pawl = opened;
    await oneOfEach(pawl, store);
    await pawl.bulk(action, query, request);
    const before = await stateOf(pawl);
    const again = await pawl.bulk(action, query, request);
    // A run whose handler has not heard of it yet is asked to cancel once more.
    expect(again.done).toBe(action === 'cancel' ? 2 : 0);
    expect(await stateOf(pawl)).toEqual(before);
  });
});

test('runs that are named are acted on, as far as they are there and meet the other conditions', async () => {
  const { pawl: opened, store } = memoryPawl();
  await using pawl = opened;
  await oneOfEach(pawl, store);
  const before = await stateOf(pawl);
  const ids = ['queued', 'nobody', 'of-another-workflow', 'failed', 'queued'];
  const dry = await pawl.bulk('pause', { ids, workflow: 'parcel' }, { dryRun: true });
  expect(dry).toMatchObject({ matched: 2, done: 1, statuses: { queued: 1, failed: 1 } });
  expect(dry.refused.map(({ run }) => run)).toEqual(['failed']);
  expect(await stateOf(pawl)).toEqual(before);
  expect(await pawl.bulk('pause', { ids, workflow: 'parcel' })).toEqual({ ...dry, dryRun: false });
  const after = await stateOf(pawl);
  expect(after).toEqual({ ...before, queued: 'queued true 2' });
  expect(await pawl.bulk('cancel', { ids }, { limit: 1, dryRun: true })).toMatchObject({
    matched: 1,
    sample: ['queued'],
  });
  const refused = async (bad: unknown): Promise<string> =>
    pawl.bulk('pause', { ids: bad as string[] }).then(String, String);
  expect(await refused([])).toContain('query.ids');
  expect(await refused(['<b>'])).toContain('query.ids[0]');
  expect(await refused(Array.from({ length: 1_001 }, (_, i) => `r${i}`))).toContain('1001');
});

test('what is asked of a run is an event of its log, with actor and reason', async () => {
  const { pawl: opened, store } = memoryPawl();
  await using pawl = opened;
  await oneOfEach(pawl, store);
  const last = async (id: string): Promise<unknown> => {
    const { seq } = await pawl.run(id).info();
    for await (const event of pawl.run(id).events({ after: seq - 1 }))
      return { type: event.type, data: event.data };
    return undefined;
  };
  for (const [ask, id, type] of [
    ['pause', 'queued', 'operator.paused'],
    ['resume', 'queued', 'operator.resumed'],
    ['resume', 'failed', 'operator.retried'],
    ['resume', 'quarantined', 'operator.retried'],
    ['cancel', 'queued', 'run.cancelled'],
  ] as const) {
    const one = { ...request, reason: `${ask} ${id}` };
    await pawl.run(id)[ask](one);
    expect(await last(id), id).toEqual({ type, data: one });
  }
  // In bulk it is the same.
  await pawl.bulk('pause', { idPrefix: 'failed' }, request);
  expect(await last('failed')).toEqual({ type: 'operator.paused', data: request });
  await pawl.delete('failed', request);
  await pawl.bulk('delete', { idPrefix: 'quarantined' }, { reason: 'old' });
  await pawl.delete('completed');
  await pawl.start(parcel, undefined, { id: 'unreadable' });
  await store.delete('unreadable', bytes('no record'));
  const { deletions } = await pawl.deletions();
  expect(deletions).toEqual([
    { run: 'unreadable', workflow: 'parcel', at: expect.any(Date) as Date, reason: 'PAWL_CORRUPT' },
    { run: 'completed', workflow: 'parcel', at: expect.any(Date) as Date },
    { run: 'quarantined', workflow: 'parcel', at: expect.any(Date) as Date, reason: 'old' },
    { run: 'failed', workflow: 'parcel', at: expect.any(Date) as Date, ...request },
  ]);
});

test('a worker that is asked to cancel or pause logs who asked, too', async () => {
  const { pawl: opened } = memoryPawl();
  await using pawl = opened;
  const sleepy = defineWorkflow({ name: 'sleepy', run: (ctx) => ctx.sleep('1h') });
  pawl.worker({ workflows: [sleepy] });
  const runs = await Promise.all([1, 2, 3].map(() => pawl.start(sleepy, undefined)));
  const isWaiting = async (): Promise<boolean> =>
    (await pawl.list({ workflow: 'sleepy', status: 'waiting' })).runs.length === runs.length;
  await expect.poll(isWaiting).toBe(true);
  const report = await pawl.bulk('cancel', { workflow: 'sleepy' }, request);
  expect(report).toMatchObject({ matched: 3, done: 3, refused: [] });
  for (const run of runs) {
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    const asked: unknown[] = [];
    for await (const { type, data } of run.events())
      if (type.includes('cancel')) asked.push({ type, data });
    expect(asked[0]).toMatchObject({ data: request });
  }
});

test('the worker of a run at work logs who paused it', async () => {
  const { pawl: opened } = memoryPawl();
  await using pawl = opened;
  const busy = defineWorkflow({
    name: 'busy',
    async run(ctx) {
      for (let i = 0; i < 1000; i++) {
        await ctx.step(`step ${i}`, () => new Promise((resolve) => setTimeout(resolve, 1)));
      }
    },
  });
  pawl.worker({ workflows: [busy] });
  const run = await pawl.start(busy, undefined, { id: 'busy-1' });
  await expect.poll(async () => (await run.info()).status).toBe('running');
  await pawl.bulk('pause', { workflow: 'busy' }, request);
  await expect.poll(async () => (await run.info()).status).toBe('queued');
  const { seq } = await run.info();
  const logged: unknown[] = [];
  for await (const event of run.events()) {
    if (event.type.startsWith('operator.')) logged.push([event.type, event.data]);
    if (event.seq === seq) break;
  }
  expect(logged).toEqual([['operator.paused', request]]);
});

test('runs that are created after it began are left alone; the limit takes the newest', async () => {
  const clock = { time: 1_700_000_000_000 };
  const store = new MemoryRunStore({ clock: { now: () => clock.time } });
  await using pawl = memoryPawl({ store }).pawl;
  for (let i = 0; i < 250; i++) {
    await pawl.start(parcel, undefined, { id: `old-${i}` });
    clock.time += i % 3 === 0 ? 1 : 0;
  }
  const made: string[] = [];
  const onProgress = async (): Promise<void> => {
    clock.time += 1;
    const id = `a-new-${made.length}`;
    await pawl.start(parcel, undefined, { id });
    made.push(id);
  };
  const few = await pawl.bulk('pause', query, { limit: 120, onProgress });
  expect(few).toMatchObject({ matched: 120, done: 120 });
  expect(few.sample[0]).toBe('old-249');
  const all = await pawl.bulk('cancel', { idPrefix: 'old-' }, { onProgress, concurrency: 3 });
  expect(all).toMatchObject({ matched: 250, done: 250 });
  expect(made.length).toBeGreaterThan(4);
  // Nor one that comes before the first page is read.
  const list = store.lists.runs.bind(store.lists);
  store.lists.runs = async (params) => {
    await onProgress();
    return list(params);
  };
  await pawl.bulk('pause', { idPrefix: 'a-new' }, { reason: 'only those before' });
  const late = made.splice(-1);
  store.lists.runs = list;
  expect((await store.record(late[0] ?? ''))?.paused).toBe(false);
  expect((await store.record(made[0] ?? ''))?.paused).toBe(true);
  await pawl.bulk('resume', { idPrefix: 'a-new' });
  for (const id of made) expect((await store.record(id))?.status).toBe('queued');
  for (const id of made) expect((await store.record(id))?.paused).toBe(false);
});

test('so many runs are asked at a time, and progress is told of all', async () => {
  const { pawl: opened, store } = memoryPawl();
  await using pawl = opened;
  await Promise.all(Array.from({ length: 30 }, () => pawl.start(parcel, undefined)));
  const pause = store.pause.bind(store);
  let [now, most] = [0, 0];
  store.pause = async (run, data) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return pause(run, data);
  };
  const seen: number[] = [];
  await pawl.bulk('pause', query, {
    concurrency: 4,
    onProgress: ({ done }) => void seen.push(done),
  });
  expect(most).toBe(4);
  expect(seen.at(-1)).toBe(30);
});

test('a fault ends it; what was reached is done, and repeating it does the rest', async () => {
  const { pawl: opened, store } = memoryPawl();
  await using pawl = opened;
  await Promise.all(Array.from({ length: 20 }, () => pawl.start(parcel, undefined)));
  const cancel = store.cancel.bind(store);
  let calls = 0;
  store.cancel = async (params) => {
    if (++calls === 8) throw new Error('connection lost');
    return cancel(params);
  };
  await expect(pawl.bulk('cancel', query, { concurrency: 2 })).rejects.toThrow('connection lost');
  const count = async (status: RunStatus): Promise<number> =>
    (await pawl.list({ status, limit: 500 })).runs.length;
  const reached = await count('cancelled');
  expect(reached).toBeGreaterThanOrEqual(7);
  expect(reached).toBeLessThan(10);
  const rest = await pawl.bulk('cancel', { ...query, status: 'queued' }, { concurrency: 2 });
  expect(rest).toMatchObject({ matched: 20 - reached, done: 20 - reached });
  expect(await count('cancelled')).toBe(20);
});

test('what does not fit is refused, and nothing is done', async () => {
  const { pawl: opened } = memoryPawl();
  await using pawl = opened;
  await pawl.start(parcel, undefined, { id: 'one' });
  const bad: readonly (readonly [unknown, unknown, unknown])[] = [
    ['stop', {}, {}],
    ['pause', { status: 'lost' }, {}],
    ['pause', { status: [] }, {}],
    ['pause', { workflows: 'parcel' }, {}],
    ['pause', { idPrefix: '*' }, {}],
    ['pause', { idPrefix: '' }, {}],
    ['pause', { workflow: 'a b' }, {}],
    ['pause', { tag: { key: 'a', value: '\n' } }, {}],
    ['pause', { since: 'yesterday' }, {}],
    ['pause', { until: new Date(NaN) }, {}],
    ['pause', {}, { concurrency: 0 }],
    ['pause', {}, { limit: 0 }],
    ['pause', {}, { reason: 'x'.repeat(3000) }],
  ];
  for (const [action, search, options] of bad) {
    const call = pawl.bulk(action as BulkAction, search as object, options as object);
    await expect(call, JSON.stringify([action, search, options])).rejects.toMatchObject({
      code: 'PAWL_INVALID',
    });
  }
  expect(await pawl.run('one').info()).toMatchObject({ paused: false, seq: 1 });
});
