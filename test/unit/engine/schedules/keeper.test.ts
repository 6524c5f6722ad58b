// Goal: each time of a schedule is started once, whatever dies when. Method: keepers over a store in memory whose calls are
// counted and cut off, one keeper after another, and a clock that the test moves.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import { decode, encode } from '../../../../src/core/codec.ts';
import { PawlError } from '../../../../src/core/errors.ts';
import type { Logger } from '../../../../src/core/logger.ts';
import type { WakeUp } from '../../../../src/core/queue.ts';
import type { Schedule, ScheduleInfo } from '../../../../src/core/schedules.ts';
import type { RunStore } from '../../../../src/core/store.ts';
import { ScheduleKeeper } from '../../../../src/engine/schedules/keeper.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import {
  bytes,
  claimed,
  commit,
  newId,
  workerInfo,
} from '../../../../src/testing/run-store/opened.ts';

/** A full minute; schedules are looked at from here on. */
const startedAt = 1_800_000_000_000;

let now = startedAt;
let store = new MemoryRunStore();
let woken: WakeUp[] = [];
let logged: string[] = [];

beforeEach(async () => {
  now = startedAt;
  store = new MemoryRunStore({ clock: { now: () => now } });
  woken = [];
  logged = [];
  await join('first');
});

const clock: Clock = { ...systemClock, now: () => now, monotonic: () => now };

async function join(worker: string, workflows: Record<string, number> = { tick: 1 }): Promise<void> {
  await store.appear(worker);
  await store.beat(workerInfo(worker, { workflows }), 1e12);
}

const note = (fields: object, message: string): void => {
  logged.push(`${message} ${JSON.stringify(fields)}`);
};
const logger: Logger = { debug: note, info: note, warn: note, error: note };

function keeperOf(through: RunStore = store): ScheduleKeeper {
  return new ScheduleKeeper({
    ...{ store: through, clock, logger, keepMs: () => 1_000_000 },
    wake: async (wakeUp) => void woken.push(wakeUp),
  });
}

async function turn(keeper = keeperOf(), lost: readonly string[] = []): Promise<void> {
  keeper.attend(lost);
  await keeper.end();
}

/** Turns every 100 ms until so much later. */
async function pass(ms: number, keeper = keeperOf()): Promise<void> {
  for (const until = now + ms; now < until; ) {
    now += 100;
    await turn(keeper);
  }
}

async function save(params: Partial<Schedule> = {}): Promise<void> {
  const schedule: Schedule = {
    ...{ id: 's', workflow: 'tick', codeVersion: 3, input: encode({ n: 1 }, 'input', 1_000) },
    ...{ cron: undefined, timeZone: undefined, everyMs: 1_000 },
    ...{ missed: 'latest', overlap: 'allow', ...params },
  };
  await store.schedules.save(schedule, startedAt + 1_000);
}

