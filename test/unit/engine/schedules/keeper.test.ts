// Goal: each time of a schedule is started once, as its options say. Method: a keeper over a store in memory, and a clock
// that the test moves.
import { beforeEach, describe, expect, test } from 'vitest';
import { decode, encode } from '../../../../src/core/codec.ts';
import { PawlError } from '../../../../src/core/errors.ts';
import type { Schedule } from '../../../../src/core/schedules.ts';
import { bytes, claimed, commit, newId } from '../../../../src/testing/run-store/opened.ts';
import {
  complete,
  info,
  join,
  keeperOf,
  pass,
  resetWorld,
  runOf,
  save,
  startedAt,
  times,
  turn,
  upTo,
  watching,
  world,
} from '../../../support/kept-schedules.ts';

beforeEach(resetWorld);

test('a run that is noted and not there, because Redis has forgotten it, is started again', async () => {
  await save();
  await pass(2_000);
  const { schedules } = world.store;
  world.now += 1_000;
  const [due] = (await schedules.due(10)).schedules;
  if (due === undefined) throw new Error('nothing is due');
  // As a keeper leaves it that dies after it has noted the run, in a Redis that has lost the run.
  const at = startedAt + 3_000;
  const noted = { ...due, waiting: [at], nextAt: at + 1_000, lastRun: runOf(3) };
  await schedules.advance(due, noted, 0);
  await pass(1_000);
  expect(await times()).toEqual(upTo(4));
});

test('a run that Redis forgets before its time is dropped is started again', async () => {
  const { store } = world;
  const create = store.create.bind(store);
  const forgotten: string[] = [];
  store.create = async (params) => {
    const created = await create(params);
    if (forgotten.length === 0) await store.delete(params.run);
    forgotten.push(params.run);
    return created;
  };
  await save();
  await pass(2_000);
  expect(forgotten).toEqual([runOf(1), runOf(1), runOf(2)]);
  expect(await times()).toEqual(upTo(2));
});

test('a run is started at each time, with the input as it was saved, and woken', async () => {
  await save();
  await pass(5_000);
  expect(await times()).toEqual(upTo(5));
  expect(world.woken.map(({ run }) => run)).toEqual(upTo(5).map(runOf));
  const record = await world.store.record(runOf(1));
  expect(record).toMatchObject({ workflow: 'tick', tags: { schedule: 's' }, priority: 0 });
  expect(decode(record?.input ?? bytes(''), { key: 'input' })).toEqual({ n: 1 });
  const [created] = await world.store.events({ run: runOf(1), after: 0, limit: 1 });
  expect(decode(created?.data ?? bytes(''), { key: 'data' })).toEqual({
    workflow: 'tick',
    codeVersion: 3,
  });
  expect(await info()).toMatchObject({ nextAt: startedAt + 6_000, lastRun: runOf(5) });
});

test('runs of a schedule with a key take turns', async () => {
  await world.store.turns.limit({ tick: { perKey: 1, onBusy: 'drop', codeVersion: 3 } });
  await save({ key: 'acme' });
  await pass(3_000);
  expect(await times()).toEqual(upTo(3));
  expect(world.woken.map(({ run }) => run)).toEqual([runOf(1)]);
  expect(await world.store.record(runOf(2))).toMatchObject({ key: 'acme', status: 'queued' });
});

test('nothing is looked up while nothing is due', async () => {
  await save({ everyMs: 3_600_000 });
  const asked: string[] = [];
  const watched = watching(world.store, (name) => void asked.push(name));
  await turn(keeperOf(watched));
  await turn(keeperOf(watched));
  expect(asked).toEqual(['due', 'due']);
});

