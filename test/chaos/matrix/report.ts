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
    seed,
    minutes,
    faults: Object.assign({}, ...outcomes.map((one) => one.faults)),
    runs: sum(({ runs }) => runs),
    eventsAcknowledged: sum(({ verdict }) => verdict.eventsAcknowledged),
    eventsLost: sum(({ verdict }) => verdict.eventsLost),
    eventsForgotten: sum(({ verdict }) => verdict.eventsForgotten),
    eventsDoubled: sum(({ verdict }) => verdict.eventsDoubled),
    staleWritesAccepted: sum(({ verdict }) => verdict.staleWritesAccepted),
    stepsRunAgain: sum(({ verdict }) => verdict.stepsRunAgain),
    takeoverMs: percentiles(outcomes.flatMap(({ verdict }) => verdict.takeovers)),
    rewinds: sum(({ verdict }) => verdict.rewinds),
    unhandledRejections: sum(({ verdict }) => verdict.unhandledRejections),
    violations: outcomes.flatMap(({ verdict }) => verdict.violations),
  };
}

/** One line for each number, also of those inside; the violations follow. */
export function toTable(report: { readonly violations: readonly string[] }): string {
  const { violations, ...numbers } = report;
  const rows = [...rowsOf('', numbers), ['violations', violations.length] as const];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return `${[...lines, ...violations].join('\n')}\n`;
}

function rowsOf(prefix: string, numbers: object): (readonly [string, string | number])[] {
  return Object.entries(numbers).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null
      ? rowsOf(`${prefix}${name} `, value)
      : [[`${prefix}${name}`, String(value)] as const],
  );
}
