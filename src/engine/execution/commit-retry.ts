/**
 * Sends a commit until there is an answer. Repeating it is safe: the store recognises the token. Giving up is not, because
 * a run that is held by a living worker is nobody else's to finish.
 *
 * What repeating cannot cure is that the run's data is damaged. Then the run is quarantined with the key and the
 * reason, by a commit that writes to neither log nor snapshot.
 */
import type { Clock } from '../../core/clock.ts';
import { PawlError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { CommitOutcome, CommitParams, RunStore } from '../../core/store.ts';
import { encodeError } from '../payloads.ts';

const firstRetryMs = 25;
const retryMsMax = 1000;

interface Through {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The run's data is damaged, and nobody is to go on with it. */
interface Damaged {
  readonly outcome: 'damaged';
  readonly error: PawlError;
}

export type Persisted = CommitOutcome | Damaged | undefined;

/** Undefined when `isWanted` turned false meanwhile, or the store was closed. */
export function persist(
  params: CommitParams,
  through: Through,
  isWanted: () => boolean = () => true,
): Promise<Persisted> {
  const committed: Promise<Persisted> = through.store.commit(params);
  return committed.catch((error: unknown) => persistAgain(params, error, { through, isWanted }));
}

/** As `persist`, after a first try whose answer is this error. */
export async function persistAgain(
  params: CommitParams,
  first: unknown,
  { through, isWanted }: { readonly through: Through; readonly isWanted: () => boolean },
): Promise<Persisted> {
  let error = first;
  for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
    const closed = PawlError.is(error) && error.code === 'PAWL_CLOSED';
    if (closed || !isWanted()) return undefined;
    if (PawlError.is(error) && error.code === 'PAWL_CORRUPT') {
      await setDamagedAside(params, through, error);
      return { outcome: 'damaged', error };
    }
    // Stored, but not on enough replicas: the store says so once, for all runs.
    if (!(PawlError.is(error) && error.code === 'PAWL_NOT_DURABLE')) {
      through.logger.warn(
        { run: params.run, error: String(error) },
        'commit found no answer, trying again',
      );
    }
    await through.clock.sleep(delayMs);
    try {
      return await through.store.commit(params);
    } catch (again) {
      error = again;
    }
  }
}

/** Never rejects: where not even this can be written, the log of this process tells of it. */
async function setDamagedAside(
  { run, fence, owner, token, expectedSeq }: CommitParams,
  through: Through,
  error: PawlError,
): Promise<void> {
  const { store, clock, logger } = through;
  logger.error({ run, error: error.message }, 'the data of this run is damaged, quarantined');
  const release = { status: 'quarantined', error: encodeError(error) } as const;
  let seq = expectedSeq;
  for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
    const ownToken = `${token}-damaged`;
    try {
      const params = { run, fence, owner, token: ownToken, expectedSeq: seq, events: [], release };
      const outcome = await store.commit(params);
      if (outcome.outcome !== 'conflict') return;
      // Part of the commit that failed had been written.
      seq = outcome.seq;
    } catch (failed) {
      const mayCome = PawlError.is(failed) && failed.retryable;
      // It is stored, if perhaps not everywhere.
      if (mayCome && failed.code === 'PAWL_NOT_DURABLE') return;
      if (!mayCome) {
        logger.error({ run, error: String(failed) }, 'a damaged run could not be quarantined');
        return;
      }
    }
    await clock.sleep(delayMs);
  }
}
