/**
 * Sends a commit until there is an answer. Repeating it is safe: the store recognises the token. Giving up is not, because
 * a run that is held by a living worker is nobody else's to finish.
 */
import type { Clock } from '../../core/clock.ts';
import { PawlError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { CommitOutcome, CommitParams, RunStore } from '../../core/store.ts';

const firstRetryMs = 25;
const retryMsMax = 1000;

/** Undefined when `isWanted` turned false meanwhile, or the store was closed. */
export async function persist(
  params: CommitParams,
  through: { readonly store: RunStore; readonly clock: Clock; readonly logger: Logger },
  isWanted: () => boolean = () => true,
): Promise<CommitOutcome | undefined> {
  for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
    try {
      return await through.store.commit(params);
    } catch (error) {
      const closed = PawlError.is(error) && error.code === 'PAWL_CLOSED';
      if (closed || !isWanted()) return undefined;
      // Stored, but not on enough replicas: the store says so once, for all runs.
      if (!(PawlError.is(error) && error.code === 'PAWL_NOT_DURABLE')) {
        through.logger.warn(
          { run: params.run, error: String(error) },
          'commit found no answer, trying again',
        );
      }
      await through.clock.sleep(delayMs);
    }
  }
}
