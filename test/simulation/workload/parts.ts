/** What the workflows of one process are made with. */
import type { Clock } from '../../../src/core/clock.ts';
import type { World } from '../world.ts';
import type { Outside } from './outside.ts';

export interface WorkloadParts {
  readonly world: World;
  readonly clock: Clock;
  readonly outside: Outside;
}
