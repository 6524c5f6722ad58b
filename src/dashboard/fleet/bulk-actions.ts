/** What can be done to all runs of a search. Each names what a pawl does, and to which statuses of the search. */
import { InvalidError } from '../../core/errors.ts';
import { type RunStatus, runStatuses } from '../../core/run.ts';
import type { BulkAction } from '../../engine/runs/bulk.ts';
import type { SearchOptions } from '../../options.ts';
import type { DashboardAction } from '../access.ts';
import { readSearch, type Search, statusGroups } from './search.ts';

export interface ManyAction {
  /** On the page: `Cancel`. */
  readonly verb: string;
  /** What has been done: `cancelled`. */
  readonly done: string;
  readonly does: BulkAction;
  /** Only runs in these statuses are meant; default all of the search. */
  readonly only?: readonly RunStatus[];
  /** Asked before, for what cannot be undone. */
  readonly question?: string;
}

const dead = statusGroups['dead'] ?? [];
const living = runStatuses.filter((status) => !dead.includes(status));

export const manyActions = {
  retry: { verb: 'Try again', done: 'resumed', does: 'resume', only: dead },
  pause: { verb: 'Pause', done: 'paused', does: 'pause' },
  resume: { verb: 'Resume', done: 'resumed', does: 'resume', only: living },
  cancel: {
    verb: 'Cancel',
    done: 'asked to end',
    does: 'cancel',
    question: 'They will not go on.',
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    does: 'delete',
    question: 'Their logs, states and outputs are removed. Nothing brings them back.',
  },
} as const satisfies Partial<Record<DashboardAction, ManyAction>>;

export type ManyName = keyof typeof manyActions;

export function manyNames(allowed: readonly DashboardAction[]): readonly ManyName[] {
  return (Object.keys(manyActions) as ManyName[]).filter((name) => allowed.includes(name));
}

/** @throws InvalidError for a word that is no action. */
export function toManyName(text: string): ManyName {
  const name = (Object.keys(manyActions) as ManyName[]).find((one) => one === text);
  if (name !== undefined) return name;
  const choices = Object.keys(manyActions).join(', ');
  throw new InvalidError('action', `${text} is none for many runs. Choose one of ${choices}.`);
}

/** The part of the search that the action is about. */
function meant(search: Search, action: ManyAction): Search {
  const { only } = action;
  if (only === undefined) return search;
  const { status: asked } = search.options;
  const asList = typeof asked === 'string' ? [asked] : asked;
  const status = only.filter((one) => asList?.includes(one) ?? true);
  const options: SearchOptions = { ...search.options, status };
  return { ...search, options };
}

/** A search without a condition is of all runs there are: nobody means that by a slip. @throws InvalidError. */
export function manySearch(asked: Readonly<Record<string, string>>, action: ManyAction): Search {
  const search = readSearch(asked);
  if (search.query === '') {
    throw new InvalidError('search', 'has no condition: it would be of all runs there are.');
  }
  return meant(search, action);
}
