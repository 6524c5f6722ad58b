// Goal: every example survives a death before and behind each of its commits. Method: crashTest over their workflows; only
// the pauses that stand for work are shortened.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type * as Timers from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { crashTest, CrashTestError, type CrashTestReport } from 'pawl/testing';
import type { RunStore } from '../../../src/core/store.ts';
import { agent } from '../../../examples/agent/workflow.ts';
import { trip } from '../../../examples/booking/workflow.ts';
import { deployment } from '../../../examples/approval/workflow.ts';
import { report } from '../../../examples/basic/workflow.ts';
import { film } from '../../../examples/fault-recovery/workflow.ts';
import { straightOrder } from '../../../examples/order/straight.ts';
import { order } from '../../../examples/order/workflow.ts';
import { chargeAndProbe } from '../../../examples/payment/effect-with-probe.ts';
import { chargeByKey } from '../../../examples/payment/idempotency-key.ts';
import { chargeAll } from '../../../examples/payment/processed-set.ts';
import { chargeByStates } from '../../../examples/payment/state-machine.ts';
import { pipeline } from '../../../examples/pipeline/workflow.ts';
import { training } from '../../../examples/training/workflow.ts';
import { withMethods } from '../../support/with-methods.ts';

vi.mock('node:timers/promises', async (original) => {
  const timers = await original<typeof Timers>();
  return {
    ...timers,
    setTimeout: (ms: number, ...rest: unknown[]) =>
      timers.setTimeout(Math.min(ms, 1), ...(rest as [])),
  };
});

let folder = '';
const files = { ledger: '', licenceServer: '' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-crash-'));
  files.ledger = join(folder, 'ledger');
  files.licenceServer = join(folder, 'licence');
});
beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Parallel nodes complete in any order. */
const sortedNotes = ({ state }: { state?: unknown }): unknown => {
  const { round, notes } = state as { round: number; notes: string[] };
  return [round, notes.toSorted()];
};

const clean = { setUp: () => rm(files.ledger, { force: true }) };

function entries(ledger: string): unknown[] {
  const lines = readFileSync(ledger, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { order: id, cents } = JSON.parse(line) as { order: string; cents: number };
    return [id, cents];
  });
}

/** What the payment server has taken, whatever the receipts are called. */
const charged = {
  ...clean,
  select: ({ state }: { state?: unknown }) => state === undefined,
  observe: () => entries(files.ledger),
};

const plays: readonly (readonly [string, () => Promise<CrashTestReport>])[] = [
  ['basic', () => crashTest(report, { topic: 'x' }, clean)],
  ['order from top to bottom', () => crashTest(straightOrder, { id: 'o', cents: 1 }, clean)],
  ['order', () => crashTest(order, { id: 'o', cents: 1 }, clean)],
  ['training', () => crashTest(training, { epochs: 6, every: 2 }, clean)],
  ['pipeline', () => crashTest(pipeline, { pages: 4 }, clean)],
  [
    'booking, undone',
    () =>
      crashTest(
        trip,
        { ledger: files.ledger, cents: 5 },
        { ...clean, observe: () => readFileSync(files.ledger, 'utf8').trim().split('\n') },
      ),
  ],
  [
    'agent',
    () =>
      crashTest(
        agent,
        { question: 'x' },
        { ...clean, select: sortedNotes, worker: { keepMs: 1e12 } },
      ),
  ],
  [
    'approval',
    () =>
      crashTest(
        deployment,
        { version: 'v', patienceMs: 2_000 },
        {
          ...clean,
          signals: [
            { name: 'decision', payload: { approved: true, by: 'kim' }, after: 2 },
            { name: 'signature', payload: { role: 'legal', name: 'lee' }, after: 3 },
            {
              name: 'signature',
              payload: { role: 'security', name: 'max' },
              key: 'security',
              after: 3,
            },
          ],
        },
      ),
  ],
  [
    'payment by processed set',
    () =>
      crashTest(
        chargeAll,
        {
          ledger: files.ledger,
          orders: [
            { order: 'A', cents: 1 },
            { order: 'B', cents: 2 },
          ],
        },
        charged,
      ),
  ],
  [
    'payment by key',
    () => crashTest(chargeByKey, { ledger: files.ledger, order: 'D', cents: 7 }, charged),
  ],
  [
    'payment by states',
    () => crashTest(chargeByStates, { ledger: files.ledger, order: 'E', cents: 9 }, charged),
  ],
  [
    'payment with a probe',
    () => crashTest(chargeAndProbe, { ledger: files.ledger, order: 'F', cents: 1 }, charged),
  ],
];

describe('survives a death before and behind each commit', () => {
  test.each(plays)('%s', async (_, play) => {
    const { commits, crashes, violations } = await play();
    expect(violations).toEqual([]);
    expect(commits).toBeGreaterThanOrEqual(2);
    expect(crashes).toBeGreaterThan(commits);
  });

  test('fault-recovery, up to the failure that it is there to show', async () => {
    const failed = crashTest(
      film,
      { scenes: 2, licenceServer: files.licenceServer },
      { select: ({ status }) => status },
    );
    expect((await failed).violations).toEqual([]);
  });

  test('fault-recovery, when no attempt mends it: the error has the same fields after each death', async () => {
    const expired = join(folder, 'expired');
    await writeFile(expired, 'until May');
    const failed = crashTest(
      film,
      { scenes: 2, licenceServer: expired },
      { select: ({ status, error }) => [status, error] },
    );
    const { violations } = await failed;
    expect(violations).toEqual([]);
  });
});

test('a step whose result is not recorded is found', async () => {
  const forgetful = (store: RunStore): RunStore =>
    withMethods(store, {
      commit: (params) =>
        store.commit({
          ...params,
          // Something has to take its place, or the log would have a hole.
          events: params.events.map((event) =>
            event.type === 'step.completed' ? { ...event, type: 'operator.note' } : event,
          ),
        }),
    });
  const tested = crashTest(report, { topic: 'x' }, { ...clean, store: forgetful });
  const error: unknown = await tested.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CrashTestError);
  expect((error as CrashTestError).report.violations.map(({ what }) => what).join('\n')).toMatch(
    /acknowledged|again/,
  );
});
