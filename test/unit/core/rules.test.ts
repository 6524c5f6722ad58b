// Goal: the small rules of the core: transitions, snapshot policy, back-off, errors as data.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorCodes, PawlError } from '../../../src/core/errors.ts';
import { isReservedType, reservedNamespaces } from '../../../src/core/event.ts';
import { backoffMs, isSnapshotDue, predictReplayMs } from '../../../src/core/policy.ts';
import { isEnded, runStatuses, transitions } from '../../../src/core/run.ts';

describe('transitions', () => {
  test('every status is reached, and names only statuses', () => {
    const reached = new Set(Object.values(transitions).flat());
    for (const status of runStatuses) {
      if (status !== 'queued') expect(reached).toContain(status);
      for (const next of transitions[status]) expect(runStatuses).toContain(next);
    }
  });
  test('only a retry leaves an end', () => {
    for (const status of runStatuses.filter(isEnded)) {
      expect(transitions[status].every((next) => status === 'failed' && next === 'queued')).toBe(
        true,
      );
    }
  });
  test('only running runs end, wait or are interrupted; only claims lead to running', () => {
    for (const status of runStatuses) {
      const next = transitions[status];
      if (status !== 'running') {
        expect(next).not.toContain('waiting');
        expect(next).not.toContain('interrupted');
        expect(next).not.toContain('completed');
      }
    }
  });
});

describe('snapshot policy', () => {
  const options = { budgetMs: 2, lastSnapshotBytes: 0 };
  test('a cheap tail needs no snapshot, an expensive one does', () => {
    expect(isSnapshotDue({ events: 10, bytes: 2_000, reduceMs: 0 }, options)).toBe(false);
    expect(isSnapshotDue({ events: 300, bytes: 60_000, reduceMs: 0 }, options)).toBe(true);
  });
  test('slow reducers count', () => {
    expect(isSnapshotDue({ events: 5, bytes: 100, reduceMs: 50 }, options)).toBe(true);
  });
  test('bytes of snapshots stay within twice the bytes of events, however large the state', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2e6 }),
        fc.integer({ min: 10, max: 2_000 }),
        (state, event) => {
          let tail = { events: 0, bytes: 0, reduceMs: 0 };
          let written = 0;
          let last = 0;
          let events = 0;
          for (let i = 0; i < 5_000; i++) {
            events += event;
            tail = { events: tail.events + 1, bytes: tail.bytes + event, reduceMs: 0 };
            if (!isSnapshotDue(tail, { budgetMs: 2, lastSnapshotBytes: last })) continue;
            written += state;
            last = state;
            tail = { events: 0, bytes: 0, reduceMs: 0 };
          }
          // The very first snapshot has nothing before it to go by.
          expect(written).toBeLessThanOrEqual(2 * events + 2 * state);
        },
      ),
    );
  });
  test('the prediction grows with events, bytes and time', () => {
    const base = predictReplayMs({ events: 1, bytes: 1, reduceMs: 1 });
    expect(predictReplayMs({ events: 2, bytes: 1, reduceMs: 1 })).toBeGreaterThan(base);
    expect(predictReplayMs({ events: 1, bytes: 9_999, reduceMs: 1 })).toBeGreaterThan(base);
    expect(predictReplayMs({ events: 1, bytes: 1, reduceMs: 2 })).toBeGreaterThan(base);
  });
});

test('back-off doubles up to its limit, with the upper half left to chance', () => {
  const policy = { delay: 100, maxDelay: 1_000 };
  expect(backoffMs(policy, 2, 0)).toBe(50);
  expect(backoffMs(policy, 2, 1)).toBe(100);
  expect(backoffMs(policy, 4, 1)).toBe(400);
  expect(backoffMs(policy, 20, 1)).toBe(1_000);
});

describe('errors', () => {
  test('an error of another copy of the package is recognised', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('pawl.error')]: true });
    expect(PawlError.is(foreign)).toBe(true);
    expect(PawlError.is(new Error('x'))).toBe(false);
    expect(PawlError.is(null)).toBe(false);
  });
  test('every code says what it means', () => {
    for (const [code, meaning] of Object.entries(errorCodes)) {
      expect(code).toMatch(/^PAWL_[A-Z_]+$/);
      expect(meaning).toMatch(/\.$/);
    }
  });
});

test('the namespaces of pawl are exactly those words before a dot', () => {
  for (const name of reservedNamespaces) {
    expect(isReservedType(`${name}.x`)).toBe(true);
    expect(isReservedType(name)).toBe(false);
    expect(isReservedType(`${name}x.y`)).toBe(false);
  }
});
