/**
 * Runs that cannot be continued because something of them cannot be read: quarantined as they are, for a person to look at.
 * Nothing is skipped and nothing is repaired; `resume` lets such a run try again, for instance when a key is back.
 *
 * A crash before the commit leaves the run `running` under a dead worker, so the next one finds what this one found.
 */
import type { Clock } from '../../core/clock.ts';
import { recordError, textOfThrown } from '../../core/error-record.ts';
import type { Logger } from '../../core/logger.ts';
import type { Delivery } from '../../core/queue.ts';
import type { ClaimOutcome, CommitParams, Release, RunStore } from '../../core/store.ts';
import { encodeError } from '../payloads.ts';
import { persist } from './commit-retry.ts';
import { recordWrite, type Write } from './writes.ts';

/** The last events of an execution and what becomes of the run. */
export interface Ending {
  readonly writes: readonly Write[];
  readonly release: Release;
  readonly error?: unknown;
  /** What has failed, of a run that is tried again. */
  readonly retries?: unknown;
}

interface Parts {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newToken: () => string;
}

type Claimed = Extract<ClaimOutcome, { outcome: 'claimed' }>;

export function quarantine(error: unknown): Ending {
  return {
    error,
    writes: [recordWrite('run.quarantined', { error: recordError(error) })],
    release: { status: 'quarantined', error: encodeError(error) },
  };
}

/** Sets a claimed run aside without having executed anything. */
export async function quarantineRun(
  parts: Parts,
  { ownership, record }: Pick<Claimed, 'ownership' | 'record'>,
  error: unknown,
): Promise<Delivery> {
  const { run } = ownership;
  parts.logger.error({ run, error: textOfThrown(error) }, 'run cannot be replayed, quarantined');
  const { writes, release } = quarantine(error);
  const params: CommitParams = {
    ...ownership,
    token: parts.newToken(),
    expectedSeq: record.seq,
    events: writes.map(({ type, data }) => ({ type, data })),
    release,
  };
  await persist(params, parts);
  return failure('the run cannot be replayed', error);
}

/** How an execution has ended, for the dashboards of the queue: without what the run holds, and with it. */
export function failure(reason: string, error: unknown): Delivery {
  const { stack } = recordError(error);
  return { outcome: 'failed', reason, error: { text: textOfThrown(error), stack } };
}

/**
 * Sets a run aside whose claim took effect but returned what cannot be read: left alone, it would be held by a worker that
 * does nothing with it. Where even its record is unreadable there is nothing to write to, and only the log can tell.
 */
export async function quarantineUnread(
  parts: Parts,
  { run, owner }: { readonly run: string; readonly owner: string },
  error: unknown,
): Promise<void> {
  try {
    const record = await parts.store.record(run);
    if (record === undefined) return;
    // Had the claim not taken effect, the commit would find itself fenced.
    await quarantineRun(parts, { ownership: { run, fence: record.fence, owner }, record }, error);
  } catch (reading) {
    const { logger } = parts;
    logger.error({ run, error: String(error), reading: String(reading) }, 'claim failed');
  }
}