async function info(id = 's'): Promise<ScheduleInfo> {
  const found = (await store.schedules.list()).find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no schedule ${id}`);
  return found;
}

/** The times whose runs there are, in seconds from the start. */
async function times(): Promise<number[]> {
  const { runs } = await store.list({ limit: 500, tag: 'schedule=s' });
  return runs.map(({ id }) => (Number(id.slice(2)) - startedAt) / 1_000).sort((a, b) => a - b);
}

const runOf = (second: number): string => `s.${startedAt + second * 1_000}`;

async function complete(second: number): Promise<void> {
  const { ownership } = await claimed(store, runOf(second));
  const release = { status: 'completed', output: bytes('output'), keepMs: 1e9 } as const;
  await store.commit(commit(ownership, { release }));
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

test('a run is started at each time, with the input as it was saved, and woken', async () => {
  await save();
  await pass(5_000);
  expect(await times()).toEqual(upTo(5));
  expect(woken.map(({ run }) => run)).toEqual(upTo(5).map(runOf));
  const record = await store.record(runOf(1));
  expect(record).toMatchObject({ workflow: 'tick', tags: { schedule: 's' }, priority: 0 });
  expect(decode(record?.input ?? bytes(''), { key: 'input' })).toEqual({ n: 1 });
  const [created] = await store.events({ run: runOf(1), after: 0, limit: 1 });
  expect(decode(created?.data ?? bytes(''), { key: 'data' })).toEqual({
    ...{ workflow: 'tick', codeVersion: 3 },
  });
  expect(await info()).toMatchObject({ nextAt: startedAt + 6_000, lastRun: runOf(5) });
});

test('nothing is looked up while nothing is due', async () => {
  await save({ everyMs: 3_600_000 });
  const asked: string[] = [];
  const watched = watching(store, (name) => void asked.push(name));
  await turn(keeperOf(watched));
  await turn(keeperOf(watched));
  expect(asked).toEqual(['due', 'due']);
});

/** Calls `before` at each call of the store or its schedules, and `behind` when it was carried out. */
function watching(
  of: RunStore,
  before: (name: string) => void,
  behind: (name: string) => void = () => undefined,
): RunStore {
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'schedules') return watch(value as object);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          before(String(name));
          const result: unknown = await Reflect.apply(value, target, args);
          behind(String(name));
          return result;
        };
      },
    });
  return watch(of);
}

/** A store that is as dead as its process after so many calls; the last one is carried out, or not. */
function dyingAfter(calls: number, last: 'carried out' | 'lost'): RunStore {
  let made = 0;
  const die = (): void => {
    throw new PawlError('PAWL_UNAVAILABLE', 'this process is dead');
  };
  return watching(
    store,
    () => {
      made += 1;
      if (made > calls || (made === calls && last === 'lost')) die();
    },
    () => {
      if (made >= calls) die();
    },
  );
}

describe.each(['carried out', 'lost'] as const)('a keeper whose last call is %s', (last) => {
  test.each(upTo(12))('and dies after %i calls loses no time and starts none twice', async (calls) => {
    await save();
    now = startedAt + 3_500;
    await turn(keeperOf(dyingAfter(calls, last)));
    await pass(1_500);
    expect(await times()).toEqual(upTo(5));
    expect(await info()).toMatchObject({ timesMissed: 0, timesSkipped: 0 });
    expect(logged.join('\n')).not.toContain('taken');
  });

  test.each(upTo(12))('and dies after %i calls with missed times decides once', async (calls) => {
    await save({ missed: 'latest' });
    await store.leave('first');
    now = startedAt + 30_000;
    await join('second');
    await turn(keeperOf(dyingAfter(calls, last)));
    // The one that goes on was not there when the first one decided.
    await store.leave('second');
    now = startedAt + 40_000;
    await join('third');
    await turn();
    const started = await times();
    expect(started.slice(-4)).toEqual([37, 38, 39, 40]);
    // What the first one had decided holds; each time was started or left out, none is both.
    expect([[], [27, 28, 29, 30]]).toContainEqual(started.slice(0, -4));
    expect(started.length + (await info()).timesMissed).toBe(40);
  });

  test.each(upTo(12))('and dies after %i calls never starts two beside each other', async (calls) => {
    for (const overlap of ['queue', 'skip', 'cancel-previous'] as const) {
      await save({ overlap, everyMs: 1_000 });
      now = startedAt + 2_100;
      await turn(keeperOf(dyingAfter(calls, last)));
      await pass(1_000);
      const { runs } = await store.list({ limit: 500, tag: 'schedule=s' });
      const open = runs.filter(({ status }) => status === 'queued');
      expect(open, overlap).toHaveLength(1);
      await store.schedules.remove('tick', 's');
      for (const { id } of runs) await store.delete(id);
      now = startedAt;
    }
  });
});

test('a thousand keepers that die one after the other lose nothing', async () => {
  await save();
  let seed = 7;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  for (let i = 0; i < 1_000; i++) {
    now += Math.floor(random() * 200);
    const last = random() < 0.5 ? 'lost' : 'carried out';
    await turn(keeperOf(dyingAfter(1 + Math.floor(random() * 6), last)));
  }
  await pass(2_000);
  const seconds = Math.floor((now - startedAt) / 1_000);
  expect(seconds).toBeGreaterThan(60);
  expect(await times()).toEqual(upTo(seconds));
  expect((await info()).timesMissed).toBe(0);
});

test('two keepers at once start each time once', async () => {
  await save({ overlap: 'queue' });
  const [one, two] = [keeperOf(), keeperOf()];
  for (let i = 0; i < 30; i++) {
    now += 100;
    await Promise.all([turn(one), turn(two)]);
    for (const second of await times()) {
      if ((await store.record(runOf(second)))?.status === 'queued') await complete(second);
    }
  }
  expect(await times()).toEqual(upTo(3));
});

describe('times at which nobody was there', () => {
  async function gap(missed: Schedule['missed']): Promise<number[]> {
    await save({ missed });
    await pass(3_000);
    await store.leave('first');
    await pass(7_000);
    expect(await times()).toEqual(upTo(3));
    await join('second');
    await pass(2_000);
    return times();
  }

  test('skip leaves them out, and counts them', async () => {
    // A worker that comes two seconds behind a time was not missed.
    expect(await gap('skip')).toEqual([1, 2, 3, 8, 9, 10, 11, 12]);
    expect((await info()).timesMissed).toBe(4);
    expect(logged.join('\n')).toContain('times of a schedule were missed');
  });

  test('latest makes up for the last one', async () => {
    expect(await gap('latest')).toEqual([1, 2, 3, 7, 8, 9, 10, 11, 12]);
    expect((await info()).timesMissed).toBe(3);
  });

  test('all makes up for each', async () => {
    expect(await gap('all')).toEqual(upTo(12));
    expect((await info()).timesMissed).toBe(0);
  });

  test('a worker of other workflows does not count', async () => {
    await join('other', { something: 1 });
    expect(await gap('skip')).toEqual([1, 2, 3, 8, 9, 10, 11, 12]);
  });

  test('nor does one that is taken for dead', async () => {
    await save();
    now += 1_500;
    await turn(keeperOf(), ['first']);
    expect(await times()).toEqual([]);
    now += 100;
    await turn();
    expect(await times()).toEqual([1]);
  });

  test('many of them are made up for page by page', async () => {
    await save({ missed: 'all' });
    now += 400_500;
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
      for (let i = 0; (await store.record(runOf(second))) === undefined; i++) {
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
    const { ownership } = await claimed(store, runOf(1));
    await pass(1_500);
    const mail = await store.mail(runOf(1));
    expect(mail.messages).toHaveLength(1);
    expect(mail.messages[0]).toMatchObject({ kind: 'cancel' });
    expect(decode(mail.messages[0]?.data ?? bytes(''), { key: 'data' })).toMatchObject({
      ...{ actor: 'schedule s', reason: 'the next time of its schedule has come' },
    });
    expect(await times()).toEqual([1]);
    await pass(1_000);
    const release = { status: 'cancelled', error: bytes('error'), keepMs: 1e9 } as const;
    await store.commit(commit(ownership, { release }));
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
      [1, 2, 3].map(async (second) => (await store.record(runOf(second)))?.status),
    );
    expect(statuses).toEqual(['cancelled', 'cancelled', 'queued']);
  });

  test('a run that is gone, failed or set aside holds nothing up', async () => {
    await save({ overlap: 'skip' });
    await pass(1_000);
    await store.delete(runOf(1));
    await pass(1_000);
    const second = await claimed(store, runOf(2));
    const error = bytes('error');
    const failed = { status: 'failed', error, keepMs: 1e9 } as const;
    await store.commit(commit(second.ownership, { release: failed }));
    await pass(1_000);
    const third = await claimed(store, runOf(3));
    const aside = { status: 'quarantined', error } as const;
    await store.commit(commit(third.ownership, { release: aside }));
    await pass(1_000);
    expect(await times()).toEqual([2, 3, 4]);
    expect((await info()).timesSkipped).toBe(0);
  });
});

describe('what goes wrong with one schedule', () => {
  test('stops no other, and costs it no time', async () => {
    await save();
    const broken = { ...(await readOf('s')), id: 'broken', input: bytes('no payload') };
    await store.schedules.save(broken, startedAt + 1_000);
    await pass(3_000);
    expect(await times()).toEqual([1, 2, 3]);
    expect(logged.filter((line) => line.includes('"broken"'))).toHaveLength(1);
    expect(await info('broken')).toMatchObject({ nextAt: startedAt + 1_000, timesMissed: 0 });
    await store.schedules.save({ ...broken, input: encode(2, 'input', 100) }, startedAt);
    await pass(32_000);
    expect(await store.record(`broken.${startedAt + 1_000}`)).toBeDefined();
  });

  test('is tried again, and every time is started', async () => {
    await save();
    let isFull = true;
    const full = watching(store, (name) => {
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
    await store.create({
      ...{ run, workflow: 'tick', input: bytes('own'), tags: {}, data: bytes('') },
      ...{ token: newId('token'), resendMs: 1 },
    });
    await save();
    await pass(3_000);
    expect(await times()).toEqual([1, 3]);
    expect((await store.record(run))?.input).toEqual(bytes('own'));
    expect(logged.join('\n')).toContain('id of a scheduled run is taken');
  });

  async function readOf(id: string): Promise<Schedule> {
    now += 1_000;
    const { schedules } = await store.schedules.due(10);
    now -= 1_000;
    const found = schedules.find((one) => one.id === id);
    if (found === undefined) throw new Error('not due');
    return found;
  }
});
