/** The rules for what the entry point takes: everything that is misspelled, or does not fit, is refused by its name. */
import { InvalidError } from './core/errors.ts';
import { checkLimits, fixedLimits } from './core/limits.ts';
import { loggerRule } from './core/log-lines.ts';
import {
  checkKey,
  checkRunId,
  checkSignalKey,
  checkSignalName,
  checkTags,
  checkWorkflowName,
} from './core/names.ts';
import {
  anything,
  checkedLater,
  callback,
  checked,
  duration,
  either,
  flag,
  having,
  listOf,
  milliseconds,
  millisecondsOrNone,
  needed,
  oneOf,
  optionsOf,
  plainObject,
  type Rule,
  text,
  textOf,
  time,
  timerMilliseconds,
  wholeNumber,
} from './core/option-rules.ts';
import { requestRules } from './core/request.ts';
import { checkRetentionTimes } from './core/retention.ts';
import { runStatuses } from './core/run.ts';
import type { RunQuery } from './core/run-query.ts';
import { missedPolicies, overlapPolicies } from './core/schedules.ts';
import { decisionSignal, waitKinds } from './core/waits.ts';
import { checkWorkflow } from './engine/definition/check-workflow.ts';
import { bulkActions, type BulkOptions } from './engine/runs/bulk.ts';
import type { DeletionListOptions } from './engine/runs/deletions.ts';
import { statsPartsMax, type StatsOverOptions } from './engine/runs/stats-over.ts';
import type { ExportOptions } from './engine/transfer/exports.ts';
import type { ImportOptions } from './engine/transfer/import.ts';
import type { ScheduleOptions } from './engine/schedules/save.ts';
import type { HealthOptions } from './engine/worker/health.ts';
import type { WorkerOptions } from './engine/worker/settings.ts';
import { checkBlobs } from './blobs/options.ts';
import type { EncryptionOptions } from './encryption/keyring.ts';
import type { PawlSaverOptions } from './langgraph-options.ts';
import type { BulkQuery, ListOptions, OpenOptions, Parts, SearchOptions } from './options.ts';
import type { ReplicaDurability } from './redis/durability.ts';
import { givenTargetRule } from './redis/target.ts';

/** One connection waits so long at most, and a call must have time for more than one round. */
const durabilityMsMax = 5_000;

const tracing = having('what openTelemetry() returns,', 'current', 'execution');

const checkDurability: Rule = either(
  (value) => ['memory', 'disk', 'replica'].some((one) => one === value),
  optionsOf<ReplicaDurability>(
    { replicas: needed(wholeNumber(1, 100)), timeoutMs: wholeNumber(1, durabilityMsMax) },
    '{ replicas: 1 }, or memory, disk, replica',
  ),
);

/** Its parts are objects of classes of their own. */
function isBullTelemetry(value: unknown): boolean {
  const { tracer, contextManager } = Object(value) as Record<string, unknown>;
  return typeof tracer === 'object' && typeof contextManager === 'object';
}

const checkEncryption: Rule = optionsOf<EncryptionOptions>({
  keys: checkedLater,
  current: checkedLater,
  required: flag,
});

/** What is to be known of a Redis, whatever is kept in it. */
const redisRules = {
  redis: givenTargetRule,
  prefix: anything,
  shards: wholeNumber(1, 1024),
  allowEviction: flag,
  connectMs: timerMilliseconds,
  callMs: timerMilliseconds,
  durability: checkDurability,
  limits: checkLimits,
  encryption: checkEncryption,
  logger: loggerRule,
} as const;

export const checkSaver: Rule = optionsOf<PawlSaverOptions>(
  {
    ...redisRules,
    ttl: duration,
    serde: having('a serializer of LangGraph', 'dumpsTyped', 'loadsTyped'),
  },
  "{ redis: 'redis://127.0.0.1:6379' }",
);

export const checkOpen: Rule = optionsOf<OpenOptions>(
  {
    ...redisRules,
    blobs: checkBlobs,
    tracing,
    bullTelemetry: checked('what BullMQ takes as telemetry, such as a BullMQOtel', isBullTelemetry),
    localWakeUps: flag,
  },
  "{ redis: 'redis://127.0.0.1:6379' }",
);

export const checkParts: Rule = optionsOf<Parts>({
  store: needed(plainObject),
  queue: needed(plainObject),
  clock: anything,
  logger: loggerRule,
  limits: checkLimits,
  encryption: checkEncryption,
  blobs: checkBlobs,
  tracing,
});

const workerRules = {
  concurrency: wholeNumber(1, 10_000),
  beatMs: milliseconds,
  sessionMs: milliseconds,
  sweepMs: milliseconds,
  quarantineAfter: wholeNumber(1),
  replayBudgetMs: milliseconds,
  cancelGraceMs: millisecondsOrNone,
  retention: checkRetentionTimes,
  keepMs: milliseconds,
  allowDowngrade: flag,
  canaryMs: milliseconds,
} as const;

export const checkWorker: Rule = optionsOf<WorkerOptions>(
  { ...workerRules, workflows: needed(listOf(checkWorkflow), 'It must be a list.') },
  '{ workflows: [invoice] }',
);

