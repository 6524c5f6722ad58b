/** A run whose time is over is cancelled by itself, and ends as failed. While it is parked, the store wakes it then. */
import type { Clock } from '../../core/clock.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { HeldRun } from './held-run.ts';
import { recordWrite } from './writes.ts';

export interface DeadlineParts {
  readonly storeNow: () => number;
  /** The run is parked, or let go of. */
  readonly signal: AbortSignal;
  /** While the run is being parked: resolves when it is, or stays. */
  readonly parked: () => Promise<unknown> | undefined;
  /** Its time is over, and its log is about to say so. */
  readonly onOver: () => void;
}

/** Resolves when the log says it, or it is too early to say. */
export async function watchDeadline(
  { claimed, writer, fold }: Pick<HeldRun, 'claimed' | 'writer' | 'fold'>,
  clock: Pick<Clock, 'sleep'>,
  { storeNow, signal, parked, onOver }: DeadlineParts,
): Promise<void> {
  const { deadlineAt } = claimed.record;
  if (deadlineAt === undefined) return;
  await clock.sleep(Math.max(0, deadlineAt - storeNow()), signal);
  await parked();
  const isOver = signal.aborted || fold.cancel !== undefined;
  if (isOver || writer.isParked || writer.lost !== undefined) return;
  const request: CancelRequest = { reason: 'its time is over', isDeadline: true };
  const noted = writer.submit([recordWrite('run.cancelling', request)]);
  onOver();
  await noted;
}
