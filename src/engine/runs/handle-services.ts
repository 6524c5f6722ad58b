/** What handles of runs are given: made once by the pawl that makes them. */
import type { Clock } from '../../core/clock.ts';
import type { Settled } from '../../core/queue.ts';
import type { StartParts } from './start.ts';

export interface HandleServices extends Pick<
  StartParts,
  'store' | 'limits' | 'newToken' | 'wake' | 'logger' | 'here'
> {
  readonly clock: Clock;
  /** A run that had failed goes on, or is gone: the dashboards of the queue need not show it any more. */
  readonly settle?: (settled: Settled) => void;
}
