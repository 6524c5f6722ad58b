/**
 * Compares what was told while the matrix ran with what Redis holds in the end. Pure: the same logs and the same witness
 * are always judged alike.
 */
import { checkLog } from '../../support/workers.ts';
import type { Log, LoggedEvent } from './logs.ts';
import { takeoversOf } from './takeovers.ts';
import type { Witness } from './witness.ts';

export interface Verdict {
  readonly eventsAcknowledged: number;
  readonly eventsLost: number;
  readonly eventsDoubled: number;
  readonly staleWritesAccepted: number;
  /** Bodies that began again, because what they had done was not stored when their worker was lost. */
  readonly stepsRunAgain: number;
  readonly takeovers: readonly number[];
  readonly rewinds: number;
  readonly violations: readonly string[];
}

/** Where Redis may forget, what is lost is counted and not held against it; everything else holds there too. */
export function judgeWorld(
  logs: readonly Log[],
  witness: Witness,
  { mayForget }: { readonly mayForget: boolean },
): Verdict {
  const lost = lostEvents(logs, witness);
  const doubled = logs.flatMap(doubledResults);
  const stale = logs.flatMap(wrongOrder);
  const again = mayForget ? [] : finishedAgain(logs, witness);
  const eventsOf = (type: string): number =>
    logs.reduce((sum, { events }) => sum + events.filter((one) => one.type === type).length, 0);
  return {
    eventsAcknowledged: witness.told.length,
    eventsLost: lost.length,
    eventsDoubled: doubled.length,
    staleWritesAccepted: stale.length,
    stepsRunAgain: bodiesAgain(witness),
    takeovers: takeoversOf(logs, witness.kills),
    rewinds: eventsOf('run.rewound'),
    violations: [
      ...witness.problems,
      ...(mayForget ? [] : [...lost, ...logs.flatMap(falseRewinds)]),
      ...[...doubled, ...stale, ...again],
    ],
  };
}

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

function wrongOrder({ run, events }: Log): string[] {
  try {
    checkLog(events);
    return [];
  } catch (error) {
    return [`stale: ${run} ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Nothing was lost, so nothing may be said to be. */
function falseRewinds({ run, events }: Log): string[] {
  const rewound = events.find(({ type }) => type === 'run.rewound');
  return rewound === undefined ? [] : [`rewound: ${run} at ${rewound.seq}, without a reason`];
}

/** A body that began under a later claim than the one that stored its result. */
function finishedAgain(logs: readonly Log[], { bodies }: Witness): string[] {
  const finishedAt = new Map<string, number>();
  for (const { run, events } of logs) {
    for (const event of events) {
      const name = completed(event);
      if (name !== undefined) finishedAt.set(`${run} ${name}`, event.fence);
    }
  }
  return bodies.flatMap(({ run, step, fence }) => {
    const finished = finishedAt.get(`${run} ${step}`);
    if (finished === undefined || fence <= finished) return [];
    return [
      `again: ${run} began ${step} under fence ${fence}, and had finished it under ${finished}`,
    ];
  });
}

function bodiesAgain({ bodies }: Witness): number {
  const seen = new Set(bodies.map(({ run, step, attempt }) => `${run} ${step} ${attempt}`));
  return bodies.length - seen.size;
}
