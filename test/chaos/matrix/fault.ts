import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Something that goes wrong in the world. */
export interface Fault {
  /** The kind, as it is counted. */
  readonly name: string;
  /** Redis may lose what it acknowledged: it happens in a world where that is expected. */
  readonly isLossy?: boolean;
  /**
   * Lets it happen, and resolves when it is over and nothing of it is left but what pawl has to deal with. False: it could
   * not be made to happen.
   */
  inject(world: World, random: Random): Promise<boolean | void>;
}
