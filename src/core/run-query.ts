/**
 * What a list of runs means, for every store: which runs fit, in which order they come, and what a cursor says.
 *
 * The order is that of creation, which never changes, so a cursor is nothing but a place in it: the time and the id of the
 * last run that was looked at. Runs made meanwhile stand before it, deleted ones leave no gap, and a run that changes its
 * status keeps its place. A run that was there all the time, and fitted all the time, is shown once.
 */
import { InvalidError } from './errors.ts';
import { checkPageLimit, checkRunId } from './names.ts';
import { type RunStatus, runStatuses, type RunSummary } from './run.ts';
import { indexedBy, waitIndex } from './waits.ts';

/** Which runs a list shows: those that meet every condition. */
export interface RunQuery {
  /** One of these. */
  readonly status?: RunStatus | readonly RunStatus[];
  readonly workflow?: string;
  /** `key=value`. */
  readonly tag?: string;
  /** Only runs of this key. */
  readonly key?: string;
  /** Only runs that this worker holds now; unmanaged ones are in no worker's hands. */
  readonly worker?: string;
  /** Only runs whose id begins so. */
  readonly idPrefix?: string;
  /** Only runs created at this time or later. */
  readonly since?: number;
  /** Only runs created before this time. */
  readonly until?: number;
  /** Only runs that wait for this signal now, or for a kind of thing: `kind:timer`, `kind:child` … */
  readonly waitsFor?: string;
  /** With `waitsFor`, the name of a signal: only runs that wait for it with this key. */
  readonly waitKey?: string;
  /** Only unmanaged runs. */
  readonly unmanaged?: boolean;
}

/** A place in the order of a list. */
export interface ListPlace {
  /** When the run was created; of unmanaged runs, when it changed last. */
  readonly at: number;
  readonly id: string;
}

/** For sorting. Ids are ASCII, so that this is the order of Redis as well. */
export function newestFirst(a: ListPlace, b: ListPlace): number {
  if (a.at !== b.at) return b.at - a.at;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

export function formatCursor({ at, id }: ListPlace): string {
  return `${at}:${id}`;
}

/**
 * Checks what a list is asked for; returns the place after which it goes on.
 * @throws InvalidError, also for a cursor that no page has returned.
 */
export function checkList({
  limit,
  cursor,
  status,
  since,
  until,
}: RunQuery & { readonly limit: number; readonly cursor?: string }): ListPlace | undefined {
  checkPageLimit(limit);
  for (const one of statusesOf(status) ?? []) {
    if (!runStatuses.includes(one)) throw new InvalidError('status', `${one} is none.`);
  }
  for (const [name, time] of Object.entries({ since, until })) {
    if (time !== undefined && !Number.isSafeInteger(time)) {
      throw new InvalidError(name, 'must be a whole number of milliseconds since 1970.');
    }
  }
  return cursor === undefined ? undefined : parseCursor(cursor);
}

function parseCursor(cursor: string): ListPlace {
  const [, at = '', id = ''] = /^(\d{1,16}):(.+)$/.exec(cursor) ?? [];
  const place = { at: Number(at), id };
  try {
    checkRunId(id);
    if (at !== '' && Number.isSafeInteger(place.at)) return place;
  } catch {
    // The same is said of whatever no page has returned.
  }
  throw new InvalidError('cursor', 'is not one that a page before has returned.');
}

/** The statuses a query names; undefined for all. */
export function statusesOf(status: RunQuery['status']): readonly RunStatus[] | undefined {
  return typeof status === 'string' ? [status] : status;
}

type Searched = Pick<
  RunSummary,
  'id' | 'status' | 'workflow' | 'tags' | 'key' | 'worker' | 'createdAt' | 'waits'
>;

/** Whether a run fits, as its record says; not whether it is unmanaged, which a record does not tell. */
export function fits(run: Searched, query: RunQuery): boolean {
  const { workflow, tag, key, worker, idPrefix, since, until, waitsFor, waitKey } = query;
  const equals = tag?.indexOf('=') ?? -1;
  return (
    (statusesOf(query.status)?.includes(run.status) ?? true) &&
    (workflow === undefined || run.workflow === workflow) &&
    (tag === undefined || run.tags[tag.slice(0, equals)] === tag.slice(equals + 1)) &&
    (key === undefined || run.key === key) &&
    (worker === undefined || run.worker === worker) &&
    (waitsFor === undefined || indexedBy(run.waits).includes(waitIndex(waitsFor, waitKey))) &&
    (idPrefix === undefined || run.id.startsWith(idPrefix)) &&
    (since === undefined || run.createdAt >= since) &&
    (until === undefined || run.createdAt < until)
  );
}
