/**
 * Rehearsal: would today's code understand the runs that are there? Each run that has not ended is loaded and folded, and
 * nothing is written.
 */
import { type ErrorRecord, recordError } from '../core/errors.ts';
import { fixedLimits } from '../core/limits.ts';
import { isEnded, type RunStatus } from '../core/run.ts';
import type { RunStore } from '../core/store.ts';
import { replay } from './replay.ts';
import type { AnyWorkflow } from './workflow.ts';

export interface Rehearsal {
  readonly checked: number;
  readonly problems: readonly {
    readonly run: string;
    readonly workflow: string;
    readonly status: RunStatus;
    readonly error: ErrorRecord;
  }[];
}

export async function rehearse(
  store: RunStore,
  workflows: readonly AnyWorkflow[],
): Promise<Rehearsal> {
  const problems: Rehearsal['problems'][number][] = [];
  let checked = 0;
  for (const workflow of workflows) {
    let cursor: string | undefined;
    do {
      const page = await store.list({
        workflow: workflow.name,
        limit: fixedLimits.runsPerPage,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { id, status } of page.runs) {
        const loaded = isEnded(status) ? undefined : await store.load(id);
        if (loaded === undefined) continue;
        checked += 1;
        try {
          await replay(store, workflow, loaded);
        } catch (error) {
          problems.push({ run: id, workflow: workflow.name, status, error: recordError(error) });
        }
      }
      ({ cursor } = page);
    } while (cursor !== undefined);
  }
  return { checked, problems };
}
