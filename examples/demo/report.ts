/** The verdict as a table for people. */
import type { Paint } from './paint.ts';
import type { Spread, Verdict } from './verdict.ts';

interface Row {
  readonly name: string;
  readonly value: string;
  readonly good?: boolean;
}

export function verdictTable(verdict: Verdict, wantedKills: number, paint: Paint): string {
  const { runs, completed, identical, kills, takeovers } = verdict;
  const none = (name: string, value: number): Row => ({
    name,
    value: `${value}`,
    good: value === 0,
  });
  const rows: Row[] = [
    {
      name: 'conversations identical to their source',
      value: `${identical} of ${runs}`,
      good: identical === runs,
    },
    none(`events lost, of ${verdict.eventsExpected}`, verdict.eventsLost),
    none('events doubled', verdict.eventsDoubled),
    none('events out of sequence', verdict.seqGaps),
    none('stale writes accepted', verdict.staleWritesAccepted),
    { name: 'runs completed', value: `${completed} of ${runs}`, good: completed === runs },
    { name: 'kills', value: `${kills} of ${wantedKills}`, good: kills === wantedKills },
    { name: 'take-overs', value: `${takeovers}`, good: takeovers > 0 || wantedKills === 0 },
    ...(verdict.takeoversUnexplained === 0
      ? []
      : [{ name: '  from workers not killed', value: `${verdict.takeoversUnexplained}` }]),
    { name: 'recovery p50 / p99 / max', value: milliseconds(verdict.recoveryMs) },
    { name: '  detection, since the last sign of life', value: milliseconds(verdict.detectMs) },
    { name: '  claim, since the detection', value: milliseconds(verdict.claimMs) },
    { name: '  replay, since the claim', value: milliseconds(verdict.replayMs) },
  ];
  const width = Math.max(...rows.map(({ name }) => name.length));
  return [
    '',
    ...rows.map(({ name, value, good }) => {
      const text = `${name.padEnd(width)}  ${value}`;
      if (good === undefined) return `    ${text}`;
      return good ? `  ${paint('green', '✓')} ${text}` : `  ${paint('red', '✗')} ${text}`;
    }),
    ...verdict.problems.map((problem) => `  ${paint('red', problem)}`),
    '',
    verdict.ok
      ? paint('green', '  Nothing was lost.')
      : paint('red', '  This is not as it should be.'),
    '',
  ].join('\n');
}

function milliseconds(values: Spread | null): string {
  return values === null ? '–' : `${values.p50} / ${values.p99} / ${values.max} ms`;
}
