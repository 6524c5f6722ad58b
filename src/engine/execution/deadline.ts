/**
 * The deadline of a run at work: when it comes, the run is cancelled by itself, and ends as failed.
 *
 * A crash leaves the deadline in the record, where the next owner finds it. What is written is a cancel request like any
 * other.
 */
import type { Clock } from '../../core/clock.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { HeldRun } from './held-run.ts';
import { recordWrite } from './writes.ts';

interface Parts extends Pick<HeldRun, 'claimed' | 'writer' | 'fold'> {
  readonly clock: Clock;
  readonly storeNow: () => number;
}

interface Watching {
  /** Ends when the run is parked. */
  readonly awake: AbortSignal;
  /** Resolves when it is known whether a run that is being parked stays this worker's. */
  readonly settled: () => Promise<unknown>;
  readonly onOver: () => void;
}

/** Resolves when the run has been cancelled for it, or nobody need watch it: `awake` has ended. */
export async function watchDeadline(
  { claimed, writer, fold, clock, storeNow }: Parts,
  { awake, settled, onOver }: Watching,
): Promise<void> {
  const { deadlineAt } = claimed.record;
  if (deadlineAt === undefined) return;
  await clock.sleep(Math.max(0, deadlineAt - storeNow()), awake);
  await settled();
  const isOver = awake.aborted || fold.cancel !== undefined;
  if (isOver || writer.isParked || writer.lost !== undefined) return;
  const request: CancelRequest = { reason: 'its time is over', isDeadline: true };
  const noted = writer.submit([recordWrite('run.cancelling', request)]);
  onOver();
  await noted;
}
