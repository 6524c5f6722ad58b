/**
 * The workflow that the hook of another one is executed as.
 *
 * A hook is a run of its own. So it is claimed by one worker at a time, goes on after a crash, is tried again, is found in
 * lists, and a person can resume it. Who starts it, and when that counts as done: see `runs/end-hooks.ts`.
 */
import type { RetryPolicy } from '../../core/policy.ts';
import { endWorkflowName, type RunEnd } from './end-hook.ts';
import { type AnyWorkflow, defineWorkflow } from './workflow.ts';

/** About four days, with an hour between the later attempts. */
const retry: RetryPolicy = { attempts: 100, delay: '1s', maxDelay: '1h' };

/** The workflow that executes the hook; undefined when there is none. */
export function endWorkflowOf({ name, version, definition }: AnyWorkflow): AnyWorkflow | undefined {
  const { onEnd, retention } = definition;
  if (onEnd === undefined) return undefined;
  return defineWorkflow({
    name: endWorkflowName(name),
    version,
    retry,
    ...(retention === undefined ? {} : { retention }),
    run: (ctx, end) => onEnd(ctx, end as RunEnd),
  });
}
