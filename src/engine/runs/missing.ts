/** Why nothing can be done with a run, and why nothing has come of it. */
import { reviveError } from '../../core/error-record.ts';
import { RunError } from '../../core/errors.ts';
import type { RunStatus } from '../../core/run.ts';
import { decodeError } from '../payloads.ts';
import type { EndRecord } from '../../core/run.ts';

export function runNotFound(run: string): RunError {
  return new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
}

export function endedError(run: string, status: RunStatus): RunError {
  return new RunError(
    'PAWL_RUN_ENDED',
    run,
    `Run ${run} is over (${status}); nothing was written.`,
  );
}

/** Of a run that has ended without an output: the cause is what it has ended with. */
export function errorOfEnd(run: string, { status, error }: EndRecord): RunError {
  const recorded = decodeError(error, `run ${run}, error`);
  const cause = recorded === undefined ? undefined : reviveError(recorded);
  const what = recorded?.message ?? 'no reason recorded';
  const about = { cause };
  switch (status) {
    case 'cancelled':
      return new RunError('PAWL_RUN_CANCELLED', run, `Run ${run} was cancelled: ${what}`, about);
    case 'quarantined':
      return new RunError(
        'PAWL_RUN_QUARANTINED',
        run,
        `Run ${run} was quarantined: ${what}`,
        about,
      );
    default:
      return new RunError('PAWL_RUN_FAILED', run, `Run ${run} failed: ${what}`, about);
  }
}
