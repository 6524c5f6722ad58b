// Goal: a snapshot is never ahead of the log, whoever asks for it. Method: a schedule by itself, with a fold that is ahead.
import { expect, test } from 'vitest';
import { Fold } from '../../../../src/core/fold.ts';
import { SnapshotSchedule } from '../../../../src/engine/execution/snapshot-schedule.ts';
import { Snapshotter } from '../../../../src/engine/execution/snapshotter.ts';

test.each([
  [7, false],
  [6, true],
  [8, true],
])('a fold at 7 and a log that ends at %i: refused: %s', (upTo, isRefused) => {
  const snapshotter = new Snapshotter({ schema: 1, limit: 10_000, saved: new Map() });
  const schedule = new SnapshotSchedule({
    snapshotter,
    budgetMs: 1,
    tail: { events: 0, bytes: 0 },
  });
  const start = { seq: 7, state: { n: 1 }, bookkeeping: new Map() };
  const fold = new Fold(start, { reducers: {}, origin: 'test', guard: 'none' });
  const take = () => schedule.take(fold, { events: [], upTo, marks: [{}], isLeaving: false });
  if (isRefused) expect(take).toThrow('ahead of the log');
  else expect(take()?.set.size).toBeGreaterThan(0);
});
