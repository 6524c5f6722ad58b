/** A closing worker waits for each of its parts, and not for ever when Redis is away. */
import type { Clock } from '../../core/clock.ts';
import { within } from '../../core/within.ts';

const closeStepMs = 2_000;

/** Waits for `work`, but not longer than a closing worker should when Redis is away; true when it was done. */
export function inTime(clock: Clock, work: Promise<unknown>): Promise<boolean> {
  return within((ms, signal) => clock.sleep(ms, signal), closeStepMs, work);
}
