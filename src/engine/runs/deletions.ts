/**
 * Deleting a run, and what is kept of it: who asked and why. The script that removes the run keeps that in the same step,
 * so a crash leaves the run as it was, or gone and accounted for; the line of the logger may be missing then.
 *
 * Whoever waits for the run is told first, and children that end with it are cancelled first: a crash in between leaves a
 * run that is still there and is deleted by the next attempt. A child whose creation arrives later finds its parent gone:
 * see `cancelOrphan`.
 */
import { decode } from '../../core/codec.ts';
import { PawlError, RunError } from '../../core/errors.ts';
import type { Settled } from '../../core/queue.ts';
import { isEnded } from '../../core/run.ts';
import type { Request } from '../../core/request.ts';
import type { DeleteOutcome } from '../../core/store.ts';
import { encodeRecord } from '../payloads.ts';
import { cancelLateChildren, type FamilyParts, tellOfDeletion } from './family.ts';
import { leaveLine } from './turns.ts';

export interface DeletionParts extends FamilyParts {
  readonly settle?: (settled: Settled) => void;
}

/** A run that was deleted on somebody's request. */
export interface DeletionInfo extends Request {
  /** The id of the deleted run. */
  readonly run: string;
  /** The name of its workflow. */
  readonly workflow: string;
  /** When it was deleted, on the store's clock. */
  readonly at: Date;
}

/** Which page of the deletions is read. */
export interface DeletionListOptions {
  /** 1–500, default 50. */
  readonly limit?: number;
  /** From the page before. */
  readonly cursor?: string;
}

/** False when there was no such run. @throws RunError `PAWL_RUN_ACTIVE` while a worker holds it: nothing was deleted. */
export async function deleteRun(
  parts: DeletionParts,
  run: string,
  { actor, reason }: Request,
): Promise<boolean> {
  const request = {
    ...(actor === undefined ? {} : { actor }),
    ...(reason === undefined ? {} : { reason }),
  };
  let outcome: DeleteOutcome;
  let failed: Settled | undefined;
  do {
    const record = await parts.store.record(run);
    if (record === undefined) return false;
    if (record.status === 'running') throw activeError(run, record.worker ?? '');
    const { status, fence, seq, workflow } = record;
    const hasFailed = status === 'failed' || status === 'quarantined';
    failed = hasFailed ? { run, workflow, fence: fence + 1 } : undefined;
    const remove = (): Promise<DeleteOutcome> =>
      parts.store.delete(run, encodeRecord(request), { status, fence, seq });
    // The store refuses an ended run that somebody is still to be told of; nobody is told twice of one that is not.
    outcome = isEnded(status) ? await remove() : { outcome: 'changed' };
    if (outcome.outcome !== 'changed') break;
    const absent = await tellOfDeletion(parts, record);
    outcome = await remove();
    if (outcome.outcome === 'deleted') await cancelLateChildren(parts, record, absent);
  } while (outcome.outcome === 'changed');
  if (outcome.outcome === 'active') throw activeError(run, outcome.worker);
  if (outcome.outcome === 'missing') return false;
  if (failed !== undefined) parts.settle?.(failed);
  await leaveLine(parts, outcome.keyed);
  parts.logger.info({ run, ...request }, 'run deleted');
  return true;
}

export function activeError(run: string, worker: string): RunError {
  return new RunError(
    'PAWL_RUN_ACTIVE',
    run,
    `Run ${run} is at work on ${worker}; nothing was deleted. Wait for its end.`,
  );
}

export async function listDeletions(
  { store }: Pick<DeletionParts, 'store'>,
  { limit = 50, cursor }: DeletionListOptions = {},
): Promise<{ readonly deletions: readonly DeletionInfo[]; readonly cursor: string | undefined }> {
  const page = await store.lists.deletions({ limit, ...(cursor === undefined ? {} : { cursor }) });
  const deletions = page.deletions.map(({ run, workflow, at, data }) => {
    return { ...readRequest(run, data), run, workflow, at: new Date(at) };
  });
  return { deletions, cursor: page.cursor };
}

/** One that cannot be read must not hide a page of others: its reason says what it is. */
function readRequest(run: string, data: Uint8Array): Request {
  try {
    return decode(data, { key: `deletion of run ${run}` }) as Request;
  } catch (error) {
    return { reason: PawlError.is(error) ? error.code : 'PAWL_CORRUPT' };
  }
}