describe('times at which nobody was there', () => {
  async function gap(missed: Schedule['missed']): Promise<number[]> {
    await save({ missed });
    await pass(3_000);
    await world.store.fleet.deregister('first');
    await pass(7_000);
    expect(await times()).toEqual(upTo(3));
    await join('second');
    await pass(2_000);
    return times();
  }

  test('skip leaves them out, and counts them', async () => {
    expect(await gap('skip')).toEqual([1, 2, 3, 10, 11, 12]);
    expect((await info()).timesMissed).toBe(6);
    expect(world.logged.join('\n')).toContain('times of a schedule were missed');
  });

  test('latest makes up for the last one', async () => {
    expect(await gap('latest')).toEqual([1, 2, 3, 9, 10, 11, 12]);
    expect((await info()).timesMissed).toBe(5);
  });

  test('all makes up for each', async () => {
    expect(await gap('all')).toEqual(upTo(12));
    expect((await info()).timesMissed).toBe(0);
  });

  test('a worker of other workflows does not count', async () => {
    await join('other', { something: 1 });
    expect(await gap('skip')).toEqual([1, 2, 3, 10, 11, 12]);
  });

  test('nor does one that is taken for dead', async () => {
    await save();
    world.now += 1_500;
    await turn(keeperOf(), ['first']);
    expect(await times()).toEqual([]);
    world.now += 100;
    await turn();
    expect(await times()).toEqual([1]);
  });

  test('many of them are made up for page by page', async () => {
    await save({ missed: 'all' });
    world.now += 400_500;
    await pass(500);
    expect(await times()).toEqual(upTo(401));
  });
});

describe('when the run before has not ended', () => {
  test('allow starts the next one beside it', async () => {
    await save({ overlap: 'allow' });
    await pass(3_000);
    expect(await times()).toEqual([1, 2, 3]);
  });

  test('skip leaves the time out, and counts it', async () => {
    await save({ overlap: 'skip' });
    await pass(3_000);
    await complete(1);
    await pass(1_000);
    expect(await times()).toEqual([1, 4]);
    expect(await info()).toMatchObject({ timesSkipped: 2, timesMissed: 0, waiting: [] });
  });

  test('queue starts it when that one has ended, in the order of times', async () => {
    await save({ overlap: 'queue' });
    await pass(3_500);
    expect(await times()).toEqual([1]);
    expect((await info()).waiting).toEqual([2, 3].map((at) => startedAt + at * 1_000));
    await complete(1);
    await pass(400);
    expect(await times()).toEqual([1, 2]);
    await complete(2);
    await pass(400);
    expect(await times()).toEqual([1, 2, 3]);
    expect((await info()).timesSkipped).toBe(0);
  });

  test('a queue holds a hundred times', async () => {
    await save({ overlap: 'queue' });
    await pass(150_000);
    const { waiting, timesSkipped } = await info();
    expect(waiting).toEqual(upTo(100).map((at) => startedAt + (at + 1) * 1_000));
    expect(timesSkipped).toBeGreaterThan(30);
    expect(timesSkipped).toBeLessThanOrEqual(49);
  });

  test('a queue of a schedule that misses none loses none', async () => {
    await save({ overlap: 'queue', missed: 'all' });
    await pass(300_000);
    expect((await info()).waiting).toHaveLength(100);
    for (let second = 1; second <= 320; second++) {
      for (let i = 0; (await world.store.record(runOf(second))) === undefined; i++) {
        if (i > 400) throw new Error(`second ${second} was not started`);
        await pass(100);
      }
      await complete(second);
    }
    expect(await info()).toMatchObject({ timesMissed: 0, timesSkipped: 0 });
  });

  test('cancel-previous cancels that one, and starts the next when it has ended', async () => {
    await save({ overlap: 'cancel-previous' });
    await pass(1_000);
    const { ownership } = await claimed(world.store, runOf(1), { codeVersion: 3 });
    await pass(1_500);
    const unread = await world.store.readInbox(runOf(1));
    expect(unread.messages).toHaveLength(1);
    expect(unread.messages[0]).toMatchObject({ kind: 'cancel' });
    expect(decode(unread.messages[0]?.data ?? bytes(''), { key: 'data' })).toMatchObject({
      actor: 'schedule s',
      reason: 'the next time of its schedule has come',
    });
    expect(await times()).toEqual([1]);
    await pass(1_000);
    const release = { status: 'cancelled', error: bytes('error'), keepMs: 1e9 } as const;
    await world.store.commit(commit(ownership, { release }));
    await pass(300);
    // The second time has been overtaken by the third.
    expect(await times()).toEqual([1, 3]);
    expect(await info()).toMatchObject({ timesSkipped: 1, waiting: [] });
  });

  test('cancel-previous ends one that has not begun', async () => {
    await save({ overlap: 'cancel-previous' });
    await pass(3_300);
    expect(await times()).toEqual([1, 2, 3]);
    const statuses = await Promise.all(
      [1, 2, 3].map(async (second) => (await world.store.record(runOf(second)))?.status),
    );
    expect(statuses).toEqual(['cancelled', 'cancelled', 'queued']);
  });

  test('a run that is gone, failed or quarantined holds nothing up', async () => {
    await save({ overlap: 'skip' });
    await pass(1_000);
    await world.store.delete(runOf(1));
    await pass(1_000);
    const second = await claimed(world.store, runOf(2), { codeVersion: 3 });
    const error = bytes('error');
    const failed = { status: 'failed', error, keepMs: 1e9 } as const;
    await world.store.commit(commit(second.ownership, { release: failed }));
    await pass(1_000);
    const third = await claimed(world.store, runOf(3), { codeVersion: 3 });
    const aside = { status: 'quarantined', error } as const;
    await world.store.commit(commit(third.ownership, { release: aside }));
    await pass(1_000);
    expect(await times()).toEqual([2, 3, 4]);
    expect((await info()).timesSkipped).toBe(0);
  });
});

