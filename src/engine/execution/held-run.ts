/** A run in the hands of its execution, as the runtime of its handler is given it. */
import type { Fold } from '../../core/fold.ts';
import type { Report } from '../../core/queue.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { Claimed } from './claim.ts';
import type { LogWriter } from './log-writer.ts';
import type { LazySignal } from '../signals.ts';
import type { ExecutionTelemetry } from './telemetry.ts';

/** A run as it was claimed, and what its execution has made for it. */
export interface HeldRun {
  readonly claimed: Claimed;
  /** When the claim was answered, on the monotonic clock. */
  readonly claimedAt: number;
  readonly workflow: AnyWorkflow;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly telemetry: ExecutionTelemetry;
  /** Ends when the run is not this worker's any more. */
  readonly lost: LazySignal;
  /** Tells the dashboards of the queue. */
  readonly report: Report;
}

/** What the execution does for the handler's runtime. */
export interface RunOwner {
  /** Undefined when the worker's session is alive; else resolves when the run is known to be this worker's still. */
  readonly confirm: () => Promise<void> | undefined;
  /** Claims the parked run again. Resolves when it is this worker's; never when it is not. */
  readonly reclaim: () => Promise<void>;
}

/** What came for a run: a message, a question, or perhaps either. */
export type Nudge = 'message' | 'question' | 'anything';
