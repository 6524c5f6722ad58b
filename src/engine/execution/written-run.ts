/** What the log writer works with: the run that it writes to, and the execution that it tells of it. */
import type { PawlError } from '../../core/errors.ts';
import type { NewEvent } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import type { Ownership } from '../../core/store.ts';
import type { SessionView } from './services.ts';
import type { SnapshotSchedule } from './snapshot-schedule.ts';
import type { ExecutionTelemetry, Loss } from './telemetry.ts';

/** The run that is written to. */
export interface WrittenRun {
  readonly ownership: Ownership;
  readonly codeVersion: number;
  readonly fold: Fold;
  readonly snapshots: SnapshotSchedule;
  readonly telemetry: ExecutionTelemetry;
}

/** The execution, which is told what becomes of the run. The writer knows none of the parts that submit to it. */
export interface WriterOwner {
  /** For the error that says why a run was lost. */
  readonly session: SessionView;
  /** Effects that have begun and not completed, as this worker knows. */
  readonly openEffects: () => readonly string[];
  readonly onCommitted: (events: readonly NewEvent[]) => void;
  /** Everything submitted is durable. */
  readonly onIdle: () => void;
  /** So many checkpoints were kept. */
  readonly onCheckpoints: (count: number) => void;
  readonly onLost: (loss: Loss, reason: PawlError) => void;
}
