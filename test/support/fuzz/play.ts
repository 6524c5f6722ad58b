/**
 * Plays the same moves on two stores that live in the same moment, and tells the first thing in which they differ.
 *
 * Everything is compared: what each call returns, and at the end all that a store shows. Only this is made alike before:
 * the order in which one call takes several runs from a lost worker, which the contract leaves open (they are always all
 * taken, and sorted), and ids of workers that hold nothing any more, which a store may go on naming.
 */
import { isDeepStrictEqual } from 'node:util';
import { runStatuses } from '../../../src/core/run.ts';
import type { ListParams } from '../../../src/core/lists.ts';
import type { RunStore } from '../../../src/core/store.ts';
import { waitKinds } from '../../../src/core/waits.ts';
import { plain } from '../../../src/testing/run-store/opened.ts';
import { farMs, prepare, runId, sortedTurns, workerId } from './calls.ts';
import { type Call, Memory } from './memory.ts';
import type { Move } from './moves.ts';

export interface Difference {
  readonly at: string;
  readonly reference: unknown;
  readonly other: unknown;
}

/** Two stores, and the clock they share. */
export interface Pair {
  readonly reference: RunStore;
  readonly other: RunStore;
  readonly advance: (ms: number) => Promise<void>;
}

/** Counts what the calls of plays came to: one that never meets an outcome proves nothing about it. */
export type Tally = Map<string, number>;

/** Plays; resolves with the first difference, or with nothing. */
export async function play(
  pair: Pair,
  moves: readonly Move[],
  tally: Tally = new Map(),
): Promise<Difference | undefined> {
  const memory = new Memory();
  for (const [i, move] of moves.entries()) {
    if (move.do === 'advance') {
      await pair.advance(move.ms);
      continue;
    }
    const call = await prepare(pair.reference, memory, move);
    if (call === undefined) continue;
    const counted: Call = async (store) => {
      const answer = await call(store);
      if (store === pair.reference) count(tally, move, answer);
      return answer;
    };
    const difference = await compare(pair, `move ${i}: ${JSON.stringify(move)}`, counted);
    if (difference !== undefined) return difference;
  }
  return compareAll(pair);
}

function count(tally: Tally, move: Move, answer: unknown): void {
  const outcome: unknown = (answer as { outcome?: unknown } | null | undefined)?.outcome;
  if (typeof outcome !== 'string' || move.do === 'again') return;
  const name = `${move.do} ${outcome}`;
  tally.set(name, (tally.get(name) ?? 0) + 1);
}

async function compare(pair: Pair, at: string, call: Call): Promise<Difference | undefined> {
  const [reference, other] = await Promise.all(
    [pair.reference, pair.other].map(async (store) => {
      try {
        return normal(await call(store));
      } catch (error) {
        return { thrown: String(error) };
      }
    }),
  );
  return isDeepStrictEqual(reference, other) ? undefined : { at, reference, other };
}

/** Without the difference between a field that is absent and one that is undefined. */
function normal(value: unknown): unknown {
  return JSON.parse(JSON.stringify(plain(value) ?? null));
}

/** Everything the stores show at the end. */
async function compareAll(pair: Pair): Promise<Difference | undefined> {
  for (const run of [0, 1, 2].map(runId)) {
    for (const call of readsOf(run)) {
      const difference = await compare(pair, `${run} at the end`, call);
      if (difference !== undefined) return difference;
    }
  }
  const lists: ListParams[] = [
    { limit: 100 },
    ...runStatuses.map((status) => ({ limit: 100, status })),
    { limit: 100, workflow: 'flow-0' },
    { limit: 100, tag: 'a=1' },
    { limit: 100, key: 'key-1' },
    ...waitsFor.map((name) => ({ limit: 100, waitsFor: name })),
  ];
  for (const list of lists) {
    const at = `list ${JSON.stringify(list)} at the end`;
    const difference = await compare(pair, at, (store) => store.lists.runs(list));
    if (difference !== undefined) return difference;
  }
  return (
    (await compare(pair, 'workers at the end', workers)) ??
    (await compareHolders(pair)) ??
    (await compareTurns(pair)) ??
    (await compareDue(pair))
  );
}

const waitsFor = [...waitKinds.map((kind) => `kind:${kind}`), 'go', 'stop', 'effect pay'];

function readsOf(run: string): Call[] {
  return [
    (store) => store.record(run),
    (store) => store.load(run),
    (store) => store.events({ run, after: 0, limit: 500 }),
    (store) => store.readInbox(run),
    (store) => store.outputs.read({ run, after: 0, limit: 500 }),
    async (store) => {
      const whole = await store.transfer.export(run);
      return whole && { ...whole, seen: [...whole.seen].sort() };
    },
  ];
}

async function workers(store: RunStore): Promise<unknown> {
  const found = await store.fleet.workers();
  return [...found].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function compareHolders({ reference, other }: Pair): Promise<Difference | undefined> {
  const named = new Set(await other.fleet.holders());
  const holders = await reference.fleet.holders();
  const missing = holders.filter((holder) => !named.has(holder));
  if (missing.length > 0) {
    return { at: 'holders at the end', reference: holders, other: [...named] };
  }
  for (const worker of [0, 1, 2].map(workerId)) {
    const held = new Set(await other.fleet.held(worker));
    const runs = await reference.fleet.held(worker);
    if (runs.some((run) => !held.has(run))) {
      return { at: `held by ${worker} at the end`, reference: runs, other: [...held] };
    }
  }
  return undefined;
}

async function compareTurns(pair: Pair): Promise<Difference | undefined> {
  return compare(pair, 'turns at the end', async (store) => {
    const { granted, doubtful } = await store.turns.due(100, true);
    return { granted: sortedTurns(granted), doubtful: sortedTurns(doubtful) };
  });
}

/** Asks for one due run after another, each further in the future: so the order in the due index is seen. */
async function compareDue(pair: Pair): Promise<Difference | undefined> {
  for (let round = 0; round < 6; round++) {
    await pair.advance(round * 1000);
    const at = `due at the end, round ${round}`;
    const call: Call = (store) => store.fleet.due({ limit: 1, resendMs: farMs, aheadMs: 0 });
    const difference = await compare(pair, at, call);
    if (difference !== undefined) return difference;
  }
  await pair.advance(farMs);
  return compare(pair, 'all that is due at the end', (store) =>
    store.fleet.due({ limit: 100, resendMs: farMs }),
  );
}