describe('what goes wrong with one schedule', () => {
  test('stops no other, and costs it no time', async () => {
    await save();
    const broken = { ...(await readOf('s')), id: 'broken', input: bytes('no payload') };
    await world.store.schedules.save(broken, startedAt + 1_000);
    await pass(3_000);
    expect(await times()).toEqual([1, 2, 3]);
    expect(world.logged.filter((line) => line.includes('"broken"'))).toHaveLength(1);
    expect(await info('broken')).toMatchObject({ nextAt: startedAt + 1_000, timesMissed: 0 });
    await world.store.schedules.save({ ...broken, input: encode(2, 'input', 100) }, startedAt);
    await pass(32_000);
    expect(await world.store.record(`broken.${startedAt + 1_000}`)).toBeDefined();
  });

  test('is tried again, and every time is started', async () => {
    await save();
    let isFull = true;
    const full = watching(world.store, (name) => {
      if (name === 'create' && isFull) {
        throw new PawlError('PAWL_REDIS_FULL', 'full', { retryable: true });
      }
    });
    const keeper = keeperOf(full);
    await pass(4_000, keeper);
    expect(await times()).toEqual([]);
    isFull = false;
    await pass(2_000, keeper);
    expect(await times()).toEqual(upTo(6));
  });

  test('a run of somebody else that has the id of a time is left alone', async () => {
    const run = runOf(2);
    await world.store.create({
      run,
      workflow: 'tick',
      input: bytes('own'),
      tags: {},
      data: bytes(''),
      token: newId('token'),
      resendMs: 1,
    });
    await save();
    await pass(3_000);
    expect(await times()).toEqual([1, 3]);
    expect((await world.store.record(run))?.input).toEqual(bytes('own'));
    expect(world.logged.join('\n')).toContain('id of a scheduled run is taken');
  });

  async function readOf(id: string): Promise<Schedule> {
    world.now += 1_000;
    const { schedules } = await world.store.schedules.due(10);
    world.now -= 1_000;
    const found = schedules.find((one) => one.id === id);
    if (found === undefined) throw new Error('not due');
    return found;
  }
});
