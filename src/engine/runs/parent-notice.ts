/**
 * What a run and its parent owe each other at their ends: the news of a child's end, and the end of the children with it.
 *
 * The news of a child's end crosses from one run to another, which in Redis Cluster may live on two servers, so it cannot
 * be part of the child's last commit. That commit notes instead that the parent is owed the news; whoever made it, or the
 * sweeper if that worker died, posts it, and then notes that it was told. Posting twice does no harm: the message's id is
 * the child's.
 */
import { RunError } from '../../core/errors.ts';
import type { ChildEnd } from '../../core/event.ts';
import { defaults } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';
import type { PostOutcome } from '../../core/store.ts';
import { decodeError, encodeError, encodeRecord } from '../payloads.ts';
import type { StartParts } from './start.ts';

/** Tells the parent of an ended run; does nothing when it is told already, or has no parent. */
export async function tellParent(
  parts: Pick<StartParts, 'store' | 'wake'>,
  record: RunRecord,
): Promise<void> {
  if (record.parent === undefined || !isEnded(record.status)) return;
  const posted = await post(parts.store, record.parent, record);
  // A parent that is over, or gone, has no use for the news. Noted before the parent is woken, which may take as long as
  // Redis is away: one that has come back without the message would then be told that it was given.
  await parts.store.told(record.id, record);
  await wakeParent(parts, posted);
}

/** Posts the end of a run to its parent; again, it changes nothing. */
export async function postEnd(
  parts: Pick<StartParts, 'store' | 'wake'>,
  record: RunRecord,
): Promise<PostOutcome['outcome']> {
  if (record.parent === undefined) return 'missing';
  const posted = await post(parts.store, record.parent, record);
  await wakeParent(parts, posted);
  return posted.outcome;
}

async function wakeParent({ wake }: Pick<StartParts, 'wake'>, posted: PostOutcome): Promise<void> {
  if (posted.outcome === 'posted' && posted.woken) await wake(posted.wakeUp);
}

function post(store: StartParts['store'], parent: string, record: RunRecord): Promise<PostOutcome> {
  const error = decodeError(record.error, `run ${record.id}, error`);
  const end: ChildEnd = {
    run: record.id,
    status: record.status as ChildEnd['status'],
    ...(record.output === undefined ? {} : { output: record.output }),
    ...(error === undefined ? {} : { error }),
  };
  const message = { id: `child ${record.id}`, kind: 'child', name: record.id } as const;
  return store.post({ run: parent, ...message, data: encodeRecord(end) });
}

/** Cancels the children that end with a run. */
export async function cancelChildren(
  { store, wake }: Pick<StartParts, 'store' | 'wake'>,
  parent: string,
  children: readonly string[],
): Promise<void> {
  const reason = `run ${parent}, which started it, was cancelled or failed`;
  for (const run of children) {
    const outcome = await store.cancel({
      ...{ run, id: `parent ${parent}`, keepMs: defaults.keepMs },
      data: encodeRecord({ reason }),
      error: encodeError(new RunError('PAWL_RUN_CANCELLED', run, reason)),
    });
    if (outcome.outcome === 'asked') await wake(outcome.wakeUp);
  }
}

/** Tells the parent of a run that has just ended. Best effort: what is not told here, the sweeper tells. */
export async function tellParentOf(
  parts: Pick<StartParts, 'store' | 'wake'> & { readonly logger: Logger },
  run: string,
): Promise<void> {
  try {
    const record = await parts.store.record(run);
    if (record !== undefined) await tellParent(parts, record);
  } catch (error) {
    parts.logger.warn({ run, error: String(error) }, 'parent not told yet');
  }
}
