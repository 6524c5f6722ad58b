/**
 * What an owner does when Redis has come back with less of its run than it had acknowledged: after a failover to a replica
 * that was behind, or a restart without the last second.
 *
 * What the owner remembers is not the truth any more. It says so, in the log of the run where it still can, and any worker
 * starts again from what is left. Seen in two ways: the log is shorter than the owner knows (`conflict`), or the owner's
 * very claim is gone, which looks like a run that somebody else has taken (`fenced`), but for the events that are missing.
 */
import type { Clock } from '../../core/clock.ts';
import type { RewoundData } from '../../core/event.ts';
import type { Logger } from '../../core/logger.ts';
import type { CommitParams, Ownership, RunStore } from '../../core/store.ts';
import { encodeRecord } from '../payloads.ts';
import { persist } from './commit-retry.ts';

export interface RewindParts {
  readonly store: RunStore;
  readonly ownership: Ownership;
  readonly worker: string;
  readonly codeVersion: number;
  readonly resendMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newToken: () => string;
  /** Effects that have begun and not completed, as this owner knows. */
  readonly effects: readonly string[];
}

/** Says that the log ends at `foundSeq`, where `acknowledgedSeq` was promised, and hands the run back. */
export async function giveBackRewound(
  parts: RewindParts,
  acknowledgedSeq: number,
  foundSeq: number,
): Promise<void> {
  const { ownership, worker, logger } = parts;
  const { effects } = parts;
  const rewound: RewoundData = { worker, acknowledgedSeq, foundSeq, effects };
  logger.error({ run: ownership.run, ...rewound }, 'redis lost acknowledged events of this run');
  await write(parts, ownership, foundSeq, rewound);
}

/**
 * A fenced owner looks for the newest event it was told is stored. When it is gone, so was the claim: said in the log of
 * this worker, and in that of the run if nobody else holds it. Best effort: never rejects.
 */
export async function lookForRewind(parts: RewindParts, acknowledgedSeq: number): Promise<void> {
  const { store, ownership, worker, codeVersion, newToken, logger } = parts;
  const { run, fence } = ownership;
  try {
    const [newest] = await store.events({ run, after: acknowledgedSeq - 1, limit: 1 });
    if (newest?.fence === fence) return;
    const record = await store.record(run);
    // A run that has ended and was deleted since has no events either.
    if (record === undefined) return;
    // Nor has it those that were compacted since.
    if (record.firstSeq > acknowledgedSeq) return;
    const foundSeq = Math.min(record.seq, acknowledgedSeq - 1);
    const rewound: RewoundData = { worker, acknowledgedSeq, foundSeq, effects: parts.effects };
    logger.error({ run, ...rewound }, 'redis lost acknowledged events of this run');
    const claimed = await store.claim({ run, worker, codeVersion, token: newToken() });
    if (claimed.outcome !== 'claimed') return;
    await write(parts, claimed.ownership, claimed.record.seq, rewound);
  } catch (error) {
    logger.warn({ run, error: String(error) }, 'could not look whether events were lost');
  }
}

async function write(
  parts: RewindParts,
  ownership: Ownership,
  expectedSeq: number,
  rewound: RewoundData,
): Promise<void> {
  const params: CommitParams = {
    ...ownership,
    expectedSeq,
    token: parts.newToken(),
    events: [{ type: 'run.rewound', data: encodeRecord(rewound) }],
    release: { status: 'queued', resendMs: parts.resendMs },
  };
  await persist(params, parts);
}
