/**
 * Which checkpoints of a thread must stay: those that somebody may still go on from, with all that they need.
 *
 * - The newest ones of each namespace, as many as were asked for.
 * - Those at which a question stands open: with no checkpoint after them, and a question among their writes.
 * - Ancestors that rebuild a delta channel: its value is that of a seed and the writes since, and metadata says how many
 *   steps ago the seed was. They stay for each checkpoint that stays.
 * - The checkpoint of the root that a subgraph's belongs to, as long as the subgraph's stays for a question.
 *
 * Namespaces of subgraphs that no checkpoint of the root which stays belongs to go with it.
 */
import type { CheckpointMetadata } from '@langchain/langgraph-checkpoint';
import { needed, optionsOf, type Rule, wholeNumber } from '../core/option-rules.ts';

/** How much of a thread stays. */
export interface PruneOptions {
  /** Checkpoints of each namespace, the newest ones: 1 or more. */
  readonly keepLast: number;
}

export const checkPrune: Rule = optionsOf<PruneOptions>(
  { keepLast: needed(wholeNumber(1)) },
  '{ keepLast: 20 }',
);

export interface KnownCheckpoint {
  readonly namespace: string;
  readonly checkpoint: string;
  readonly parent: string | undefined;
  readonly metadata: CheckpointMetadata;
  /** A question is among its writes. */
  readonly asks: boolean;
}

/** Those that nobody needs. `all`: of one thread, the newest of each namespace first. */
export function superfluous(
  all: readonly KnownCheckpoint[],
  keepLast: number,
): readonly KnownCheckpoint[] {
  const byPlace = new Map(all.map((one) => [placeOf(one), one]));
  const parents = new Set(
    all.flatMap(({ namespace, parent }) =>
      parent === undefined ? [] : [placeOf({ namespace, checkpoint: parent })],
    ),
  );
  const parentOf = ({ namespace, parent }: KnownCheckpoint): KnownCheckpoint | undefined =>
    parent === undefined ? undefined : byPlace.get(placeOf({ namespace, checkpoint: parent }));
  const kept = new Set<KnownCheckpoint>();
  const keep = (one: KnownCheckpoint | undefined): void => {
    if (one === undefined || kept.has(one)) return;
    kept.add(one);
    let last = one;
    for (let steps = stepsToSeed(one.metadata); steps > 0; steps--) {
      const ancestor = parentOf(last);
      if (ancestor === undefined) return;
      kept.add(ancestor);
      last = ancestor;
    }
  };
  const namespaces = new Map<string, KnownCheckpoint[]>();
  for (const one of all) {
    const known = namespaces.get(one.namespace);
    if (known === undefined) namespaces.set(one.namespace, [one]);
    else known.push(one);
  }
  const root = namespaces.get('') ?? [];
  for (const one of root.slice(0, keepLast)) keep(one);
  for (const one of all) {
    if (!one.asks || parents.has(placeOf(one))) continue;
    keep(one);
    for (const [namespace, checkpoint] of Object.entries(one.metadata.parents)) {
      keep(byPlace.get(placeOf({ namespace, checkpoint })));
    }
  }
  for (const [namespace, ofOne] of namespaces) {
    if (namespace === '') continue;
    const [newest] = ofOne;
    const rootId = newest?.metadata.parents[''];
    const around = byPlace.get(placeOf({ namespace: '', checkpoint: rootId ?? '' }));
    // Without a checkpoint of the root that it belongs to, it may be one that is used by itself.
    const isNeeded = rootId === undefined || around === undefined || kept.has(around);
    if (isNeeded) for (const one of ofOne.slice(0, keepLast)) keep(one);
  }
  return all.filter((one) => !kept.has(one));
}

/** How many checkpoints back the oldest seed of a delta channel may lie. */
function stepsToSeed({ counters_since_delta_snapshot: counters }: CheckpointMetadata): number {
  return Math.max(0, ...Object.values(counters ?? {}).map(([, supersteps]) => supersteps + 1));
}

function placeOf({
  namespace,
  checkpoint,
}: Pick<KnownCheckpoint, 'namespace' | 'checkpoint'>): string {
  return `${namespace}\0${checkpoint}`;
}
