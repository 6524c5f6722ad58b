// Goal: a commit is sent until there is an answer, and no longer than it may help. Method: a store that answers as told.
import { expect, test } from 'vitest';
import { CorruptionError, DurabilityError, UnavailableError } from '../../../../src/core/errors.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { CommitOutcome, CommitParams } from '../../../../src/core/store.ts';
import { persist } from '../../../../src/engine/execution/commit-retry.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { commit, event } from '../../../../src/testing/run-store/opened.ts';

const params = commit({ run: 'r', fence: 7, owner: 'me' }, { events: [event('one')] });
const committed = { outcome: 'committed', seq: 3, version: 0 } as const;
const damaged = new CorruptionError({ key: 'events:r' }, 'is a string');
const away = new UnavailableError('commit', 'unknown');

/** Answers one after the other: errors are thrown. */
function stage(...answers: readonly (CommitOutcome | Error)[]) {
  const sent: CommitParams[] = [];
  const rest = [...answers];
  const store = new MemoryRunStore();
  store.commit = (asked) => {
    sent.push(asked);
    const answer = rest.shift() ?? committed;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const clock = { ...systemClock, sleep: async () => {} };
  return { sent, persisted: persist(params, { store, clock, logger: silentLogger }) };
}

test('without an answer the same commit is sent again', async () => {
  const { sent, persisted } = stage(away, away, committed);
  expect(await persisted).toEqual(committed);
  expect(sent).toEqual([params, params, params]);
});

test('damaged data is an answer: the run is quarantined, with nothing written to log and snapshot', async () => {
  const { sent, persisted } = stage(damaged, away, committed);
  expect(await persisted).toEqual({ outcome: 'damaged', error: damaged });
  const aside = { run: 'r', fence: 7, owner: 'me', expectedSeq: 2, events: [] };
  expect(sent.slice(1)).toMatchObject([aside, aside]);
  expect(sent[1]).toMatchObject({ release: { status: 'quarantined' } });
  expect(sent[1]?.snapshot).toBe(undefined);
  expect(sent[1]?.token).not.toBe(params.token);
  expect(sent[2]).toEqual(sent[1]);
});

test('what a failed commit had written already does not keep the run from being quarantined', async () => {
  const { sent, persisted } = stage(damaged, { outcome: 'conflict', seq: 3 }, committed);
  expect(await persisted).toMatchObject({ outcome: 'damaged' });
  expect(sent.at(-1)).toMatchObject({ expectedSeq: 3, release: { status: 'quarantined' } });
});

test.each([
  ['when that cannot be written either', damaged],
  ['when it is not as durable as asked for', new DurabilityError('replicas', 1, 0)],
  ['when the run is somebody else’s', { outcome: 'fenced', fence: 9, applied: false } as const],
])('quarantine ends %s', async (_what, answer) => {
  const { sent, persisted } = stage(damaged, answer);
  expect(await persisted).toMatchObject({ outcome: 'damaged' });
  expect(sent).toHaveLength(2);
});
