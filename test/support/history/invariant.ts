import type { History, Violation } from './history.ts';

export interface JudgeOptions {
  /** Nothing is to happen any more: every run must have ended. */
  readonly settled?: boolean;
  /** With `settled`: a run that was quarantined for a person to look at counts as ended. */
  readonly mayBeQuarantined?: boolean;
  /** Redis may have lost what it acknowledged, where the log says so: see `excused`. */
  readonly allowRewinds?: boolean;
}

/** What an invariant finds. */
export type Problem = Omit<Violation, 'invariant'>;

/** What must be true of every history. */
export interface Invariant {
  readonly name: string;
  /** What it says, in one sentence. */
  readonly sentence: string;
  readonly check: (history: History, options: JudgeOptions) => readonly Problem[];
}
