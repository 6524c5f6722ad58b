// Goal: looking at the workers costs Redis little however many there are. Method: a store that tells how many, and a clock
// that tells when the sweeper wants to look again.
import { expect, test } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { DueParams } from '../../../../src/core/fleet.ts';
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
): {
  readonly look: () => Promise<number>;
  readonly sweep: () => Promise<number>;
  readonly asked: DueParams[];
  readonly store: MemoryRunStore;
  readonly attended: (readonly string[])[];
} {
  const asked: DueParams[] = [];
  const attended: (readonly string[])[] = [];
  const plain = new MemoryRunStore();
  const fleet = withMethods(plain.fleet, {
    elect: async () => {
      const at = Date.now();
      return {
        leader: true,
        workers,
        at,
        lost: lost.map((worker) => ({ worker, reason: 'presence-lost', lastSeenAt: at })),
      };
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
  return { look, sweep: sweeping, asked, store, attended };
}

const pauseWith = (workers: number, lost?: readonly string[]): Promise<number> =>
  elected(workers, lost).look();

test('the more workers, the rarer all of them are looked at, and never as rarely as the election ends', async () => {
  expect(await pauseWith(1)).toBe(25 / 3);
  expect(await pauseWith(100)).toBe(25 / 3);
  expect(await pauseWith(1_000)).toBe(25);
  expect(await pauseWith(5_000)).toBe(100);
  expect(await pauseWith(10_000)).toBe(200);
  expect(await pauseWith(100_000)).toBe(250);
});

test('a worker that seems gone is looked at again at once, however many there are', async () => {
  expect(await pauseWith(10_000, ['b'])).toBe(20);
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
