// Goal: a sweeper acts on what is still true when it acts, however late the answers came. Method: a store in memory whose
// answers are held back while the world moves on, and the turns of one sweeper, made by hand.
import { expect, test } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { InterruptParams } from '../../../../src/core/fleet.ts';
import { Sweeper } from '../../../../src/engine/worker/sweeper.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  event,
  held,
  loaded,
  workerInfo,
} from '../../../../src/testing/run-store/opened.ts';
import { withMethods } from '../../../support/with-methods.ts';

const longMs = 60_000;

function stage() {
  let now = 1_900_000_000_000;
  const hooks = {
    afterElect: async () => {},
    afterDue: async () => {},
    afterInterrupt: async () => {},
  };
  const interrupts: InterruptParams[] = [];
  const plain = new MemoryRunStore({ clock: { now: () => now } });
  const fleet = withMethods(plain.fleet, {
    elect: async (worker, lockMs) => {
      const look = await plain.fleet.elect(worker, lockMs);
      await hooks.afterElect();
      return look;
    },
    due: async (params) => {
      const due = await plain.fleet.due(params);
      await hooks.afterDue();
      return due;
    },
    interrupt: async (params) => {
      interrupts.push(params);
      const taken = await plain.fleet.interrupt(params);
      await hooks.afterInterrupt();
      return taken;
    },
  });
  const store = withMethods(plain, { fleet });
  const tasks: (() => Promise<number>)[] = [];
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    repeat: (task) => {
      tasks.push(task);
      return () => Promise.resolve();
    },
  };
  new Sweeper({
    store,
    queue: new MemoryResumeQueue(),
    worker: 'sweeper',
    clock,
    logger: silentLogger,
    random: () => 0.5,
    settings: { sweepMs: 25, lockMs: 500, sessionMs: longMs, resendMs: 5_000, quarantineAfter: 2 },
  }).begin();
  const advance = (ms: number): void => {
    now += ms;
  };
  const turn = async (): Promise<void> => {
    for (const task of tasks) await task();
  };
  /** Some turns, so that what must be seen twice is. */
  const sweep = async (turns = 3): Promise<void> => {
    for (let i = 0; i < turns; i++) {
      await turn();
      advance(25);
    }
  };
  return { store, hooks, advance, sweep, interrupts, look: () => turn() };
}

/** A worker that holds a run, and whose process is gone. */
async function vanished(store: MemoryRunStore, worker: string): Promise<string> {
  await store.fleet.register(worker);
  await store.fleet.beat(workerInfo(worker), longMs);
  const { id } = await held(store, { claim: { worker } });
  store.vanish(worker);
  return id;
}

test('a run that is resumed while it is said to be over is not deleted', async () => {
  const { store, hooks, advance, sweep } = stage();
  const { id, ownership } = await held(store);
  const release = { status: 'failed', error: bytes('no'), keepMs: 10 } as const;
  await committed(store, ownership, { release });
  advance(20);
  hooks.afterDue = async () => {
    hooks.afterDue = async () => {};
    expect((await store.resume(id, bytes('go on'))).outcome).toBe('resumed');
    const next = await claimed(store, id);
    const waiting = { status: 'waiting', waits: [], why: 'parked' } as const;
    await committed(store, next.ownership, { expectedSeq: next.record.seq, release: waiting });
  };
  await sweep(1);
  expect((await store.record(id))?.status).toBe('waiting');
});

test('a run whose time to be kept is over is deleted', async () => {
  const { store, advance, sweep } = stage();
  const { id, ownership } = await held(store);
  await committed(store, ownership, {
    release: { status: 'completed', output: bytes(''), keepMs: 10 },
  });
  advance(20);
  await sweep(1);
  expect(await store.record(id)).toBe(undefined);
});

