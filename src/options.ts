/** What the front door takes, and the schemas that check it. */
import { z } from 'zod';
import type { Clock } from './core/clock.ts';
import { defaultLimits, fixedLimits, type Limits } from './core/limits.ts';
import type { Logger } from './core/logger.ts';
import { checkRunId, checkTags, checkWorkflowName } from './core/names.ts';
import type { ResumeQueue } from './core/queue.ts';
import { type RunStatus, runStatuses } from './core/run.ts';
import type { Tracing } from './core/tracing.ts';
import type { RunQuery } from './core/run-query.ts';
import { validate } from './core/schema.ts';
import { missedPolicies, overlapPolicies } from './core/schedules.ts';
import type { RunStore } from './core/store.ts';
import { bulkActions } from './engine/runs/bulk.ts';
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

/** What a pawl is made of; `Pawl.assemble` takes other parts, for tests and other stores. */
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

/** One connection waits so long at most, and a call must have time for more than one round. */
const durabilityMsMax = 5_000;

export const openSchema = z.object({
  shards: z.int().min(1).max(1024).optional(),
  allowEviction: z.boolean().optional(),
  connectMs: z.number().positive().optional(),
  callMs: z.number().positive().optional(),
  durability: z
    .union([
      z.enum(['memory', 'disk', 'replica']),
      z.strictObject({
        replicas: z.int().min(1).max(100),
        timeoutMs: z.int().min(1).max(durabilityMsMax).optional(),
      }),
    ])
    .optional(),
});

export const limitsSchema = z
  .strictObject(
    Object.fromEntries(
      Object.keys(defaultLimits).map((name) => [name, z.int().positive().optional()]),
    ),
  )
  .optional();

const milliseconds = z.number().positive().optional();

export const workerSchema = z.object({
  concurrency: z.int().min(1).max(10_000).optional(),
  beatMs: milliseconds,
  sessionMs: milliseconds,
  sweepMs: milliseconds,
  quarantineAfter: z.int().min(1).optional(),
  replayBudgetMs: milliseconds,
  keepMs: milliseconds,
  canaryMs: milliseconds,
});

export const scheduleSchema = z.strictObject({
  id: z.unknown().optional(),
  cron: z.string().optional(),
  timeZone: z.string().optional(),
  every: z.unknown().optional(),
  missed: z.enum(missedPolicies).optional(),
  overlap: z.enum(overlapPolicies).optional(),
});

const status = z.enum(runStatuses);
const time = z.union([z.date(), z.int()]).optional();
const search = {
  status: z.union([status, z.array(status).min(1)]).optional(),
  workflow: z.string().optional(),
  tag: z.object({ key: z.string(), value: z.string() }).optional(),
  worker: z.string().min(1).max(256).optional(),
  idPrefix: z.string().optional(),
  since: time,
  until: time,
};

const searchSchema = z.strictObject(search);

export const listSchema = z.strictObject({
  ...search,
  limit: z.int().min(1).max(fixedLimits.runsPerPage).optional(),
  cursor: z.string().optional(),
});

export const requestSchema = z.object({
  actor: z.string().max(fixedLimits.stepNameLength).optional(),
  reason: z.string().max(fixedLimits.reasonLength).optional(),
});

export const bulkActionSchema = z.enum(bulkActions);

export const bulkSchema = requestSchema.extend({
  dryRun: z.boolean().optional(),
  limit: z.int().min(1).optional(),
  concurrency: z.int().min(1).max(100).optional(),
});

export const importSchema = z.strictObject({
  onProgress: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
  ifExists: z.enum(['refuse', 'skip']).optional(),
});

/** Checks a query, and says it in the words of the store. @throws InvalidError that names the condition. */
export function toQuery(options: SearchOptions, field: string): RunQuery {
  const { workflow, tag, idPrefix, since, until, ...rest } = validate(searchSchema, options, field);
  if (workflow !== undefined) checkWorkflowName(workflow);
  if (tag !== undefined) checkTags(Object.fromEntries([[tag.key, tag.value]]));
  if (idPrefix !== undefined) checkRunId(idPrefix, `${field}.idPrefix`);
  return withoutAbsent({
    ...{ ...rest, workflow, idPrefix },
    tag: tag && `${tag.key}=${tag.value}`,
    since: since === undefined ? undefined : Number(since),
    until: until === undefined ? undefined : Number(until),
  });
}

/** The fields that have a value. */
function withoutAbsent<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
