/**
 * What an owner does when Redis has come back with less of its run than it had acknowledged: after a failover to a replica
 * that was behind, or a restart without the last second.
 *
 * What the owner remembers is not the truth any more. It says so, in the log of the run where it still can, and any worker
 * starts again from what is left. Seen in two ways: the log is shorter than the owner knows (`conflict`), or the owner's
 * very claim is gone, which looks like a run that somebody else has taken (`fenced`), but for the events that are missing.
 */
import type { RewoundData } from '../../core/event.ts';
import type { CommitParams, Ownership } from '../../core/store.ts';
import { undoBehind } from '../../core/undo.ts';
import { encodeRecord } from '../payloads.ts';
import { persist } from './commit-retry.ts';
import type { ExecutionServices } from './services.ts';

type Services = Pick<
  ExecutionServices,
  'store' | 'worker' | 'clock' | 'logger' | 'newToken' | 'settings'
>;

/** The run that has lost events, as its owner knows it. */
export interface RewoundRun {
  readonly ownership: Ownership;
  readonly codeVersion: number;
  /** Effects that have begun and not completed. */
  readonly effects: readonly string[];
  /** What was found of it decides what of the undoing must be told. */
  readonly bookkeeping: ReadonlyMap<string, unknown>;
}

/** Says that the log ends at `foundSeq`, where `acknowledgedSeq` was promised, and hands the run back. */
export async function giveBackRewound(
  services: Services,
  { ownership, effects, bookkeeping }: RewoundRun,
  acknowledgedSeq: number,
  foundSeq: number,
): Promise<void> {
  const { worker, logger } = services;
  const rewound: RewoundData = { worker, acknowledgedSeq, foundSeq, effects };
  logger.error({ run: ownership.run, ...rewound }, 'redis lost acknowledged events of this run');
  await write(services, ownership, foundSeq, { ...rewound, ...undoBehind(bookkeeping, foundSeq) });
}

/**
 * A fenced owner looks for the newest event it was told is stored. When it is gone, so was the claim: said in the log of
 * this worker, and in that of the run if nobody else holds it. Best effort: never rejects.
 */
export async function detectRewind(
  services: Services,
  { ownership, codeVersion, effects, bookkeeping }: RewoundRun,
  acknowledgedSeq: number,
): Promise<void> {
  const { store, worker, newToken, logger } = services;
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
    const rewound: RewoundData = { worker, acknowledgedSeq, foundSeq, effects };
    logger.error({ run, ...rewound }, 'redis lost acknowledged events of this run');
    // Also one that sleeps again, as it did before: it would wait for what this worker knows has come.
    const claimed = await store.claim({
      run,
      worker,
      codeVersion,
      token: newToken(),
      expectedFence: record.fence,
      reclaim: true,
    });
    if (claimed.outcome !== 'claimed') return;
    await write(services, claimed.ownership, claimed.record.seq, {
      ...rewound,
      ...undoBehind(bookkeeping, foundSeq),
    });
  } catch (error) {
    logger.warn({ run, error: String(error) }, 'could not look whether events were lost');
  }
}

async function write(
  services: Services,
  ownership: Ownership,
  expectedSeq: number,
  rewound: RewoundData,
): Promise<void> {
  const params: CommitParams = {
    ...ownership,
    expectedSeq,
    token: services.newToken(),
    events: [{ type: 'run.rewound', data: encodeRecord(rewound) }],
    release: { status: 'queued', resendMs: services.settings.resendMs },
  };
  await persist(params, services);
}
