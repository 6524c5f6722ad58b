// Goal: a workflow that no worker knows, or whose queue is paused, is named in the log, without asking all the time.
import { expect, test } from 'vitest';
import { queueDepth } from '../../../support/queue-depth.ts';
import { UnattendedWorkflows } from '../../../../src/engine/worker/unattended-workflows.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { ManualClock } from '../../../../src/testing/manual-clock.ts';
import { workerInfo } from '../../../../src/testing/run-store/opened.ts';

function stage() {
  const clock = new ManualClock();
  const said: unknown[] = [];
  let asked = 0;
  const store = new MemoryRunStore({ clock });
  const fleet = {
    workers: () => {
      asked += 1;
      return store.fleet.workers();
    },
  };
  const paused = new Set<string>();
  let inspected = 0;
  const queue = {
    inspect: async (workflow: string) => {
      inspected += 1;
      return queueDepth(workflow, paused.has(workflow));
    },
  };
  const logger = { ...silentLogger, warn: (fields: object) => void said.push(fields) };
  const unknown = new UnattendedWorkflows({ fleet, queue, clock, logger });
  const look = (...workflows: readonly string[]): Promise<void> =>
    unknown.note(workflows.map((workflow) => ({ workflow, run: `of-${workflow}` })));
  return { clock, store, look, said, paused, asked: () => asked, inspected: () => inspected };
}

test('a workflow nobody knows is said once a minute, for each', async () => {
  const { store, look, said, clock } = stage();
  await store.fleet.beat(workerInfo('w', { workflows: { known: 1 } }), 1_000_000);
  await look('known', 'a', 'b', 'a');
  expect(said).toEqual([
    { workflow: 'a', run: 'of-a' },
    { workflow: 'b', run: 'of-b' },
  ]);
  await clock.advance(59_000);
  await look('a');
  expect(said).toHaveLength(2);
  await clock.advance(2_000);
  await look('a');
  expect(said).toHaveLength(3);
});

test('a queue that was paused is said once a minute, and looked at every five seconds', async () => {
  const { store, look, said, clock, paused, inspected } = stage();
  await store.fleet.beat(workerInfo('w', { workflows: { known: 1 } }), 1_000_000);
  for (let i = 0; i < 10; i++) await look('known');
  expect([inspected(), said]).toEqual([1, []]);
  paused.add('known');
  await clock.advance(5_000);
  await look('known', 'known');
  expect(said).toEqual([{ workflow: 'known', run: 'of-known' }]);
  await clock.advance(59_000);
  await look('known');
  expect([inspected(), said.length]).toEqual([2, 1]);
  await clock.advance(2_000);
  await look('known');
  expect(said).toHaveLength(2);
});

test('the workers are asked once a minute, and sooner when a workflow seems unknown', async () => {
  const { store, look, said, clock, asked } = stage();
  await look();
  expect(asked()).toBe(0);
  await store.fleet.beat(workerInfo('w', { workflows: { known: 1 } }), 1_000_000);
  for (let i = 0; i < 10; i++) await look('known');
  expect(asked()).toBe(1);
  await clock.advance(5_000);
  await store.fleet.beat(workerInfo('v', { workflows: { late: 1 } }), 1_000_000);
  await look('known', 'late');
  expect([asked(), said]).toEqual([2, []]);
  await clock.advance(60_000);
  await look('known');
  expect(asked()).toBe(3);
});

test('without an answer nothing is said', async () => {
  const { store, look, said } = stage();
  await store.close();
  await look('a');
  expect(said).toEqual([]);
});
