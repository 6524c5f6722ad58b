/** Compares what was told while the matrix ran with what Redis holds in the end. */
import { checkLog } from '../../support/workers.ts';
import type { RunEvent } from '../../../src/index.ts';
import type { Log } from './logs.ts';
import { takeoversOf } from './takeovers.ts';
import type { Witness } from './witness.ts';

export interface Verdict {
  readonly eventsAcknowledged: number;
  readonly eventsLost: number;
  readonly eventsDoubled: number;
  readonly staleWritesAccepted: number;
  readonly stepsRunAgain: number;
  readonly takeovers: readonly number[];
  readonly rewinds: number;
  readonly violations: readonly string[];
}

export function judgeWorld(
  logs: readonly Log[],
  witness: Witness,
  { mayForget }: { readonly mayForget: boolean },
): Verdict {
  const byRun = new Map(logs.map((log) => [log.run, log]));
  const violations = [...witness.problems];
  let [eventsAcknowledged, eventsLost, staleWritesAccepted] = [0, 0, 0];
  for (const { run, seq, fence, types } of witness.told) {
    const { events = [] } = byRun.get(run) ?? {};
    for (const [i, type] of types.entries()) {
      eventsAcknowledged += 1;
      const found = events[seq + i - 1];
      if (found?.fence === fence && found.type === type) continue;
      eventsLost += 1;
      if (!mayForget) violations.push(`${run} has lost the acknowledged event ${seq + i} ${type}`);
    }
  }
  for (const { run, events } of logs) {
    try {
      checkLog(events as unknown as RunEvent[]);
    } catch (error) {
      staleWritesAccepted += 1;
      violations.push(`${run}: ${String(error)}`);
      for (const e of events)
        console.error(
          `  ${run} ${e.seq}-${e.fence} ${e.type} ${e.at} ${JSON.stringify(e.data).slice(0, 150)}`,
        );
    }
  }
  return {
    ...{ eventsAcknowledged, eventsLost, staleWritesAccepted, eventsDoubled: 0 },
    stepsRunAgain: bodiesAgain(witness),
    takeovers: takeoversOf(logs, witness.kills),
    rewinds: logs.reduce(
      (sum, { events }) => sum + events.filter(({ type }) => type === 'run.rewound').length,
      0,
    ),
    violations,
  };
}

function bodiesAgain({ bodies }: Witness): number {
  const seen = new Set(bodies.map(({ run, step, attempt }) => `${run} ${step} ${attempt}`));
  return bodies.length - seen.size;
}
