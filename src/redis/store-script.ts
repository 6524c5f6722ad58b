/**
 * A script as one value: its text, what it is given, what its answer means, and whether it may be called again. Each is a
 * file of `scripts/`, named after its text in `lua/`; `ScriptCalls` sends them. The order of KEYS and ARGV is spelled
 * there and in the header of the text, which a house test holds to what the text uses.
 */
import type { Argument, Reply } from './arguments.ts';
import type { Script } from './script-command.ts';

/** `Place` has the keys: those of a shard, or of all. */
export interface StoreScript<Place, Params, Outcome> {
  readonly script: Script;
  /**
   * Its writes are acknowledged to somebody: where writes are durable, only when they are confirmed. `repeatable`: called
   * again after a lost answer, it answers as the first time would have; `once`: it does not.
   */
  readonly acknowledged?: 'repeatable' | 'once';
  /** A new array each time: the arguments are put behind it. */
  keys(place: Place, params: Params): Argument[];
  args(place: Place, params: Params): readonly Argument[];
  /** @throws CorruptionError for an answer that this version does not know. */
  decode(place: Place, reply: Reply, params: Params): Outcome;
}
