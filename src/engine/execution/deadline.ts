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

/** Resolves when the run has been cancelled for it, or nobody need watch it: `awake` has ended. */
export async function watchDeadline(
  { claimed, writer, fold, clock, storeNow }: Parts,
  { awake, onOver }: { readonly awake: AbortSignal; readonly onOver: () => void },
): Promise<void> {
  const { deadlineAt } = claimed.record;
  if (deadlineAt === undefined) return;
  await clock.sleep(Math.max(0, deadlineAt - storeNow()), awake);
  const isOver = awake.aborted || fold.cancel !== undefined;
  if (isOver || writer.isParked || writer.lost !== undefined) return;
  const request: CancelRequest = { reason: 'its time is over', isDeadline: true };
  const noted = writer.submit([recordWrite('run.cancelling', request)]);
  onOver();
  await noted;
}
