/**
 * Lists of runs, newest first, a page at a time, over all shards.
 *
 * A page is read from one index (by status, tag or workflow, whichever is given first in that order, else all runs) and
 * the other conditions are checked on the records. The cursor is the last run's place, score and id, so that runs created
 * meanwhile shift nothing.
 */
import { InvalidError } from '../core/errors.ts';
import { checkPageLimit } from '../core/names.ts';
import type { RunRecord } from '../core/run.ts';
import type { ListParams, RunPage } from '../core/store.ts';
import type { Connection } from './connection.ts';
import { toFault } from './faults.ts';
import type { Keys, ShardKeys } from './keys.ts';

interface Place {
  readonly score: number;
  readonly id: string;
}

/** Reads records by id, in the order given; absent ones are left out. */
export type ReadRecords = (ids: readonly string[]) => Promise<readonly RunRecord[]>;

export async function listRuns(
  from: { readonly connection: Connection; readonly keys: Keys; readonly records: ReadRecords },
  params: ListParams,
): Promise<RunPage> {
  checkPageLimit(params.limit);
  const runs: RunRecord[] = [];
  let after = params.cursor === undefined ? undefined : parseCursor(params.cursor);
  for (;;) {
    const places = await nextPlaces(from, params, after);
    const found = new Map(
      (await from.records(places.map((place) => place.id))).map((r) => [r.id, r]),
    );
    for (const place of places) {
      after = place;
      const record = found.get(place.id);
      if (record !== undefined && fits(record, params)) runs.push(record);
      if (runs.length === params.limit) return { runs, cursor: formatCursor(place) };
    }
    if (places.length < params.limit) return { runs, cursor: undefined };
  }
}

/** The next `limit` places after `after`, merged from all shards. */
async function nextPlaces(
  from: { readonly connection: Connection; readonly keys: Keys },
  params: ListParams,
  after: Place | undefined,
): Promise<readonly Place[]> {
  const pages = await Promise.all(
    from.keys.shards.map((shard) =>
      placesInShard(from.connection, indexOf(shard, params), { after, limit: params.limit }),
    ),
  );
  return pages.flat().sort(newestFirst).slice(0, params.limit);
}

async function placesInShard(
  connection: Connection,
  index: string,
  { after, limit }: { after: Place | undefined; limit: number },
): Promise<readonly Place[]> {
  const places: Place[] = [];
  const max = after === undefined ? '+inf' : String(after.score);
  // Places with the cursor's own score come again first; those up to its id have been seen.
  for (let offset = 0; places.length < limit; offset += limit) {
    const flat = await connection
      .zrange(index, max, '-inf', 'BYSCORE', 'REV', 'LIMIT', offset, limit, 'WITHSCORES')
      .catch((error: unknown) => {
        throw toFault(error, 'list');
      });
    const pairs = toPairs(flat);
    for (const place of pairs) {
      if (after === undefined || newestFirst(after, place) < 0) places.push(place);
    }
    if (pairs.length < limit) break;
  }
  return places;
}

/** Replies come as `[id, score, …]` or as `[[id, score], …]`, by protocol. */
function toPairs(reply: readonly unknown[]): Place[] {
  const flat: unknown[] = reply.flat();
  const places: Place[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    places.push({ id: String(flat[i]), score: Number(flat[i + 1]) });
  }
  return places;
}

function indexOf(shard: ShardKeys, params: ListParams): string {
  if (params.loose === true) return shard.loose;
  if (params.status !== undefined) return shard.byStatus(params.status);
  if (params.tag !== undefined) return shard.byTag(params.tag);
  if (params.workflow !== undefined) return shard.byWorkflow(params.workflow);
  return shard.runs;
}

function fits(record: RunRecord, params: ListParams): boolean {
  const equals = params.tag?.indexOf('=') ?? -1;
  return (
    (params.status === undefined || record.status === params.status) &&
    (params.workflow === undefined || record.workflow === params.workflow) &&
    (params.tag === undefined ||
      record.tags[params.tag.slice(0, equals)] === params.tag.slice(equals + 1))
  );
}

function newestFirst(a: Place, b: Place): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

function formatCursor(place: Place): string {
  return `${place.score}:${place.id}`;
}

function parseCursor(cursor: string): Place {
  const match = /^(\d+):(.+)$/.exec(cursor);
  if (match === null)
    throw new InvalidError('cursor', 'is not one that a page before has returned.');
  return { score: Number(match[1]), id: match[2] ?? '' };
}
