/** Why a worker has let go of a run that it held. */
import { type ErrorCode, FencedError, RunError } from '../../core/errors.ts';
import type { CommitOutcome, Ownership } from '../../core/store.ts';
import type { SessionView } from './services.ts';

/** Another worker holds it. */
export function fencedError(
  { run, fence: held }: Ownership,
  { fence, applied }: Extract<CommitOutcome, { outcome: 'fenced' }>,
  { loopLagMs }: Pick<SessionView, 'loopLagMs'>,
  sessionMs: number,
): FencedError {
  return new FencedError(run, { held, current: fence }, { applied, loopLagMs, sessionMs });
}

export function letGoError(run: string, code: ErrorCode, why: string): RunError {
  const what = `This worker has let go of run ${run}: ${why}. Nothing later is stored.`;
  return new RunError(code, run, what);
}
