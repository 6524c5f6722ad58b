/**
 * Several results as one: a machine that is quiet for a few minutes at a time measures in pieces. A workload that is in
 * more than one piece is taken from the last of them; a part of it is never mixed with a part of another piece, because
 * ratios hold inside of one piece only. The commits of all pieces are named.
 */
import type { Result, Row } from './result.ts';
import { workloads } from './workloads.ts';

/** @throws Error when the pieces are of different machines, versions or kinds of run. */
export function joined(pieces: readonly Result[]): Result {
  const [first] = pieces;
  if (first === undefined) throw new Error('there is nothing to join');
  const differ = pieces.find((piece) => aboutOf(piece) !== aboutOf(first));
  if (differ !== undefined) {
    throw new Error(`results of different kinds: ${aboutOf(first)} and ${aboutOf(differ)}`);
  }
  const rows = new Map<string, readonly Row[]>();
  for (const piece of pieces) {
    for (const key of new Set(piece.rows.map(keyOf))) {
      rows.set(
        key,
        piece.rows.filter((row) => keyOf(row) === key),
      );
    }
  }
  const load = (which: 'loadAtStart' | 'loadAtEnd'): number =>
    Math.max(...pieces.map(({ machine }) => machine[which]));
  return {
    rows: [...rows].toSorted(([a], [b]) => placeOf(a) - placeOf(b)).flatMap(([, own]) => own),
    machine: {
      ...first.machine,
      loadAtStart: load('loadAtStart'),
      loadAtEnd: load('loadAtEnd'),
      commit: [...new Set(pieces.map(({ machine }) => machine.commit))].join(', '),
    },
    quick: first.quick,
    seconds: pieces.reduce((sum, { seconds }) => sum + seconds, 0),
    at:
      pieces
        .map(({ at }) => at)
        .toSorted()
        .at(-1) ?? first.at,
  };
}

function aboutOf({ machine, quick }: Result): string {
  const { loadAtStart: _start, loadAtEnd: _end, commit: _commit, ...about } = machine;
  return JSON.stringify({ ...about, quick });
}

function keyOf({ fsync, workload }: Row): string {
  return `${fsync} ${workload}`;
}

/** As they are measured: all with everysec first. */
function placeOf(key: string): number {
  const [fsync, name] = key.split(' ');
  const place = workloads.findIndex((workload) => workload.name === name);
  return (fsync === 'always' ? workloads.length : 0) + place;
}
