/**
 * Turns: which runs with a key may be at work, over the whole fleet.
 *
 * A run with a key needs a turn before it can be claimed. A turn is noted in two places, because the runs of one key are in
 * several shards, and a script may only touch one: the turnstile of the workflow counts who has a turn, and the run has the
 * turn itself. Each change is made in the order that is safe, so who may be at work is counted at any time:
 *
 *   enter ──▶ turnstile: granted ──▶ admit: the run has its turn ──▶ claim ──▶ release: the turn goes ──▶ leave: not counted
 *
 * Whoever dies between two of these leaves a turn that is counted and that no run has. Each granted turn is therefore looked
 * at again (`due`), soon and then more rarely: `admit` gives the run its turn, or says that it is of no use any more, and
 * then it is given back. A turn that was given up can never be admitted, however late somebody tries: numbers of turns only
 * grow, a run remembers the last one, and a run of another birth takes none.
 */
import type { DueRun } from './due-run.ts';

export const busyPolicies = ['queue', 'drop', 'replace', 'debounce'] as const;

/** What becomes of a start whose key has no free turn. */
export type OnBusy = (typeof busyPolicies)[number];

/** How many runs of one workflow may be at work. Everything counts over the whole fleet. */
export interface TurnLimits {
  /** Runs of one key at one time; absent for any number. */
  readonly perKey?: number;
  /** Runs of all keys together; absent for any number. */
  readonly fleet?: number;
  /** Turns of one key that begin in a stretch of time. */
  readonly rate?: { readonly max: number; readonly perMs: number };
  readonly onBusy: OnBusy;
  /** With `debounce`: how long a burst of starts lasts. Those in line at its end are spared. Absent: as long as it goes. */
  readonly burstMs?: number;
}

/** Limits, and the version of the code that has them: those of older code do not take the place of those of newer code. */
export interface LimitsOfCode extends TurnLimits {
  readonly codeVersion: number;
}

/** A run that takes turns. */
export interface Keyed {
  readonly workflow: string;
  readonly key: string;
  readonly run: string;
  /** Tells the run from another one of the same id. */
  readonly birth: string;
}

/** A turn that was granted. A greater number was granted later. */
export interface Turn extends Keyed {
  readonly turn: number;
}

export interface EnterParams extends Keyed {
  /** Lower goes first. */
  readonly priority: number;
  /**
   * `begun`: it was at work before; such runs go before those that have not begun. `asleep`: it wants no turn yet, and is
   * only to take the place of older ones. Default: it has not begun.
   */
  readonly state?: 'begun' | 'asleep';
  /** Only if it gets its turn at once. */
  readonly ifFree?: boolean;
  /** What the caller knows of the workflow. Absent: as the turnstile has it, or without limits. */
  readonly limits?: LimitsOfCode;
}

export interface EnterOutcome {
  /** `queued`: it stands in line. `busy`: it was only to go in if it was free; nothing was written. */
  readonly outcome: 'granted' | 'queued' | 'busy';
  readonly onBusy: OnBusy;
  /**
   * Runs of the key that arrived before this one and are to make way, until they do: with `debounce` those that have not
   * begun and are not spared, with `replace`, where this one has to wait, also those at work.
   */
  readonly older: readonly Keyed[];
  /** All turns that were granted, also to others: each is to be admitted, and its run to be woken. */
  readonly granted: readonly Turn[];
}

export interface LeaveOutcome {
  readonly granted: readonly Turn[];
  /** The run still has this turn in the turnstile, which only `leave` with its number gives back. */
  readonly held: Turn | undefined;
}

export interface DueTurns {
  readonly granted: readonly Turn[];
  /** Granted a while ago, and not given back: each is to be admitted once more, which tells whether it is still of use. */
  readonly doubtful: readonly Turn[];
}

export type AdmitOutcome =
  /** The run has its turn and is not at work: `wakeUp` is to be sent. */
  | { readonly outcome: 'admitted'; readonly wakeUp: DueRun }
  /** The run is at work. */
  | { readonly outcome: 'kept' }
  /** The run needs no turn now, or it is not this run, or this turn was given up. It can never be admitted any more. */
  | { readonly outcome: 'useless' };

export interface Turns {
  /** Asks for a turn; again, it changes nothing but the number of a turn that the run has. */
  enter(params: EnterParams): Promise<EnterOutcome>;
  /** Gives a run the turn that it was granted. The only method here that writes to a run. */
  admit(turn: Turn, resendMs: number): Promise<AdmitOutcome>;
  /** Without a number: takes a run out of the line. With it: gives its turn back, if it is still that one. */
  leave(run: Keyed, turn?: number): Promise<LeaveOutcome>;
  /** What the turnstiles want of the sweeper, at most so many of each. `all`: every turn is looked at, after a loss. */
  due(limit: number, all?: boolean): Promise<DueTurns>;
  /** Says which turns runs at work have: a turnstile that has forgotten one counts it again, limits or not. */
  hold(turns: readonly Turn[]): Promise<void>;
  /** Tells the limits of workflows, each by its name. */
  limit(limits: Readonly<Record<string, LimitsOfCode>>): Promise<void>;
}

/** How soon a granted turn is looked at, and how rarely at most: as long again as it has lasted. */
export const turnCheck = { firstMs: 1_000, mostMs: 15_000 } as const;

/** Turns that one call grants at most; a sweeper grants the others. */
export const grantsPerCall = 50;
