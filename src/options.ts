/** What the front door takes. `option-checks.ts` checks it. */
import type { Clock } from './core/clock.ts';
import type { Limits } from './core/limits.ts';
import type { Logger } from './core/logger.ts';
import type { ResumeQueue } from './core/queue.ts';
import type { RunStatus } from './core/run.ts';
import type { RunStore } from './core/store.ts';
import type { Tracing } from './core/tracing.ts';
import type { EncryptionOptions } from './encryption/keyring.ts';
import type { RedisTarget } from './redis/connection.ts';
import type { Durability } from './redis/durability.ts';

export interface OpenOptions {
  /** A URL, ioredis options (Sentinel too), `{ nodes }` of a cluster, or an ioredis instance to copy the settings of. */
  readonly redis: RedisTarget;
  /** First part of every key. Default `pawl`. */
  readonly prefix?: string;
  /** Shards of a new prefix; default 1, in Redis Cluster 16. It cannot be changed later. */
  readonly shards?: number;
  /** Accept a Redis that may evict keys, and lose runs by it. */
  readonly allowEviction?: boolean;
  /** How long to wait for Redis, in milliseconds. Default 30 000. */
  readonly connectMs?: number;
  /**
   * How long a call to Redis may take before its outcome counts as unknown, in milliseconds. Default 15 000. A connection
   * that owes an answer and is silent for a third of it is dropped, and the call goes out again on a new one.
   */
  readonly callMs?: number;
  /**
   * How safe a write must be before it is acknowledged: `memory` (default) as Redis is set up; `disk` when it is flushed;
   * `replica`, or `{ replicas, timeoutMs }`, when so many replicas have it. See docs/deployment.md.
   */
  readonly durability?: Durability;
  readonly limits?: Partial<Limits>;
  /** Encrypts what workflows store, before it leaves this process. Default: nothing is encrypted. See docs/security.md. */
  readonly encryption?: EncryptionOptions;
  /** Anything with debug, info, warn, error like pino's. Default: silence. */
  readonly logger?: Logger;
  /** Spans for executions and steps: `openTelemetry()` of `pawl/otel`. Default: none. See docs/observability.md. */
  readonly tracing?: Tracing;
}

/** What a pawl is made of; `Pawl.assemble` takes other parts, for tests and other stores. Their types: `pawl/store`. */
export interface Parts {
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly limits?: Partial<Limits>;
  readonly encryption?: EncryptionOptions;
  readonly tracing?: Tracing;
}

/** Which runs: those that meet every condition. */
export interface SearchOptions {
  /** One of these. */
  readonly status?: RunStatus | readonly RunStatus[];
  readonly workflow?: string;
  readonly tag?: { readonly key: string; readonly value: string };
  /** Only runs that this worker holds now. */
  readonly worker?: string;
  /** Only runs whose id begins so. */
  readonly idPrefix?: string;
  /** Only runs that wait for this signal now, or for a kind of thing: `kind:timer`, `kind:child` … */
  readonly waitsFor?: string;
  /** Only runs created then or later: a Date, or milliseconds since 1970. */
  readonly since?: Date | number;
  /** Only runs created before then. */
  readonly until?: Date | number;
}

export interface ListOptions extends SearchOptions {
  /** 1–500, default 50. */
  readonly limit?: number;
  /** From the page before, of the same query. */
  readonly cursor?: string;
}
