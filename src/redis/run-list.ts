/**
 * Lists of runs over all shards, a page at a time. Each shard is asked for the next runs that fit (`lua/list.lua`), what
 * they found is merged, and the records are read.
 *
 * A call looks at a bounded number of index entries, however many runs there are: conditions that exclude each other give
 * short pages with a cursor rather than a long call. A shard that has looked at fewer runs than the others holds the page
 * back: what another shard found beyond that place comes with the next page.
 */
import { type RunSummary } from '../core/run.ts';
import {
  checkList,
  fits,
  formatCursor,
  type ListPlace,
  newestFirst,
  statusesOf,
} from '../core/run-query.ts';
import type { ListParams, RunPage } from '../core/lists.ts';
import type { Connection } from './connection.ts';
import { flatten, toRunSummary } from './fields.ts';
import type { Keys, ShardKeys } from './keys.ts';
import type { ScriptCalls } from './script-calls.ts';
import { type Found, list } from './scripts/list.ts';

/** Rounds of one call; a round looks at `listReads` entries of each shard, at most. */
const roundsMax = 10;

interface Source {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly scripts: ScriptCalls;
}

export async function listRuns(from: Source, params: ListParams): Promise<RunPage> {
  let after = checkList(params);
  const runs: RunSummary[] = [];
  if (statusesOf(params.status)?.length === 0) return { runs, cursor: undefined };
  for (let round = 0; round < roundsMax; round++) {
    const { places, upTo } = await nextPlaces(
      from,
      { ...params, limit: params.limit - runs.length },
      after,
    );
    const records = await Promise.all(places.map(({ id }) => readSummary(from, id)));
    // Read after it was found: a run that has been deleted, or no longer fits, is left out.
    runs.push(...records.filter((run) => run !== undefined).filter((run) => fits(run, params)));
    const last = places.at(-1);
    if (runs.length === params.limit && last !== undefined) {
      return { runs, cursor: formatCursor(last) };
    }
    if (upTo === undefined) return { runs, cursor: undefined };
    after = upTo;
  }
  return { runs, cursor: after && formatCursor(after) };
}

/** The next places after `after`, at most `limit`, merged from all shards. */
async function nextPlaces(
  { keys, scripts }: Source,
  params: ListParams,
  after: ListPlace | undefined,
): Promise<Found> {
  const shards = await Promise.all(
    keys.shards.map((shard) => scripts.call(list, shard, { params, after })),
  );
  const horizons = shards.map(({ upTo }) => upTo).filter((place) => place !== undefined);
  const [horizon] = horizons.sort(newestFirst);
  const found = shards.flatMap(({ places }) => places).sort(newestFirst);
  const reached = found.filter(
    (place) => horizon === undefined || newestFirst(place, horizon) <= 0,
  );
  const places = reached.slice(0, params.limit);
  return { places, upTo: reached.length > places.length ? places.at(-1) : horizon };
}

/** Without input and output, which may be large and are not shown. */
async function readSummary(
  { connection, keys }: Source,
  id: string,
): Promise<RunSummary | undefined> {
  const shard: ShardKeys = keys.of(id);
  const [run, [tags, error], hasOutput] = await Promise.all([
    connection.hgetallBuffer(shard.run(id)),
    connection.hmgetBuffer(shard.payload(id), 'tags', 'error'),
    connection.hexists(shard.payload(id), 'output'),
  ]);
  const flat = flatten(run);
  if (flat.length === 0) return undefined;
  const payload = Object.entries({ tags, error }).flatMap(([name, value]) =>
    value ? [Buffer.from(name), value] : [],
  );
  return toRunSummary({ key: shard.run(id), id }, [flat, payload], hasOutput === 1);
}
