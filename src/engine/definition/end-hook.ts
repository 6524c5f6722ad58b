/** The hook for the end of a run: what it is given, and the name of the workflow that it is executed as. */
import { DefinitionError, type ErrorRecord } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Schema } from '../../core/schema.ts';
import type { Context } from './context.ts';

/** What every hook is told of the run that has ended. */
interface EndedRun {
  /** How it ended: with `output` when it has completed, else with `error`. */
  readonly status: 'completed' | 'failed' | 'cancelled';
  /** The id of the run. */
  readonly run: string;
  /** The name of its workflow. */
  readonly workflow: string;
  /** When it ended, on Redis' clock. */
  readonly endedAt: Date;
  /** What the run was started with, to find it by. */
  readonly tags: Readonly<Record<string, string>>;
}

/** How a run has ended, as its hook is told: with its output, or with why it failed or was cancelled. */
export type RunEnd<Output = unknown> = EndedRun &
  (
    | { readonly status: 'completed'; readonly output: Output }
    | { readonly status: 'failed' | 'cancelled'; readonly error: ErrorRecord }
  );

/** The context of a hook: it has no state and no events of its own. */
export type EndHookContext = Context<
  Schema<object, Record<never, never>>,
  Record<never, never>,
  Record<never, never>
>;

const suffix = '.end';

/** The name of the workflow that the hook of another one is executed as. */
export function endWorkflowName(workflow: string): string {
  return workflow + suffix;
}

/** @throws DefinitionError when there is no room for the name of the hook. */
export function checkEndHook(of: { readonly name: string; readonly onEnd?: unknown }): void {
  const { name, onEnd } = of;
  const most = fixedLimits.nameLength - suffix.length;
  if (onEnd === undefined || name.length <= most) return;
  throw new DefinitionError(
    `Workflow ${name}: with onEnd, its name has at most ${most} characters: the hook is named ${endWorkflowName('<name>')}.`,
  );
}
