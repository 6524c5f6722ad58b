/** What runs wait for that a person may answer: one item for each wait, of a page of runs. */
import type { RunInfo, WaitInfo } from './run-info.ts';

/** A wait for signals, and the run that waits so. */
export interface InboxItem extends Omit<WaitInfo, 'kind' | 'on' | 'name'> {
  readonly run: string;
  readonly workflow: string;
  /** The run goes on with an answer when somebody resumes it. */
  readonly paused: boolean;
  /** The name of the wait in its run: what `run.answer` takes. */
  readonly wait: string;
  /** The signals that end it. */
  readonly signals: readonly string[];
}

/** What a person decides about: an effect in doubt, or an undo that has failed. */
export interface DecisionItem extends Pick<WaitInfo, 'since'> {
  readonly run: string;
  readonly workflow: string;
  /** The run goes on with a decision when somebody resumes it. */
  readonly paused: boolean;
  readonly kind: 'decision' | 'undo';
  /** What `run.decide` takes. */
  readonly name: string;
}

/** What is to be decided about in some runs, what waits longest first. A run that is there twice counts once. */
export function decisionItems(runs: readonly RunInfo[]): DecisionItem[] {
  const once = [...new Map(runs.map((run) => [run.id, run])).values()];
  const items = once.flatMap(({ id: run, workflow, paused, waits }) =>
    waits.flatMap(({ kind, on = [], since }) =>
      kind === 'decision' || kind === 'undo'
        ? on.map((name) => ({ run, workflow, paused, kind, name, since }))
        : [],
    ),
  );
  return items.sort((a, b) => Number(a.since) - Number(b.since));
}

/** What `pawl.list` finds them by. */
export const decisionKinds = ['kind:decision', 'kind:undo'] as const;

/** The items of some runs, those that wait longest first; of one signal, or key, when these are given. */
export function inboxItems(
  runs: readonly RunInfo[],
  only: { readonly signal?: string | undefined; readonly key?: string | undefined } = {},
): InboxItem[] {
  const items = runs.flatMap(({ id: run, workflow, paused, waits }) =>
    waits.flatMap(({ kind, name: wait, on: signals = [], ...about }) =>
      kind === 'signal' ? [{ run, workflow, paused, wait, signals, ...about }] : [],
    ),
  );
  return items
    .filter(({ signals }) => only.signal === undefined || signals.includes(only.signal))
    .filter(({ key }) => only.key === undefined || key === only.key)
    .sort((a, b) => Number(a.since) - Number(b.since));
}
