/**
 * What a worker gives to its executions: made once for each worker, and passed on as it is. A run copies none of it. Each
 * part names the members that it uses, with `Pick`.
 */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { RetentionTimes } from '../../core/retention.ts';
import type { Tell } from '../diagnostics.ts';
import type { StartParts } from '../runs/start.ts';
import type { RunsHere } from '../runs-here.ts';

/** What is said of all workflows; a workflow's own word comes first. Times are milliseconds. */
export interface ExecutionSettings {
  /** After this time a run that was handed back is due again. */
  readonly resendMs: number;
  readonly sessionMs: number;
  readonly replayBudgetMs: number;
  readonly cancelGraceMs: number;
  /** How long ended runs are kept: what the worker says, and what holds when nobody does. */
  readonly retention?: RetentionTimes;
  readonly keepMs: number;
  /** Takes runs that newer code has written to. */
  readonly allowDowngrade: boolean;
}

export interface ExecutionServices extends StartParts {
  /** The worker's id. */
  readonly worker: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Tells what happens here: see `diagnostics.ts`. */
  readonly tell: Tell;
  /** The runs that workers of this process hold. */
  readonly here: RunsHere;
  /**
   * Calls in the asynchronous context in which the worker was made, so that a handler finds the same there whichever
   * connection, timer or other run has led to it.
   */
  readonly asCaller: <T>(call: () => T) => T;
  readonly settings: ExecutionSettings;
}

/** What is known of the worker's session. */
export interface SessionView {
  /** How long ago it was known to be alive, in milliseconds. */
  readonly ageMs: number;
  /** How often it may have ended unnoticed. */
  readonly lapses: number;
  /** The longest block of the event loop of late, in milliseconds. */
  readonly loopLagMs: number;
}
