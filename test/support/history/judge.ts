/** Says what is wrong with a history. Pure: the same history is always judged alike. */
import { aboutIndexes } from './about-indexes.ts';
import { aboutLogs } from './about-logs.ts';
import { aboutReports } from './about-reports.ts';
import type { History, Violation } from './history.ts';
import type { Invariant, JudgeOptions } from './invariant.ts';

export const invariants: readonly Invariant[] = [...aboutLogs, ...aboutReports, ...aboutIndexes];

/** Everything that is wrong; nothing when the history is sound. */
export function judge(history: History, options: JudgeOptions = {}): Violation[] {
  return invariants.flatMap(({ name, check }) =>
    check(history, options).map((problem) => ({ invariant: name, ...problem })),
  );
}
