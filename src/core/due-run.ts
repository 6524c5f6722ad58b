/** Runs that somebody is to look at now. */
import type { WakeUp } from './queue.ts';
import type { RunStatus } from './run.ts';

/** A run that needs attention now; `status` tells which. */
export interface DueRun extends WakeUp {
  readonly status: RunStatus;
  /** The run has ended, and its parent has not been told, or the hook for its end has not begun. */
  readonly notifyPending: boolean;
  /** The run has ended, and its children have not been cancelled. */
  readonly cancelPending: boolean;
  /** It waits, and nothing has come: somebody is to look at what it waits for. It is not to be claimed. */
  readonly asleep: boolean;
  /** It cannot be claimed before it has a turn; absent when it needs none, or has one. */
  readonly needsTurn?: NeededTurn;
}

/** Whose turn it is that a run needs: see `turns.ts`. */
export interface NeededTurn {
  readonly key: string;
  /** Of the run that needs it. */
  readonly birth: string;
  /** It was at work before. */
  readonly begun: boolean;
}
