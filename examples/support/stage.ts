import type { Pawl } from 'pawl';

/** What `npm run example` gives to the main of an example. */
export interface Stage {
  readonly pawl: Pawl;
  /** URL of the Redis, and the first part of every key, for worker processes. */
  readonly redis: string;
  readonly prefix: string;
  say(line: string): void;
}
