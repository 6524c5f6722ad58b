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
