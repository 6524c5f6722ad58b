/** What every contract on Redis is made of. */
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import type { ScriptCalls } from './script-calls.ts';

export interface RedisParts {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly scripts: ScriptCalls;
  /** Runs a call as the store does: refused when it is closed, faults told apart. */
  readonly guard: <T>(call: () => Promise<T>) => Promise<T>;
}