test.each([
  [
    'beats',
    async (store: MemoryRunStore) => void (await store.fleet.beat(workerInfo('w'), longMs)),
  ],
  ['is there', async (store: MemoryRunStore) => store.fleet.register('w')],
])(
  'a worker that %s again when its loss is told keeps its runs and its session',
  async (how, revive) => {
    const { store, hooks, sweep, advance } = stage();
    await sweep(1);
    const id = await vanished(store, 'w');
    if (how === 'beats') await store.fleet.register('w');
    // By its session, or by its presence.
    if (how === 'beats') advance(longMs + 1);
    await sweep(1);
    expect((await store.record(id))?.status).toBe('running');
    hooks.afterElect = async () => {
      advance(1);
      await revive(store);
    };
    await sweep(2);
    expect((await loaded(store, id)).record).toMatchObject({ status: 'running', worker: 'w' });
    expect((await store.fleet.workers()).map((worker) => worker.id)).toContain('w');
  },
);

test('looks that follow each other at once take nobody for dead before a reconnect has had its time', async () => {
  const { store, advance, look } = stage();
  await look();
  const id = await vanished(store, 'w');
  const status = async (): Promise<string | undefined> => (await store.record(id))?.status;
  for (let ms = 0; ms < 18; ms += 6) {
    await look();
    expect(await status(), `${ms} ms after the first look`).toBe('running');
    advance(6);
  }
  // It comes back, and is lost again: that is another suspicion.
  await store.fleet.register('w');
  await look();
  store.vanish('w');
  await look();
  advance(18);
  await look();
  expect(await status()).toBe('running');
  advance(2);
  await look();
  expect(await status()).toBe('interrupted');
});

test('after a call that took long, no worker is judged by the look before it', async () => {
  const { store, hooks, advance, sweep, interrupts } = stage();
  await vanished(store, 'a');
  await vanished(store, 'b');
  await sweep(1);
  hooks.afterInterrupt = async () => {
    hooks.afterInterrupt = async () => {};
    advance(5_000);
  };
  await sweep(1);
  expect(interrupts.map(({ worker }) => worker)).toEqual(['a']);
});

test('one run alone without progress is evidence, two are not', async () => {
  const { store, sweep, interrupts } = stage();
  const [poison, innocent] = [await created(store), await created(store)];
  await sweep(1);
  for (const [worker, beside] of [
    ['a', innocent],
    ['b', undefined],
  ] as const) {
    await store.fleet.register(worker);
    await store.fleet.beat(workerInfo(worker), longMs);
    await claimed(store, poison, { worker });
    if (beside !== undefined) await claimed(store, beside, { worker });
    store.vanish(worker);
    await sweep(3);
  }
  expect(interrupts.map(({ worker, evidence }) => [worker, evidence])).toEqual([
    ['a', undefined],
    ['b', poison],
  ]);
  const losses = async (run: string) => (await loaded(store, run)).record.losses;
  expect([await losses(poison), await losses(innocent)]).toEqual([2, 1]);
});

test('a run that has made progress beside one that has not is no suspect', async () => {
  const { store, sweep, interrupts } = stage();
  const worker = 'w';
  await sweep(1);
  await store.fleet.register(worker);
  await store.fleet.beat(workerInfo(worker), longMs);
  const proven = await held(store, { claim: { worker } });
  await committed(store, proven.ownership, { events: [event('step.completed')] });
  const { id } = await held(store, { claim: { worker } });
  store.vanish(worker);
  await sweep(3);
  expect(interrupts.map(({ evidence }) => evidence)).toEqual([id]);
});

test('after a stall of its own it judges nobody by presence, until others may be back', async () => {
  const { store, advance, sweep, interrupts } = stage();
  await sweep(2);
  await vanished(store, 'w');
  advance(5_000);
  await sweep(4);
  expect(interrupts).toEqual([]);
  advance(900);
  await sweep(1);
  advance(900);
  await sweep(1);
  advance(300);
  await sweep(3);
  expect(interrupts.map(({ worker }) => worker)).toEqual(['w']);
});

test('after a stall of its own it lets beats that were held up come first', async () => {
  const { store, advance, sweep, interrupts } = stage();
  await sweep(2);
  await store.fleet.register('w');
  await store.fleet.beat(workerInfo('w'), longMs);
  await held(store, { claim: { worker: 'w' } });
  advance(longMs + 1);
  await sweep(1);
  await store.fleet.beat(workerInfo('w'), longMs);
  await sweep(3);
  expect(interrupts).toEqual([]);
});
