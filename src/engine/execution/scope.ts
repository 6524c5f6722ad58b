/**
 * One claimed run, as the parts that work for its handler see it: made once for each claim by `handler-runtime.ts`, and
 * passed on as it is.
 */
import type { Fold } from '../../core/fold.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { LazySignal } from '../signals.ts';
import type { Deliveries } from './deliveries.ts';
import type { LogWriter } from './log-writer.ts';
import type { Names } from './step-names.ts';
import type { ExecutionTelemetry } from './telemetry.ts';
import type { Undos } from './undos.ts';

export interface RunScope {
  readonly run: string;
  readonly workflow: AnyWorkflow;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly telemetry: ExecutionTelemetry;
  readonly names: Names;
  readonly deliveries: Deliveries;
  /** How steps are undone, as the handler has said. */
  readonly undos: Undos;
  /** The run is being undone: its handler is called to say how. */
  readonly isUndoing: boolean;
  /** Ends when the run is not this worker's any more. */
  readonly lost: LazySignal;
  /** The time on the store's clock, in milliseconds. */
  readonly storeNow: () => number;
  /**
   * To be called, and awaited if it returns anything, before the handler does something: the run may be parked, and has to
   * be claimed again.
   */
  readonly enter: () => Promise<void> | undefined;
}
