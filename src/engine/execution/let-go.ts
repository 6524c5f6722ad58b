/** Why a worker has let go of a run, as its handler and its log hear of it. */
import { type ErrorCode, FencedError, RunError } from '../../core/errors.ts';
import type { CommitOutcome, Ownership } from '../../core/store.ts';
import type { SessionView } from './services.ts';

/** Somebody else owns the run. */
export function fenced(
  { run, fence: held }: Ownership,
  { fence, applied }: Extract<CommitOutcome, { outcome: 'fenced' }>,
  { session, sessionMs }: { readonly session: SessionView; readonly sessionMs: number },
): FencedError {
  const { loopLagMs } = session;
  return new FencedError(run, { held, current: fence }, { applied, loopLagMs, sessionMs });
}

/** Anything else. */
export function letGo(code: ErrorCode, run: string, why: string): RunError {
  return new RunError(
    code,
    run,
    `This worker has let go of run ${run}: ${why}. Nothing later is stored.`,
  );
}
