/** What can be done to all runs of a search. Each names what a pawl does, and to which statuses of the search. */
import { InvalidError } from '../../core/errors.ts';
import { type RunStatus, runStatuses } from '../../core/run.ts';
import type { BulkAction } from '../../engine/runs/bulk.ts';
import type { BulkQuery, SearchOptions } from '../../options.ts';
import type { DashboardAction } from '../access.ts';
import { commandLine } from '../command-line.ts';
import { type Asked, readSearch, type Search, searchCommand, statusGroups } from './search.ts';

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
  throw new InvalidError(
    'action',
    `${text} cannot be done to many runs. Choose one of ${choices}.`,
  );
}

/** The statuses of the search that the action is about. */
function meant(options: SearchOptions, { only }: ManyAction): SearchOptions {
  if (only === undefined) return options;
  const { status: asked } = options;
  const asList = typeof asked === 'string' ? [asked] : asked;
  return { ...options, status: only.filter((one) => asList?.includes(one) ?? true) };
}

/** Runs that an action is about: all of a search, or those that somebody has chosen. */
export interface Many {
  readonly given: Search['given'];
  readonly options: BulkQuery;
  /** As the query of an address. */
  readonly query: string;
  /** Undefined for all of the search. */
  readonly ids: readonly string[] | undefined;
  /** The same for a shell; undefined where the command line has no such condition. */
  readonly command: string | undefined;
}

/** What is asked about: conditions, and the runs that were chosen, if any. */
export interface ManyAsked {
  readonly conditions: Asked;
  readonly ids: readonly string[];
}

/**
 * Runs that were chosen are meant by their ids alone: the search they were found by may find others now. A search without
 * a condition is of all runs there are: nobody means that by a slip.
 * @throws InvalidError.
 */
export function manyOf({ conditions, ids }: ManyAsked, action: ManyAction): Many {
  if (ids.length > 0) {
    const query = ids.map((id) => `run=${encodeURIComponent(id)}`).join('&');
    const options = { ...meant({}, action), ids };
    return { given: {}, options, query, ids, command: commandLine('runs', action.does, ...ids) };
  }
  const search = readSearch(conditions);
  const { given, query } = search;
  if (query === '') {
    throw new InvalidError(
      'search',
      'has no condition, and no run was chosen: it would be of all runs there are.',
    );
  }
  const options = meant(search.options, action);
  const command = searchCommand(['runs', action.does], { ...search, options });
  return { given, options, query, ids: undefined, command };
}
