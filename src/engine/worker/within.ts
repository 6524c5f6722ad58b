/** A closing worker waits for each of its parts, and not for ever when Redis is away. */
import type { Clock } from '../../core/clock.ts';
import { newAbortController } from '../signals.ts';

const closeStepMs = 2_000;

/** Waits for `work`, but not longer than a closing worker should when Redis is away; true when it was done. */
export async function within(clock: Clock, work: Promise<unknown>): Promise<boolean> {
  const deadline = newAbortController();
  const done = work.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([
    done,
    clock.sleep(closeStepMs, deadline.signal).then(() => false),
  ]);
  deadline.abort();
  return result;
}
