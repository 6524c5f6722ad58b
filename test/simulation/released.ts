/** How a commit lets go of its run, read from its arguments as the script reads them: see `commit.lua`. */
import type { RunStatus } from '../../src/core/run.ts';

interface Released {
  /** Empty for a commit that does not let go. */
  readonly status: RunStatus | '';
  /** Output or error as payload bytes, or empty. */
  readonly result: string;
  /** `parked` or `retry` of a run that waits; `cancelPending` of an end whose children are to be cancelled; or empty. */
  readonly how: string;
}

/** In ARGV, the place of the argument that says where the rest begins, and the places in the rest. */
const restPlace = 10;
const places = { status: 0, result: 1, how: 7 } as const;

export function releasedBy(argv: readonly string[]): Released {
  const rest = Number(argv[restPlace]);
  const at = (place: number): string => (rest > 0 ? (argv[rest - 1 + place] ?? '') : '');
  return {
    status: at(places.status) as Released['status'],
    result: at(places.result),
    how: at(places.how),
  };
}
