/** The outcome of the matrix, for people and for programs. */
import type { Outcome } from './campaign.ts';
import type { Options } from './options.ts';
import { percentiles, type Percentiles } from './takeovers.ts';
import type { Verdict } from './verdict.ts';

export interface Report extends Omit<Verdict, 'takeovers'> {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly takeoverMs: Percentiles;
}

export function reportOf({ seed, minutes }: Options, outcomes: readonly Outcome[]): Report {
  const sum = (pick: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  return {
    ...{ seed, minutes, faults: Object.assign({}, ...outcomes.map((one) => one.faults)) },
    runs: sum(({ runs }) => runs),
    eventsAcknowledged: sum(({ verdict }) => verdict.eventsAcknowledged),
    eventsLost: sum(({ verdict }) => verdict.eventsLost),
    eventsDoubled: sum(({ verdict }) => verdict.eventsDoubled),
    staleWritesAccepted: sum(({ verdict }) => verdict.staleWritesAccepted),
    stepsRunAgain: sum(({ verdict }) => verdict.stepsRunAgain),
    takeoverMs: percentiles(outcomes.flatMap(({ verdict }) => verdict.takeovers)),
    rewinds: sum(({ verdict }) => verdict.rewinds),
    violations: outcomes.flatMap(({ verdict }) => verdict.violations),
  };
}

export function toTable(report: Report): string {
  const { faults, violations, takeoverMs, ...numbers } = report;
  const rows: (readonly [string, unknown])[] = [
    ...Object.entries(numbers),
    ...Object.entries(takeoverMs).map(([name, value]) => [`takeover ${name}`, value] as const),
    ...Object.entries(faults).map(([name, count]) => [`fault ${name}`, count] as const),
    ['violations', violations.length],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value)}`);
  return `${[...lines, ...violations].join('\n')}\n`;
}
