/** What becomes of the bodies that are at work when the handler of their run has ended. */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { LazySignal } from '../signals.ts';
import type { Bodies } from './bodies.ts';
import type { Cancellation } from './cancellation.ts';

/** How long they have to end. */
const endMs = 10_000;

/** They are told and may end as well, within a bounded time. Resolves when they have ended, or the time is over. */
export async function settleBodies(
  run: string,
  bodies: Bodies,
  through: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly lost: LazySignal;
    readonly cancellation: Cancellation;
  },
): Promise<void> {
  const { clock, logger, lost, cancellation } = through;
  const steps = bodies.atWork.map(({ name }) => name);
  if (steps.length === 0) return;
  logger.warn({ run, steps }, 'the handler has ended while steps are at work; they may finish');
  cancellation.end(new Error(`The handler of run ${run} has ended.`));
  const deadline = clock.monotonic() + endMs;
  while (bodies.atWork.length > 0 && clock.monotonic() < deadline) {
    const left = deadline - clock.monotonic();
    await Promise.race([bodies.oneEnds(), clock.sleep(left, lost.signal)]);
    if (lost.aborted) return;
  }
}
