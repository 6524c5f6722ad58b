import { eventually } from '../eventually.ts';
import {
  newId,
  type RunStoreCase,
  type RunStoreTest,
  type RunStoreTheme,
  workerInfo,
} from './opened.ts';

/** Long enough that no test outlives it. */
const longMs = 60_000;

/** Waits until a worker is the sweeper, for `lockMs`; returns the time of its first look. */
async function lead(opened: RunStoreCase, worker: string, lockMs: number): Promise<number> {
  return eventually(opened, `${worker} is elected`, async () => {
    const look = await opened.store.fleet.elect(worker, lockMs);
    return look.leader ? look.at : undefined;
  });
}

function office(test: RunStoreTest): void {
  test('one worker is the sweeper, others are not', async (opened) => {
    const { store, expect } = opened;
    const [first, second] = [newId('worker'), newId('worker')];
    await lead(opened, first, longMs);
    for (let i = 0; i < 3; i++) {
      expect(await store.fleet.elect(second, longMs)).toMatchObject({ leader: false });
      expect(await store.fleet.elect(first, longMs)).toMatchObject({ leader: true });
    }
    await store.fleet.deregister(first);
  });

  test('when many ask at the same time, one is elected', async (opened) => {
    const { store, expect } = opened;
    const before = newId('worker');
    await lead(opened, before, longMs);
    await store.fleet.deregister(before);
    const workers = Array.from({ length: 20 }, () => newId('worker'));
    const looks = await Promise.all(workers.map((worker) => store.fleet.elect(worker, longMs)));
    expect(looks.filter(({ leader }) => leader).length).toBe(1);
    for (const worker of workers) await store.fleet.deregister(worker);
  });

  test('everybody is told how many workers there are', async (opened) => {
    const { store, expect } = opened;
    const workers = [newId('worker'), newId('worker'), newId('worker')];
    const [first = '', second = ''] = workers;
    await lead(opened, first, longMs);
    const before = (await store.fleet.elect(second, longMs)).workers;
    for (const worker of workers) await store.fleet.beat(workerInfo(worker), longMs);
    expect((await store.fleet.elect(first, longMs)).workers).toBe(before + 3);
    expect(await store.fleet.elect(second, longMs)).toEqual({ leader: false, workers: before + 3 });
    for (const worker of workers) await store.fleet.deregister(worker);
    expect((await store.fleet.elect(second, longMs)).workers).toBe(before);
    await store.fleet.deregister(second);
  });
}

function succession(test: RunStoreTest): void {
  test('another one is elected when the sweeper has not looked for lockMs, and not before', async (opened) => {
    const { store, expect } = opened;
    const [first, second] = [newId('worker'), newId('worker')];
    const lockMs = 60;
    const since = await lead(opened, first, lockMs);
    expect(await lead(opened, second, longMs)).toBeGreaterThanOrEqual(since + lockMs);
    expect(await store.fleet.elect(first, longMs)).toMatchObject({ leader: false });
    await store.fleet.deregister(second);
  });

  test('a look renews the office', async (opened) => {
    const { store, advance, expect } = opened;
    const [first, second] = [newId('worker'), newId('worker')];
    await lead(opened, first, longMs);
    await store.fleet.elect(first, 2 * longMs);
    expect(await store.fleet.elect(first, longMs)).toMatchObject({ leader: true });
    await advance(30);
    expect(await store.fleet.elect(second, longMs)).toMatchObject({ leader: false });
    await store.fleet.deregister(first);
  });

  test('another one is elected as soon as the sweeper leaves', async (opened) => {
    const { store, expect } = opened;
    const [first, second] = [newId('worker'), newId('worker')];
    await lead(opened, first, longMs);
    await store.fleet.deregister(first);
    expect(await store.fleet.elect(second, longMs)).toMatchObject({ leader: true });
    await store.fleet.deregister(second);
  });

  test('a worker that is not the sweeper leaves without an election', async (opened) => {
    const { store, expect } = opened;
    const [first, second, third] = [newId('worker'), newId('worker'), newId('worker')];
    await lead(opened, first, longMs);
    await store.fleet.deregister(second);
    expect(await store.fleet.elect(third, longMs)).toMatchObject({ leader: false });
    await store.fleet.deregister(first);
  });

  test('another one is elected as soon as the sweeper’s process is gone', async (opened) => {
    const { store, registerElsewhere, expect } = opened;
    const [first, second] = [newId('worker'), newId('worker')];
    const vanish = await registerElsewhere(first);
    await store.fleet.beat(workerInfo(first), longMs);
    await lead(opened, first, longMs);
    expect(await store.fleet.elect(second, longMs)).toMatchObject({ leader: false });
    await vanish();
    // Long before its lock would end, or `lead` would give up.
    await lead(opened, second, longMs);
    expect(await store.fleet.elect(first, longMs)).toMatchObject({ leader: false });
    await store.fleet.deregister(first);
    await store.fleet.deregister(second);
  });
}

export const electionTheme: RunStoreTheme = { name: 'election', parts: [office, succession] };
