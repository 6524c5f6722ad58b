/** What the entry point takes. `option-checks.ts` checks it. */
import type { Clock } from './core/clock.ts';
import type { Limits } from './core/limits.ts';
import type { Logger } from './core/logger.ts';
import type { ResumeQueue } from './core/queue.ts';
import type { RunStatus } from './core/run.ts';
import type { RunStore } from './core/store.ts';
import type { Tracing } from './core/tracing.ts';
import type { BullTelemetry } from './bullmq/resume-queue.ts';
import type { BlobOptions } from './blobs/options.ts';
import type { EncryptionOptions } from './encryption/keyring.ts';
import type { RedisTarget } from './redis/connection.ts';
import type { Durability } from './redis/durability.ts';

/** Which Redis is used, under which prefix, and what is set up before the first call. */
export interface OpenOptions {
  /**
   * A URL, ioredis options (Sentinel too), `{ nodes }` of a cluster, or an ioredis instance to copy the settings of.
   * Default: the URL in `PAWL_REDIS_URL`, else in `REDIS_URL` of the environment.
   */
  readonly redis?: RedisTarget;
  /** First part of every key. Default `pawl`. */
  readonly prefix?: string;
  /** Shards of a new prefix; default 1, in Redis Cluster 16. It cannot be changed later. */
  readonly shards?: number;
  /** Accept a Redis that may evict keys, and lose runs by it. */
  readonly allowEviction?: boolean;
  /** How long to wait for Redis, in milliseconds. Default 30 000. */
  readonly connectMs?: number;
  /**
   * How long a call to Redis may take before its outcome counts as unknown, in milliseconds. Default 15 000. A
   * connection that owes an answer and is silent for a third of it is dropped. The call then goes out again on a new
   * one.
   */
  readonly callMs?: number;
  /**
   * How safe a write must be before it is acknowledged. `memory` (default): the master has it. `disk`: the master has
   * flushed it. `replica`, or `{ replicas, timeoutMs }`: so many replicas have it. See docs/deployment.md.
   */
  readonly durability?: Durability;
  /** Other limits than the usual ones, in bytes: see `Limits`. */
  readonly limits?: Partial<Limits>;
  /** Encrypts what workflows store, before it leaves this process. Default: nothing is encrypted. See docs/security.md. */
  readonly encryption?: EncryptionOptions;
  /** Keeps large values elsewhere: in a bucket, or in files. Default: all is in Redis. See docs/blobs.md. */
  readonly blobs?: BlobOptions;
  /**
   * Anything with debug, info, warn, error like pino's; `false` for silence. Default: warnings and errors on standard error,
   * as lines to read at a terminal, else as lines of JSON. `PAWL_LOG` of the environment chooses `off`, `error`, `warn`,
   * `info` or `debug`.
   */
  readonly logger?: Logger | false;
  /** Spans for executions and steps: `openTelemetry()` of `pawl/otel`. Default: none. See docs/observability.md. */
  readonly tracing?: Tracing;
  /**
   * What BullMQ takes as `telemetry`, such as `new BullMQOtel('pawl')` of the package bullmq-otel: spans and metrics of the
   * jobs that carry wake-ups. Default: none.
   */
  readonly bullTelemetry?: BullTelemetry;
  /**
   * Runs that this process starts or wakes go straight to a worker of its own that has room, without a job of BullMQ in
   * between. False: each wake-up is a job. Default true; with `bullTelemetry` each is a job.
   */
  readonly localWakeUps?: boolean;
}

/** What a pawl is made of; `Pawl.assemble` takes other parts, for tests and other stores. Their types: `pawl/store`. */
export interface Parts {
  /** Keeps the runs. Everything that is true about a run is in it. */
  readonly store: RunStore;
  /** Carries wake-ups to workers. It may lose or repeat them. */
  readonly queue: ResumeQueue;
  /** Default: the clock of the system. */
  readonly clock?: Clock;
  /** As in `Pawl.open`. */
  readonly logger?: Logger | false;
  /** Other limits than the usual ones, in bytes: see `Limits`. */
  readonly limits?: Partial<Limits>;
  /** Default: nothing is encrypted. */
  readonly encryption?: EncryptionOptions;
  /** Keeps large values elsewhere. Default: all is in the store. */
  readonly blobs?: BlobOptions;
  /** Follows executions with spans, as `pawl/otel` makes it. Default: none. */
  readonly tracing?: Tracing;
}

/** Which runs: those that meet every condition. */
export interface SearchOptions {
  /** One of these. */
  readonly status?: RunStatus | readonly RunStatus[];
  /** Only runs of the workflow with this name. */
  readonly workflow?: string;
  /** Only runs that have this tag with exactly this value. */
  readonly tag?: { readonly key: string; readonly value: string };
  /** Only the children of the run with this id. */
  readonly parent?: string;
  /** Only runs of this key. */
  readonly key?: string;
  /** Only runs that this worker holds now. */
  readonly worker?: string;
  /** Only runs whose id begins so. */
  readonly idPrefix?: string;
  /** Only runs that wait for this signal now, or for a kind of thing: `kind:timer`, `kind:child` … */
  readonly waitsFor?: string;
  /** With `waitsFor`, the name of a signal: only runs that wait for it with this key. */
  readonly waitKey?: string;
  /** Only runs created then or later: a Date, or milliseconds since 1970. */
  readonly since?: Date | number;
  /** Only runs created before then. */
  readonly until?: Date | number;
}

/** Which runs a bulk action is about: those that meet every condition. */
export interface BulkQuery extends SearchOptions {
  /** Only these runs, up to 1,000; one that is not there is left out. */
  readonly ids?: readonly string[];
}

/** Which runs are listed, and how many on a page. */
export interface ListOptions extends SearchOptions {
  /** 1–500, default 50. */
  readonly limit?: number;
  /** From the page before, of the same query. */
  readonly cursor?: string;
}
