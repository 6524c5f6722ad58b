/**
 * Retention: deletes runs by rules, compacts them, drops their checkpoints.
 *
 * It works through its rules run by run, and may stop anywhere: before the archive has a run, after that, or after
 * its deletion. Called again it goes on; a run whose deletion was not reached is archived once more. A run is deleted only
 * if it still is what was archived, so one that was retried meanwhile stays.
 */
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { recordError } from '../../core/error-record.ts';
import { type ErrorRecord, InvalidError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import { type Logger, silentLogger } from '../../core/logger.ts';
import { checkWorkflowName } from '../../core/names.ts';
import {
  callback,
  duration,
  flag,
  listOf,
  needed,
  oneOf,
  optionsOf,
  text,
  wholeNumber,
} from '../../core/option-rules.ts';
import { type CheckpointExpiry, checkExpiry } from '../../core/retention.ts';
import { isOver, type RunSummary, type RunStatus, runStatuses } from '../../core/run.ts';
import type { RunStore } from '../../core/store.ts';
import { compactRun } from './compaction.ts';
import { expireCheckpoints, expiredCheckpoints } from '../runs/checkpoint-expiry.ts';
import { exportRun } from '../transfer/exports.ts';
import { encodeRecord } from '../payloads.ts';
import { type RunInfo, toRunInfo } from '../runs/run-info.ts';

/** Which runs, and what becomes of them. A run is spared while it is among the newest, and while it is young. */
export interface RetentionRule {
  /** Default: any. */
  readonly workflow?: string;
  /** Default: completed, failed and cancelled. */
  readonly status?: RunStatus | readonly RunStatus[];
  /** Only runs whose status is older than this. */
  readonly olderThan?: Duration;
  /** The newest so many runs of each workflow and status stay. */
  readonly keepNewest?: number;
  /**
   * `delete` (default): the run goes, with all it has. `compact`: the events that its snapshot covers go. `checkpoints`:
   * those that have expired go. Only runs that have ended, or were quarantined, can be deleted.
   */
  readonly action?: 'delete' | 'compact' | { readonly checkpoints: CheckpointExpiry };
}

/** Which runs are deleted, compacted, or lose checkpoints. */
export interface RetentionPolicy {
  /** In order: what one has deleted the next does not see. */
  readonly rules: readonly RetentionRule[];
}

/**
 * Keeps a run somewhere else, before it is deleted. `lines` are those of `pawl.export`, and must be read to their end. A
 * run may come again, after a crash: store it under its id.
 */
export type ArchiveRun = (lines: AsyncIterable<string>, run: RunInfo) => Promise<void>;

/** How far one call may go, and what happens before a run is deleted. */
export interface RetainOptions {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
  /** Called before each deletion. A run whose archive rejects is not deleted. Default: nothing is kept elsewhere. */
  readonly archive?: ArchiveRun;
  /** Who asks: for the log of this process. */
  readonly actor?: string;
  /** Runs acted upon at most. Default 1 000; `more` in the report says that there are others. */
  readonly limit?: number;
}

/** What was done to a run, or would be. */
export interface RetainedRun {
  /** The id of the run. */
  readonly run: string;
  /** The name of its workflow. */
  readonly workflow: string;
  /** The status that it had when it was looked at. */
  readonly status: RunStatus;
  /** What the rule asks for. */
  readonly action: 'delete' | 'compact' | 'checkpoints';
  /**
   * `changed`: it is not as it was when it was looked at, and was left alone. `notifyPending`: its parent has not heard of its
   * end; later. `failed`: `error` says why, and it was left alone.
   */
  readonly outcome: 'done' | 'would' | 'changed' | 'notifyPending' | 'failed';
  /** Events, or checkpoints, that were dropped or would be. */
  readonly dropped?: number;
  /** Why `outcome` is `failed`; absent otherwise. */
  readonly error?: ErrorRecord;
}

/** What one call of `pawl.retain` has done, or would do. */
export interface RetentionReport {
  /** True when nothing was written. */
  readonly dryRun: boolean;
  /** Each run that a rule has met, in the order in which they were looked at. */
  readonly runs: readonly RetainedRun[];
  /** The limit was reached: call again. */
  readonly more: boolean;
}

const limitDefault = 1_000;
const endStatuses = ['completed', 'failed', 'cancelled'] as const;

/** @throws InvalidError, DefinitionError for a policy that makes no sense: nothing was written. */
export async function retain(
  { store, logger = silentLogger }: { readonly store: RunStore; readonly logger?: Logger },
  policy: RetentionPolicy,
  options: RetainOptions = {},
): Promise<RetentionReport> {
  checkPolicy(policy, 'policy');
  checkRetain(options, 'retain options');
  const { rules } = policy;
  for (const [i, rule] of rules.entries()) checkRule(rule, `rules[${i}]`);
  const { dryRun = false, limit = limitDefault, actor } = options;
  const runs: RetainedRun[] = [];
  const gone = new Set<string>();
  for (const rule of rules) {
    for await (const record of runsOf(store, rule)) {
      if (gone.has(record.id)) continue;
      if (runs.length === limit) return { dryRun, runs, more: true };
      const done = await apply(store, record, rule, options);
      if (done === undefined) continue;
      if (done.action === 'delete') gone.add(record.id);
      runs.push(done);
      if (!dryRun) logger.info({ ...done, ...(actor === undefined ? {} : { actor }) }, 'retention');
    }
  }
  return { dryRun, runs, more: false };
}

const oneStatus = oneOf(...runStatuses);

const checkPolicy = optionsOf<RetentionPolicy>(
  {
    rules: needed(
      listOf(
        optionsOf<RetentionRule>({
          workflow: checkWorkflowName,
          status: (value, field) =>
            (Array.isArray(value) ? listOf(oneStatus) : oneStatus)(value, field),
          olderThan: duration,
          keepNewest: wholeNumber(0),
          action: (value, field) => {
            if (value !== 'delete' && value !== 'compact') checkDropping(value, field);
          },
        }),
      ),
    ),
  },
  "{ rules: [{ olderThan: '30d' }] }",
);

const checkDropping = optionsOf<{ readonly checkpoints: CheckpointExpiry }>(
  { checkpoints: needed(checkExpiry) },
  '{ checkpoints: { keepNewest: 1 } }, or delete, compact',
);

const checkRetain = optionsOf<RetainOptions>({
  dryRun: flag,
  archive: callback,
  actor: text,
  limit: wholeNumber(1),
});

function checkRule(
  { status, olderThan, keepNewest, action: wanted = 'delete' }: RetentionRule,
  at: string,
): void {
  if (wanted !== 'delete') return;
  if (olderThan === undefined && keepNewest === undefined) {
    throw new InvalidError(at, 'would delete all runs: it needs olderThan, keepNewest, or both.');
  }
  const living = statusesOf(status).find((one) => !isOver(one));
  if (living !== undefined) {
    throw new InvalidError(`${at}.status`, `is ${living}: only runs that are over can be deleted.`);
  }
}

function statusesOf(status: RetentionRule['status']): readonly RunStatus[] {
  if (status === undefined) return endStatuses;
  return typeof status === 'string' ? [status] : status;
}

/** The runs that a rule does not spare, the newest first. */
async function* runsOf(
  store: RunStore,
  { workflow, status, olderThan, keepNewest = 0 }: RetentionRule,
): AsyncGenerator<RunSummary, void, undefined> {
  const changedBefore =
    olderThan === undefined
      ? Infinity
      : (await store.observation.now()) - toMilliseconds(olderThan, 'olderThan');
  for (const one of statusesOf(status)) {
    const seen = new Map<string, number>();
    const query = { status: one, ...(workflow === undefined ? {} : { workflow }) };
    let cursor: string | undefined;
    do {
      const limit = fixedLimits.runsPerPage;
      const from = cursor === undefined ? {} : { cursor };
      const page = await store.lists.runs({ ...query, limit, ...from });
      for (const record of page.runs) {
        const place = seen.get(record.workflow) ?? 0;
        seen.set(record.workflow, place + 1);
        if (place >= keepNewest && record.changedAt <= changedBefore) yield record;
      }
      ({ cursor } = page);
    } while (cursor !== undefined);
  }
}

/** Undefined when there was nothing to do. */
async function apply(
  store: RunStore,
  record: RunSummary,
  { action: wanted = 'delete' }: RetentionRule,
  { dryRun = false, ...options }: RetainOptions,
): Promise<RetainedRun | undefined> {
  const { id: run, workflow, status } = record;
  const action: RetainedRun['action'] = typeof wanted === 'object' ? 'checkpoints' : wanted;
  const about = { run, workflow, status, action };
  try {
    if (action === 'delete') {
      if (dryRun) return { ...about, outcome: 'would' };
      return { ...about, outcome: await deleteUnchanged(store, record, options) };
    }
    const dropped =
      typeof wanted === 'object'
        ? await dropCheckpoints(store, run, wanted.checkpoints, dryRun)
        : await dropEvents(store, record, dryRun);
    return dropped === 0 ? undefined : { ...about, dropped, outcome: dryRun ? 'would' : 'done' };
  } catch (error) {
    return { ...about, outcome: 'failed', error: recordError(error) };
  }
}

async function dropCheckpoints(
  store: RunStore,
  run: string,
  expiry: CheckpointExpiry,
  dryRun: boolean,
): Promise<number> {
  if (dryRun) return (await expiredCheckpoints(store, run, expiry)).length;
  return expireCheckpoints(store, run, expiry);
}

async function dropEvents(store: RunStore, record: RunSummary, dryRun: boolean): Promise<number> {
  const { id, seq, snapshotSeq, firstSeq } = record;
  const covered = Math.min(snapshotSeq, seq - 1) - firstSeq + 1;
  if (dryRun || covered <= 0) return Math.max(0, covered);
  return (await compactRun(store, id)).dropped;
}

/**
 * Archives a run if it is to be, and deletes it if it is still the same.
 * @throws what `archive` throws; Error when it left lines unread. The run is left alone.
 */
async function deleteUnchanged(
  store: RunStore,
  record: RunSummary,
  { archive, actor }: Pick<RetainOptions, 'archive' | 'actor'>,
): Promise<'done' | 'changed' | 'notifyPending'> {
  const { id: run } = record;
  if (archive !== undefined) {
    let isWhole = false;
    const lines = async function* (): AsyncGenerator<string, void, undefined> {
      yield* exportRun(store, run);
      isWhole = true;
    };
    await archive(lines(), toRunInfo(record));
    if (!isWhole) throw new Error(`the archive of run ${run} did not read all of its lines`);
  }
  const data = encodeRecord({ ...(actor === undefined ? {} : { actor }), reason: 'retention' });
  const { outcome } = await store.archive.remove({ run, unchanged: record, data });
  return outcome === 'removed' || outcome === 'missing' ? 'done' : outcome;
}
