import type { Logger } from '../core/logger.ts';
import type { RedisTarget } from './connection.ts';
import type { Durability } from './durability.ts';

export interface RedisStoreOptions {
  readonly redis: RedisTarget;
  readonly prefix?: string;
  /** Number of shards of a new prefix; default 1, in Redis Cluster 16. It cannot be changed later. */
  readonly shards?: number;
  readonly allowEviction?: boolean;
  /** How safe a write must be before it is acknowledged. Default `memory`. */
  readonly durability?: Durability;
  /** How long to wait for Redis, in milliseconds. */
  readonly connectMs?: number;
  /**
   * How long a call to Redis may take before its outcome counts as unknown, in milliseconds. Default 15 000. A connection
   * that owes an answer and is silent for a third of it is dropped, and the call goes out again on a new one.
   */
  readonly callMs?: number;
  readonly logger?: Logger;
}
