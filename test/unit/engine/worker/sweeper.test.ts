// Goal: looking at the workers costs Redis little however many there are. Method: a store that tells how many, and a clock
// that tells when the sweeper wants to look again.
import { expect, test } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { type DueParams, type Election, firstLook, type Look } from '../../../../src/core/fleet.ts';
import { Sweeper } from '../../../../src/engine/worker/sweeper.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { bytes, committed, held } from '../../../../src/testing/run-store/opened.ts';
import { withMethods } from '../../../support/with-methods.ts';

/** A sweeper that is elected. Each look and each sweep resolves with how long it waits for the next one. */
function elected(
  workers: number,
  lost: readonly string[] = [],
  meanwhile: (store: MemoryRunStore) => Promise<unknown> = () => Promise.resolve(),
  slices: readonly string[] = ['0'],
): {
  readonly looks: Look[];
  readonly look: () => Promise<number>;
  readonly sweep: () => Promise<number>;
  readonly asked: DueParams[];
  readonly store: MemoryRunStore;
  readonly attended: (readonly string[])[];
} {
  const looks: Look[] = [];
  const asked: DueParams[] = [];
  const attended: (readonly string[])[] = [];
  const plain = new MemoryRunStore();
  const led = (next: string): Election => {
    const at = Date.now();
    const gone = lost.map(
      (worker) => ({ worker, reason: 'presence-lost', lastSeenAt: 0 }) as const,
    );
    return { leader: true, workers, at, next, lost: gone };
  };
  const fleet = withMethods(plain.fleet, {
    elect: async (_worker, _lockMs, look = firstLook) => {
      looks.push(look);
      return led(slices[(looks.length - 1) % slices.length] ?? '0');
    },
    due: async (params) => {
      asked.push(params);
      const due = await plain.fleet.due(params);
      await meanwhile(plain);
      return due;
    },
  });
  const store = withMethods(plain, { fleet });
  const tasks: (() => Promise<number>)[] = [];
  let now = 1_000;
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    repeat: (task) => {
      tasks.push(task);
      return () => Promise.resolve();
    },
  };
  const services = {
    store,
    queue: new MemoryResumeQueue(),
    worker: 'a',
    clock,
    logger: silentLogger,
    random: () => 0.5,
    settings: { sweepMs: 25, lockMs: 500, sessionMs: 15_000, resendMs: 5_000, quarantineAfter: 3 },
  };
  new Sweeper(services, (dead) => attended.push(dead)).begin();
  const [looking, sweeping] = tasks;
  if (looking === undefined || sweeping === undefined) throw new Error('it does not begin');
  const look = async (): Promise<number> => {
    const pauseMs = await looking();
    now += pauseMs;
    return pauseMs;
  };
  return { look, sweep: sweeping, looks, asked, store, attended };
}

const pauseWith = (workers: number, lost?: readonly string[]): Promise<number> =>
  elected(workers, lost).look();

test('the more workers, the rarer all of them are looked at; a look is at 250', async () => {
  expect(await pauseWith(1)).toBe(25 / 3);
  expect(await pauseWith(100)).toBe(25 / 3);
  expect(await pauseWith(250)).toBe(17.5);
  expect(await pauseWith(1_000)).toBe(25 / 4);
  expect(await pauseWith(5_000)).toBe(100 / 20);
  expect(await pauseWith(10_000)).toBe(200 / 40);
  expect(await pauseWith(100_000)).toBe(2_000 / 400);
});

test('a look goes on where the one before has ended, and suspects are in each', async () => {
  const { look, looks, store } = elected(700, ['b'], undefined, ['7', '9', '0']);
  const { id } = await held(store, { claim: { worker: 'b' } });
  for (let count = 0; count < 5; count++) await look();
  expect(looks.map(({ from }) => from)).toEqual(['0', '7', '9', '0', '7']);
  // Missed for 20 ms, at two looks that were elsewhere, it is taken for lost; one that is still told of is a suspect anew.
  expect(looks.slice(0, 3).map(({ again }) => again)).toEqual([[], ['b'], ['b']]);
  expect((await store.record(id))?.status).toBe('interrupted');
});

test('a worker that seems gone is looked at again after 20 ms, whenever a look is else', async () => {
  const { look } = elected(1, ['b']);
  const pauses = [await look(), await look(), await look()];
  expect(pauses.map((ms) => ms.toFixed(2))).toEqual(['8.33', '8.33', '3.33']);
});

test('what else may be due is looked for apart from losses, and by the one that is elected alone', async () => {
  const { look, sweep, asked } = elected(3);
  expect(await sweep()).toBe(25);
  expect(asked).toEqual([]);
  for (let looks = 0; looks < 3; looks++) await look();
  expect(asked).toEqual([]);
  expect(await sweep()).toBe(25);
  expect(asked).toHaveLength(1);
  const many = elected(10_000);
  await many.look();
  expect(await many.sweep()).toBe(200);
});

test('the wake-ups that lost workers took with them are asked for once, however many are lost', async () => {
  const { look, sweep, asked } = elected(100, ['b', 'c', 'd']);
  await look();
  // Put off once, because suspects are looked at in a moment.
  await sweep();
  expect(asked).toEqual([]);
  await sweep();
  expect(asked.map(({ aheadMs }) => aheadMs)).toEqual([undefined]);
  // Missed at each look of 20 ms, they are taken for lost.
  for (let looks = 0; looks < 3; looks++) await look();
  // They held nothing, and may have died between taking a wake-up and the claim.
  expect(asked.map(({ aheadMs }) => aheadMs)).toEqual([undefined, 5_000]);
});

test.each([true, false])(
  'a run that a person lets go on is not deleted by a late answer: %s',
  async (resumes) => {
    const { look, sweep, store } = elected(1, [], async (late) => {
      if (resumes) await late.resume('run', bytes('why'));
    });
    const { ownership } = await held(store, { create: { run: 'run' } });
    const release = { status: 'failed', error: bytes('error'), keepMs: 0 } as const;
    await committed(store, ownership, { release });
    await look();
    await sweep();
    expect((await store.record('run'))?.status).toBe(resumes ? 'queued' : undefined);
  },
);

test('schedules are attended to at a loss and at each sweep, and told who seems gone', async () => {
  const { look, sweep, attended } = elected(3, ['b', 'c']);
  await look();
  await sweep();
  expect(attended).toEqual([
    ['b', 'c'],
    ['b', 'c'],
  ]);
});
