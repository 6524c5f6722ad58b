/** What handles of runs are given: made once by the pawl that makes them. */
import type { Clock } from '../../core/clock.ts';
import type { StartParts } from './start.ts';

export interface HandleServices extends Pick<
  StartParts,
  'store' | 'limits' | 'newToken' | 'wake' | 'logger'
> {
  readonly clock: Clock;
}
