/** Plants a bug in a sound history; `bugs.ts` says which there are. */
import type { StoredEvent } from '../../../src/core/event.ts';
import type { History, Indexes, RunHistory } from './history.ts';
import type { JudgeOptions } from './invariant.ts';
import { recover } from './recover.ts';
import { flow } from './sound.ts';

/** Chooses one of several; undefined of none. */
export type Pick = <T>(items: readonly T[]) => T | undefined;

export interface Bug {
  /** What went wrong. */
  readonly name: string;
  /** The invariant that must notice; others may as well. */
  readonly finds: string;
  readonly options?: JudgeOptions;
  /** Undefined when the history has no place for it. */
  readonly plant: (history: History, pick: Pick) => History | undefined;
}

type Change = (run: RunHistory, pick: Pick) => RunHistory | undefined;

/** A bug of one run's data. */
export function inRun(change: Change): Bug['plant'] {
  return (history, pick) => {
    const changed = history.runs.flatMap((run) => {
      const other = change(run, pick);
      return other === undefined ? [] : [{ run, other }];
    });
    const one = pick(changed);
    if (one === undefined) return undefined;
    return { ...history, runs: history.runs.map((run) => (run === one.run ? one.other : run)) };
  };
}

/** A bug of one event; `fits` says which events can have it. */
export function inEvent(
  fits: (event: StoredEvent, before: readonly StoredEvent[]) => boolean,
  spoil: (event: StoredEvent, before: readonly StoredEvent[]) => StoredEvent | undefined,
): Bug['plant'] {
  return inRun((run, pick) => {
    const at = pick(
      run.events.flatMap((event, i) => (fits(event, run.events.slice(0, i)) ? [i] : [])),
    );
    const event = at === undefined ? undefined : run.events[at];
    if (at === undefined || event === undefined) return undefined;
    const spoilt = spoil(event, run.events.slice(0, at));
    const events = run.events.flatMap((other, i) => {
      if (i !== at) return [other];
      return spoilt === undefined ? [] : [spoilt];
    });
    return { ...run, events };
  });
}

/** A bug of the indexes; undefined when they have no place for it. */
export function inIndexes(
  spoil: (indexes: Indexes, pick: Pick, history: History) => Partial<Indexes> | undefined,
): Bug['plant'] {
  return (history, pick) => {
    const spoilt = spoil(history.indexes, pick, history);
    return spoilt && { ...history, indexes: { ...history.indexes, ...spoilt } };
  };
}

/** The history with the bug in it, its runs rebuilt from what is there now. */
export async function doctored(
  history: History,
  bug: Bug,
  pick: Pick,
): Promise<History | undefined> {
  const spoilt = bug.plant(history, pick);
  if (spoilt === undefined) return undefined;
  const runs = await Promise.all(
    spoilt.runs.map(async (run) => ({ ...run, recovered: await recover(run, flow) })),
  );
  return { ...spoilt, runs };
}
