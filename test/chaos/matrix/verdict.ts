/**
 * Compares what was told while the matrix ran with what Redis holds in the end. Pure: the same logs and the same witness
 * are always judged alike.
 */
import type { History } from '../../support/history/history.ts';
import { judge } from '../../support/history/judge.ts';
import { type Log, type LoggedEvent, logsOf } from './logs.ts';
import { takeoversOf } from './takeovers.ts';
import type { Witness } from './witness.ts';

export interface Verdict {
  readonly eventsAcknowledged: number;
  readonly eventsLost: number;
  /** Acknowledged events that Redis itself forgot, where it was made to. */
  readonly eventsForgotten: number;
  readonly eventsDoubled: number;
  readonly staleWritesAccepted: number;
  /** Bodies that began again, because what they had done was not stored when their worker was lost. */
  readonly stepsRunAgain: number;
  readonly takeovers: readonly number[];
  readonly rewinds: number;
  /** Of all workers together. */
  readonly unhandledRejections: number;
  readonly violations: readonly string[];
}

/** Where Redis may forget, what is lost is counted and not held against it; everything else holds there too. */
export function judgeWorld(
  history: History,
  witness: Witness,
  { mayForget }: { readonly mayForget: boolean },
): Verdict {
  const logs = logsOf(history);
  const lost = lostEvents(logs, witness);
  const doubled = logs.flatMap(doubledResults);
  // A run that is gone, or whose last commit is, has nobody left to write `run.rewound`.
  // Which runs may be quarantined, the driver knows.
  const settled = { settled: true, mayBeQuarantined: true };
  const judged = judge(history, { ...settled, allowRewinds: mayForget }).filter(
    ({ invariant }) => !mayForget || invariant !== 'acknowledged is stored',
  );
  const rewinds = logs.flatMap(({ events }) => events.filter(({ type }) => type === 'run.rewound'));
  return {
    eventsAcknowledged: witness.told.length,
    eventsLost: mayForget ? 0 : lost.length,
    eventsForgotten: mayForget ? lost.length : 0,
    eventsDoubled: doubled.length,
    staleWritesAccepted: judged.filter(({ invariant }) => staleness.has(invariant)).length,
    stepsRunAgain: bodiesAgain(witness),
    takeovers: takeoversOf(logs, witness.kills),
    rewinds: rewinds.length,
    unhandledRejections: witness.unhandledRejections,
    violations: [
      ...witness.problems,
      ...judged.map(({ invariant, run, message }) => `${invariant}: ${run ?? ''} ${message}`),
      ...doubled,
      ...(mayForget ? [] : logs.flatMap(falseRewinds)),
    ],
  };
}

/** Invariants that a write of somebody who does not own the run breaks. */
const staleness: ReadonlySet<string> = new Set(['no stale writer', 'growing fences']);

/** Acknowledged events that are not where they were stored, as they were stored. */
function lostEvents(logs: readonly Log[], { told }: Witness): string[] {
  const byRun = new Map(logs.map(({ run, events }) => [run, events]));
  return told.flatMap(({ run, seq, fence, type, digest }) => {
    const found = byRun.get(run)?.[seq - 1];
    const isThere = found?.fence === fence && found.type === type && found.digest === digest;
    if (isThere) return [];
    const instead = found === undefined ? 'nothing' : `${found.type} of fence ${found.fence}`;
    return [`lost: ${run} was told of ${seq} ${type} of fence ${fence}, and has ${instead}`];
  });
}

/** The name of the step or of a node's visit that an event completes. */
function completed({ type, data }: LoggedEvent): string | undefined {
  if (type === 'step.completed') return (data as { readonly name: string }).name;
  if (type !== 'node.completed') return undefined;
  const { node, visit } = data as { readonly node: string; readonly visit: number };
  return `node:${node}:${visit}`;
}

/** A step has one result; and an event of its own in the same commit comes once. */
function doubledResults({ run, events }: Log): string[] {
  const seen = new Set<string>();
  return events.flatMap((event) => {
    const isOwn = ['counted', 'taken', 'returned'].includes(event.type);
    const what = isOwn ? `${event.type} ${event.digest}` : completed(event);
    if (what === undefined) return [];
    if (seen.has(what)) return [`doubled: ${run} has ${event.seq} ${what} a second time`];
    seen.add(what);
    return [];
  });
}

/** Nothing was lost, so nothing may be said to be. */
function falseRewinds({ run, events }: Log): string[] {
  const rewound = events.find(({ type }) => type === 'run.rewound');
  return rewound === undefined ? [] : [`rewound: ${run} at ${rewound.seq}, without a reason`];
}

function bodiesAgain({ bodies }: Witness): number {
  const seen = new Set(bodies.map(({ run, step, attempt }) => `${run} ${step} ${attempt}`));
  return bodies.length - seen.size;
}
