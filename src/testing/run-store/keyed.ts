/** Moves that the tests of turns share. */
import type { ClaimParams, CreateParams, RunStore } from '../../core/store.ts';
import type { EnterParams, Keyed, LimitsOfCode, Turn } from '../../core/turns.ts';
import { rounds } from '../eventually.ts';
import { type Claimed, claimed, creation, farMs, newId } from './opened.ts';

/** A workflow that no other test has; its runs take turns among themselves. */
export function newWorkflow(): string {
  return newId('turns').slice(0, 60);
}

export function limits(params: Partial<LimitsOfCode> = {}): LimitsOfCode {
  return { onBusy: 'queue', codeVersion: 1, ...params };
}

/** A new run with a key, as turnstiles know it. */
export async function keyed(
  store: RunStore,
  workflow: string,
  params: Partial<CreateParams> = {},
): Promise<Keyed> {
  const key = params.key ?? 'acme';
  const { record } = await store.create(creation({ workflow, key, ...params }));
  return { workflow, key, run: record.id, birth: record.birth };
}

export function entering(run: Keyed, params: Partial<EnterParams> = {}): EnterParams {
  return { ...run, priority: 0, limits: limits({ perKey: 1 }), ...params };
}

/** Lets a run in, which must give it a turn. */
export async function granted(
  store: RunStore,
  run: Keyed,
  params: Partial<EnterParams> = {},
): Promise<Turn> {
  const entered = await store.turns.enter(entering(run, params));
  const turn = entered.granted.find((one) => one.run === run.run);
  if (turn === undefined) throw new Error(`enter returned ${JSON.stringify(entered)}`);
  return turn;
}

/** Lets a run in and gives it its turn. */
export async function admitted(
  store: RunStore,
  run: Keyed,
  params: Partial<EnterParams> = {},
): Promise<Turn> {
  const turn = await granted(store, run, params);
  const { outcome } = await store.turns.admit(turn, farMs);
  if (outcome !== 'admitted') throw new Error(`admit returned ${outcome}`);
  return turn;
}

/** A run with a key that is at work. */
export async function atWork(
  store: RunStore,
  workflow: string,
  params: {
    readonly create?: Partial<CreateParams>;
    readonly claim?: Partial<ClaimParams>;
    readonly enter?: Partial<EnterParams>;
  } = {},
): Promise<Claimed & { readonly keyed: Keyed; readonly turn: Turn }> {
  const run = await keyed(store, workflow, params.create);
  const turn = await admitted(store, run, params.enter);
  return { ...(await claimed(store, run.run, params.claim)), keyed: run, turn };
}

/** What a sweeper is told of one workflow, whatever else there is: the ids of runs, in the order of their turns. */
export async function dueTurns(
  store: RunStore,
  workflow: string,
  all = false,
): Promise<{ readonly granted: readonly string[]; readonly doubtful: readonly string[] }> {
  const found: { granted: Turn[]; doubtful: Turn[] } = { granted: [], doubtful: [] };
  const limit = 500;
  let isFirst = all;
  for (const _ of rounds('asking for the turns that are due')) {
    const due = await store.turns.due(limit, isFirst);
    isFirst = false;
    found.granted.push(...due.granted);
    found.doubtful.push(...due.doubtful);
    if (due.granted.length + due.doubtful.length === 0) break;
  }
  return { granted: idsOf(found.granted, workflow), doubtful: idsOf(found.doubtful, workflow) };
}

function idsOf(turns: readonly Turn[], workflow: string): readonly string[] {
  const own = turns.filter((turn) => turn.workflow === workflow);
  return own.toSorted((a, b) => a.turn - b.turn).map(({ run }) => run);
}
