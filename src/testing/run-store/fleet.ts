import { eventually } from '../eventually.ts';
import {
  claimed,
  held,
  interruption,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  workerInfo,
} from './opened.ts';

const many = 100;
const longMs = 60_000;

function recoveries(test: RunStoreTest): void {
  test('what a worker lost is listed, and who has taken it over', async (opened) => {
    const { store, expect } = opened;
    const { id, worker } = await held(store, { create: { workflow: 'lost' } });
    await store.fleet.interrupt(interruption(worker));
    const find = async () => (await store.fleet.recoveries(many)).filter(({ run }) => run === id);
    const [lost, ...others] = await find();
    expect(others).toEqual([]);
    const about = { run: id, workflow: 'lost', from: worker, quarantined: false };
    expect(lost).toMatchObject({ ...about, reason: interruption(worker).reason });
    expect(lost?.worker).toBe(undefined);
    expect(lost?.at).toBe((await store.record(id))?.changedAt);
    expect(lost?.detectMs).toBeGreaterThanOrEqual(0);

    const heir = newId('worker');
    await claimed(store, id, { worker: heir });
    const [taken, ...more] = await find();
    expect(more).toEqual([]);
    expect(taken).toMatchObject({ ...lost, worker: heir });
    expect(taken?.claimMs).toBeGreaterThanOrEqual(0);
  });

  test('recoveries come newest first, as many as asked for, each loss of a run for itself', async (opened) => {
    const { store, expect, advance } = opened;
    const { id, worker } = await held(store);
    await store.fleet.interrupt(interruption(worker));
    await advance(2);
    const heir = newId('worker');
    await claimed(store, id, { worker: heir });
    await store.fleet.interrupt(interruption(heir, { quarantineAfter: 1, evidence: id }));
    const all = (await store.fleet.recoveries(many)).filter(({ run }) => run === id);
    expect(all.map(({ from, quarantined }) => [from, quarantined])).toEqual([
      [heir, true],
      [worker, false],
    ]);
    expect(all[1]).toMatchObject({ worker: heir });
    expect(await store.fleet.recoveries(1)).toHaveLength(1);
  });
}

function present(test: RunStoreTest): void {
  test('workers are registered until they leave, and alive until their sessions end', async (opened) => {
    const { store, expect } = opened;
    const [lasting, passing] = [newId('worker'), newId('worker')];
    const registered = async () => {
      const ids = await store.fleet.registered();
      return [lasting, passing].filter((id) => ids.includes(id));
    };
    const alive = await store.fleet.alive();
    expect(await registered()).toEqual([]);
    await store.fleet.beat(workerInfo(lasting), longMs);
    await store.fleet.beat(workerInfo(passing), 30);
    expect(await registered()).toEqual([lasting, passing]);
    await eventually(opened, 'one session has ended', async () => {
      return (await store.fleet.alive()) === alive + 1 || undefined;
    });
    expect(await registered()).toEqual([lasting, passing]);
    await store.fleet.deregister(passing);
    expect(await registered()).toEqual([lasting]);
    await store.fleet.deregister(lasting);
    expect(await registered()).toEqual([]);
    expect(await store.fleet.alive()).toBe(alive);
  });
}

function drain(test: RunStoreTest): void {
  test('a worker that is to leave is told, and is marked until it has left', async (opened) => {
    const { store, expect } = opened;
    const id = newId('worker');
    const other = newId('worker');
    const asked: (string | undefined)[] = [];
    await store.fleet.register(id, (run) => asked.push(run));
    expect(await store.fleet.beat(workerInfo(id), longMs)).toEqual({ draining: false });
    await store.fleet.beat(workerInfo(other), longMs);
    expect(await store.fleet.drain(id)).toBe(true);
    await eventually(opened, `${id} is asked`, () => asked.length > 0 || undefined);
    expect(asked).toEqual([undefined]);
    // The next beat does not take it back.
    expect(await store.fleet.beat(workerInfo(id), longMs)).toEqual({ draining: true });
    expect(await store.fleet.beat(workerInfo(other), longMs)).toEqual({ draining: false });
    const draining = (await store.fleet.workers()).filter((worker) => worker.draining);
    expect(draining.map((worker) => worker.id)).toEqual([id]);
    await store.fleet.deregister(id);
    await store.fleet.deregister(other);
    // Who comes back with the same id is welcome.
    expect(await store.fleet.beat(workerInfo(id), longMs)).toEqual({ draining: false });
    await store.fleet.deregister(id);
  });

  test('a worker that is not there cannot be told to leave', async ({ store, expect }) => {
    const id = newId('worker');
    expect(await store.fleet.drain(id)).toBe(false);
  });
}

export const fleetTheme: RunStoreTheme = { name: 'fleet', parts: [recoveries, present, drain] };
