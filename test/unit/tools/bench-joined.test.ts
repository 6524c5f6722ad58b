/** Results of several parts of a benchmark, as one. */
import { expect, test } from 'vitest';
import { joined } from '../../../bench/joined.ts';
import type { Machine, Result, Row } from '../../../bench/result.ts';

const machine = { cpu: 'a', cores: 2, loadAtStart: 1, loadAtEnd: 2, commit: 'c' } as Machine;

function piece(about: Partial<Result>, ...rows: Partial<Row>[]): Result {
  const at = '2026-01-01T00:00:00.000Z';
  return { rows: rows as Row[], machine, quick: false, seconds: 10, at, ...about };
}

test('pieces stand in the order in which they are measured, and a later one replaces a workload whole', () => {
  const all = joined([
    piece({}, { workload: 'steps', fsync: 'everysec', contender: 'raw', median: 1 }),
    piece(
      { at: '2026-01-02T00:00:00.000Z', machine: { ...machine, loadAtEnd: 5 } },
      { workload: 'append-one', fsync: 'always', median: 2 },
      { workload: 'append-one', fsync: 'everysec', median: 3 },
    ),
    piece({}, { workload: 'steps', fsync: 'everysec', contender: 'pawl', median: 4 }),
  ]);
  expect(all.rows.map(({ median }) => median)).toEqual([3, 4, 2]);
  expect(all.seconds).toBe(30);
  expect(all.at).toBe('2026-01-02T00:00:00.000Z');
  expect(all.machine).toEqual({ ...machine, loadAtEnd: 5 });
});

test('what was measured of another version, or quickly, is not joined; commits are named', () => {
  const other = piece({ machine: { ...machine, node: '99.0.0' } });
  expect(() => joined([piece({}), other])).toThrow('of different kinds');
  const later = piece({ machine: { ...machine, commit: 'd' } });
  expect(joined([piece({}), later, later]).machine.commit).toBe('c, d');
  expect(() => joined([piece({}), piece({ quick: true })])).toThrow('of different kinds');
  expect(() => joined([])).toThrow('nothing to join');
});
