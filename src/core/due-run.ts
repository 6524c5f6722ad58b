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
}