/** Of a worker that is given its workflows by somebody else. */
export const checkWorkerAlone: Rule = optionsOf<Omit<WorkerOptions, 'workflows'>>(workerRules);

export const checkSchedule: Rule = optionsOf<ScheduleOptions>(
  {
    id: checkedLater,
    cron: text,
    timeZone: text,
    every: duration,
    missed: oneOf(...missedPolicies),
    overlap: oneOf(...overlapPolicies),
    key: checkKey,
  },
  "{ id: 'nightly', cron: '0 3 * * *' }",
);

/** The name of a signal, or `kind:` and one of the kinds of waits. */
const checkWaitsFor: Rule = (value, field) => {
  textOf(1, fixedLimits.stepNameLength * 2)(value, field);
  const given = value as string;
  if (given.startsWith('kind:')) oneOf(...waitKinds.map((kind) => `kind:${kind}`))(given, field);
  else if (!given.startsWith(decisionSignal(''))) checkSignalName(given);
};

const status = oneOf(...runStatuses);
const searchRules = {
  status: (value, field) => (Array.isArray(value) ? listOf(status, 1) : status)(value, field),
  workflow: checkWorkflowName,
  tag: (tag, field) => {
    checkTag(tag, field);
    const { key, value } = tag as { readonly key: string; readonly value: string };
    checkTags(Object.fromEntries([[key, value]]));
  },
  parent: checkRunId,
  key: checkKey,
  worker: textOf(1, 256),
  idPrefix: checkRunId,
  waitsFor: checkWaitsFor,
  waitKey: checkSignalKey,
  since: time,
  until: time,
} as const satisfies Readonly<Record<string, Rule>>;

const checkTag = optionsOf<NonNullable<SearchOptions['tag']>>({
  key: needed(text),
  value: needed(text),
});

const checkSearch = optionsOf<SearchOptions>(searchRules, "{ status: 'failed' }");

export const checkList: Rule = optionsOf<ListOptions>({
  ...searchRules,
  limit: wholeNumber(1, fixedLimits.runsPerPage),
  cursor: text,
});

export const checkBulkAction: Rule = oneOf(...bulkActions);

export const checkBulk: Rule = optionsOf<BulkOptions>({
  ...requestRules,
  dryRun: flag,
  limit: wholeNumber(1),
  concurrency: wholeNumber(1, 100),
  onProgress: callback,
});

export const checkDeletionList: Rule = optionsOf<DeletionListOptions>({
  limit: wholeNumber(1, fixedLimits.runsPerPage),
  cursor: text,
});

export const checkExport: Rule = optionsOf<ExportOptions>({ onProgress: callback });

export const checkImport: Rule = optionsOf<ImportOptions>({
  onProgress: callback,
  ifExists: oneOf('refuse', 'skip'),
});

export const checkRehearsal: Rule = optionsOf<{ readonly from?: unknown }>({ from: anything });
export const checkCompaction: Rule = optionsOf<{ readonly upTo?: number }>({
  upTo: wholeNumber(0),
});
export const checkRecoveries: Rule = optionsOf<{ readonly limit?: number }>({
  limit: wholeNumber(1, fixedLimits.runsPerPage),
});
export const checkStatsOver: Rule = optionsOf<StatsOverOptions>({
  since: needed(time),
  until: time,
  parts: wholeNumber(1, statsPartsMax),
});
export const checkMemory: Rule = optionsOf<{
  readonly workflow?: string;
  readonly sample?: number;
}>({ workflow: checkWorkflowName, sample: wholeNumber(1) });

export const checkHealth: Rule = optionsOf<HealthOptions>({ timeoutMs: milliseconds });

/** Checks a query, and says it in the words of the store. @throws InvalidError that names the condition. */
export function toQuery(options: SearchOptions, field: string): RunQuery {
  checkSearch(options, field);
  const { workflow, tag, idPrefix, since, until, ...rest } = options;
  if (rest.waitKey !== undefined && (rest.waitsFor ?? 'kind:').startsWith('kind:')) {
    throw new InvalidError(`${field}.waitKey`, 'needs waitsFor, with the name of a signal.');
  }
  return withoutAbsent({
    ...rest,
    workflow,
    idPrefix,
    tag: tag && `${tag.key}=${tag.value}`,
    since: since === undefined ? undefined : Number(since),
    until: until === undefined ? undefined : Number(until),
  });
}

const bulkIdsMax = 1_000;

const checkBulkQuery = optionsOf<BulkQuery>(
  {
    ...searchRules,
    ids: (value, field) => {
      listOf(checkRunId, 1)(value, field);
      const { length } = value as readonly unknown[];
      if (length <= bulkIdsMax) return;
      throw new InvalidError(field, `has ${length} ids, more than ${bulkIdsMax}.`);
    },
  },
  "{ status: 'failed' }",
);

/** The same for a bulk action, which may be about runs by their ids. @throws InvalidError that names the condition. */
export function toBulkQuery(
  options: BulkQuery,
  field: string,
): { readonly query: RunQuery; readonly ids: readonly string[] | undefined } {
  checkBulkQuery(options, field);
  const { ids, ...query } = options;
  return { query: toQuery(query, field), ids };
}

/** The fields that have a value. */
function withoutAbsent<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
