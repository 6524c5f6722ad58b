/** What `PawlSaver.open` takes. `option-checks.ts` checks it. */
import type { Duration } from './core/duration.ts';
import type { Serializer } from './langgraph/contract.ts';
import type { OpenOptions } from './options.ts';

/** Which Redis keeps the threads, under which prefix, how safely, and for how long. */
export interface PawlSaverOptions extends Pick<
  OpenOptions,
  | 'redis'
  | 'prefix'
  | 'shards'
  | 'allowEviction'
  | 'connectMs'
  | 'callMs'
  | 'durability'
  | 'encryption'
  | 'logger'
  | 'limits'
> {
  /**
   * How long after its last checkpoint a thread is deleted, as a whole. Default: never. A thread with an interrupt that
   * nobody has answered stays.
   */
  readonly ttl?: Duration;
  /** Makes bytes of values. Default: the serializer of LangGraph's package. */
  readonly serde?: Serializer;
}
