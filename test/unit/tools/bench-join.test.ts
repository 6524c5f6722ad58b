/** Results of several parts of a benchmark, as one. */
import { expect, test } from 'vitest';
import { join } from '../../../bench/join.ts';
import type { Machine, Result, Row } from '../../../bench/result.ts';

const machine = { cpu: 'a', cores: 2, loadAtStart: 1, loadAtEnd: 2, commit: 'c' } as Machine;

function piece(about: Partial<Result>, ...rows: Partial<Row>[]): Result {
  const at = '2026-01-01T00:00:00.000Z';
  return { rows: rows as Row[], machine, quick: false, seconds: 10, at, ...about };
}

test('pieces stand in the order in which they are measured, and a later one replaces a workload whole', () => {
  const joined = join([
    piece({}, { workload: 'steps', fsync: 'everysec', contender: 'raw', median: 1 }),
    piece(
      { at: '2026-01-02T00:00:00.000Z', machine: { ...machine, loadAtEnd: 5 } },
      { workload: 'append-one', fsync: 'always', median: 2 },
      { workload: 'append-one', fsync: 'everysec', median: 3 },
    ),
    piece({}, { workload: 'steps', fsync: 'everysec', contender: 'pawl', median: 4 }),
  ]);
  expect(joined.rows.map(({ median }) => median)).toEqual([3, 4, 2]);
  expect(joined.seconds).toBe(30);
  expect(joined.at).toBe('2026-01-02T00:00:00.000Z');
  expect(joined.machine).toEqual({ ...machine, loadAtEnd: 5 });
});

test('what was measured of another version, or quickly, is not joined; commits are named', () => {
  const other = piece({ machine: { ...machine, node: '99.0.0' } });
  expect(() => join([piece({}), other])).toThrow('of different kinds');
  const later = piece({ machine: { ...machine, commit: 'd' } });
  expect(join([piece({}), later, later]).machine.commit).toBe('c, d');
  expect(() => join([piece({}), piece({ quick: true })])).toThrow('of different kinds');
  expect(() => join([])).toThrow('nothing to join');
});
