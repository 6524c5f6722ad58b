/** Which runs are due, and when they are due again. */
import type { DueParams } from '../core/fleet.ts';
import { isEnded } from '../core/run.ts';
import { awakeSince, isWithoutTurn, refusedMsMax, type StoredRun } from './stored-run.ts';

const resendMsMax = 600_000;
/** How soon a run that stands in line is looked at again. */
const inLineMs = 60_000;

/** The runs that are due; each is postponed, later and later the longer it waits. */
export function takeDue(
  runs: Iterable<StoredRun>,
  { limit, resendMs, aheadMs = 0 }: DueParams,
  now: number,
): readonly StoredRun[] {
  const found = [...runs]
    .filter((run) => run.dueAt !== undefined && run.dueAt <= now + aheadMs)
    .filter(({ status }) => aheadMs === 0 || status === 'queued' || status === 'interrupted')
    // Of two that are due in the same moment, the lesser id comes first: as in an index of Redis.
    .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || (a.id < b.id ? -1 : 1))
    .slice(0, limit);
  for (const run of found) {
    const isWaiting = run.status === 'waiting';
    const since = isWaiting ? awakeSince(run, now) : undefined;
    const begun = Math.max(since ?? run.changedAt, Math.floor((run.turn ?? 0) / 1000));
    const age = now - begun;
    const most = run.refused > 0 ? refusedMsMax : resendMsMax;
    // One that needs a turn asks for it now, and then stands in line.
    run.dueAt = isWithoutTurn(run, now)
      ? now + Math.min(Math.max(inLineMs, 2 * age), resendMsMax)
      : now + Math.min(Math.max(resendMs, Math.floor(age / 2)), most);
    if (!isWaiting || since !== undefined) continue;
    // It sleeps: due to be looked at, or by mistake.
    run.dueAt = run.pollMs === undefined ? run.wakeAt : Math.min(run.dueAt, run.wakeAt ?? Infinity);
  }
  return found.filter(
    (run) =>
      run.status !== 'waiting' || run.pollMs !== undefined || awakeSince(run, now) !== undefined,
  );
}

/** An ended run that nobody is to be told of any more: it is due when its time to be kept is over. */
export function isKept({ status, notifyPending, cancelPending }: StoredRun): boolean {
  return isEnded(status) && !notifyPending && !cancelPending;
}

/** The next time after `now` at which a run is due. */
export function nextDueAt(runs: Iterable<StoredRun>, now: number): number | undefined {
  let next: number | undefined;
  for (const { dueAt } of runs) {
    if (dueAt !== undefined && dueAt > now && dueAt < (next ?? Infinity)) next = dueAt;
  }
  return next;
}
