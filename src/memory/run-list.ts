/** Lists of runs: filter, sort, and cut behind the cursor. */
import { InvalidError } from '../core/errors.ts';
import { checkPageLimit } from '../core/names.ts';
import type { ListParams, RunPage } from '../core/store.ts';
import { type StoredRun, toRecord } from './stored-run.ts';

export function listRuns(runs: readonly StoredRun[], params: ListParams): RunPage {
  checkPageLimit(params.limit);
  const place = (run: StoredRun): Place => [
    params.status === undefined && params.loose !== true ? run.createdAt : run.changedAt,
    run.id,
  ];
  const after = params.cursor === undefined ? undefined : parseCursor(params.cursor);
  const page = runs
    .filter((run) => fits(run, params))
    .sort((a, b) => newestFirst(place(a), place(b)))
    .filter((run) => after === undefined || newestFirst(after, place(run)) < 0)
    .slice(0, params.limit);
  const last = page.at(-1);
  const isFull = page.length === params.limit && last !== undefined;
  return { runs: page.map(toRecord), cursor: isFull ? place(last).join(':') : undefined };
}

function fits(run: StoredRun, { status, workflow, tag, loose }: ListParams): boolean {
  const tags = Object.entries(run.tags).map(([key, value]) => `${key}=${value}`);
  return (
    (loose !== true || run.loose) &&
    (status === undefined || run.status === status) &&
    (workflow === undefined || run.workflow === workflow) &&
    (tag === undefined || tags.includes(tag))
  );
}

type Place = readonly [score: number, id: string];

function newestFirst(a: Place, b: Place): number {
  if (a[0] !== b[0]) return b[0] - a[0];
  return a[1] === b[1] ? 0 : a[1] < b[1] ? 1 : -1;
}

function parseCursor(cursor: string): Place {
  const match = /^(\d+):(.+)$/.exec(cursor);
  if (match === null)
    throw new InvalidError('cursor', 'is not one that a page before has returned.');
  return [Number(match[1]), match[2] ?? ''];
}
