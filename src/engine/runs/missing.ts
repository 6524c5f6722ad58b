/** Why nothing can be done with a run. */
import { RunError } from '../../core/errors.ts';
import type { RunStatus } from '../../core/run.ts';

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
