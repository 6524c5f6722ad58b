// Goal: failed jobs of runs that have not failed are dropped, however many others stand before them, and nothing is asked
// all the time. Method: a list in place of the queue, and a clock that the test moves.
import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { FailedDelivery } from '../../../../src/core/queue.ts';
import type { RunRecord } from '../../../../src/core/run.ts';
import { FailedDeliveries } from '../../../../src/engine/worker/failed-deliveries.ts';

function stage(statuses: Readonly<Record<string, string>>) {
  let now = 0;
  const jobs: FailedDelivery[] = [];
  const asked: number[] = [];
  const looked = new FailedDeliveries({
    store: {
      record: async (run) =>
        run in statuses ? ({ status: statuses[run] } as RunRecord) : undefined,
      fleet: { workers: async () => [{ workflows: { w: 1 } }] as never },
    },
    queue: {
      failures: async (_, offset, limit) => {
        asked.push(offset);
        return jobs.slice(offset, offset + limit);
      },
      forget: async (_, ids) => {
        for (const id of ids)
          jobs.splice(
            jobs.findIndex(({ job }) => job === id),
            1,
          );
      },
    },
    clock: { monotonic: () => now },
    logger: silentLogger,
  });
  const look = async (afterMs = 10_000): Promise<void> => {
    now += afterMs;
    looked.attend();
    await looked.end();
  };
  const add = (run: string): number => jobs.push({ job: `j${jobs.length}`, run, fence: 1 });
  return { jobs, look, asked, add };
}

test('what has failed stays, the newest of it; what goes on, is done or is gone does not', async () => {
  const statuses = { a: 'failed', b: 'quarantined', c: 'running', d: 'completed' };
  const { jobs, look, add } = stage(statuses);
  for (const run of ['a', 'b', 'a', 'c', 'd', 'gone']) add(run);
  await look();
  expect(jobs.map(({ job }) => job)).toEqual(['j0', 'j1']);
});

test('a hundred at a time, every ten seconds, from the newest on again at the end', async () => {
  const { jobs, look, asked, add } = stage({ a: 'failed' });
  const failed = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`r${i}`, 'failed']));
  const many = stage(failed);
  for (const run of Object.keys(failed)) many.add(run);
  many.add('gone');
  for (let i = 0; i < 5; i++) await many.look();
  expect(many.asked).toEqual([0, 100, 200, 250, 0]);
  expect(many.jobs).toHaveLength(250);
  add('a');
  await look();
  await look(9_000);
  expect(asked).toEqual([0]);
  expect(jobs).toHaveLength(1);
});
