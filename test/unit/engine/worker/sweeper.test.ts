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

/** A sweeper that is elected, and its turns: each resolves with how long it waits for the next look. */
function elected(
  workers: number,
  lost: readonly string[] = [],
  meanwhile: (store: MemoryRunStore) => Promise<unknown> = () => Promise.resolve(),
): {
  readonly turn: () => Promise<number>;
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
  let turn: () => Promise<number> = () => Promise.resolve(0);
  let now = 1_000;
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    repeat: (task) => {
      turn = async () => {
        const pauseMs = await task();
        now += pauseMs;
        return pauseMs;
      };
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
  return { turn: () => turn(), asked, store, attended };
}

const pauseWith = (workers: number, lost?: readonly string[]): Promise<number> =>
  elected(workers, lost).turn();

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

test('what else may be due is looked for at one look of three', async () => {
  const { turn, asked, attended } = elected(3);
  for (let looks = 0; looks < 7; looks++) await turn();
  expect(asked.length).toBe(3);
  expect(attended.length).toBe(3);
});

test('the wake-ups that lost workers took with them are asked for once, however many are lost', async () => {
  const { turn, asked } = elected(100, ['b', 'c', 'd']);
  await turn();
  expect(asked.map(({ aheadMs }) => aheadMs)).toEqual([undefined]);
  for (let looks = 0; looks < 4; looks++) await turn();
  // They held nothing, and may have died between taking a wake-up and the claim.
  expect(asked.map(({ aheadMs }) => aheadMs)).toEqual([undefined, 5_000, undefined]);
});

test.each([true, false])(
  'a run that a person lets go on is not deleted by a late answer: %s',
  async (resumes) => {
    const { turn, store } = elected(1, [], async (late) => {
      if (resumes) await late.resume('run', bytes('why'));
    });
    const { ownership } = await held(store, { create: { run: 'run' } });
    const release = { status: 'failed', error: bytes('error'), keepMs: 0 } as const;
    await committed(store, ownership, { release });
    await turn();
    expect((await store.record('run'))?.status).toBe(resumes ? 'queued' : undefined);
  },
);

test('schedules are attended to at each look, and told who seems dead', async () => {
  const { turn, attended } = elected(3, ['b', 'c']);
  await turn();
  await turn();
  expect(attended).toEqual([
    ['b', 'c'],
    ['b', 'c'],
  ]);
});
