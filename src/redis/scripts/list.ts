/** The next runs of a shard that fit. */
import type { ListParams } from '../../core/lists.ts';
import { type ListPlace, statusesOf } from '../../core/run-query.ts';
import { waitIndex } from '../../core/waits.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** What one call may cost: entries looked at, and candidates that are sorted. */
const looks = 500;
const candidates = 500;

interface Wanted {
  readonly params: ListParams;
  readonly after: ListPlace | undefined;
}

/** Runs of one shard or of all, and the place up to which all were looked at; undefined when nothing follows. */
export interface Found {
  readonly places: readonly ListPlace[];
  readonly upTo: ListPlace | undefined;
}

export const list: StoreScript<ShardKeys, Wanted, Found> = {
  script: toScript('list', lua.list),
  keys: (shard, { params }) => [
    params.unmanaged === true ? shard.unmanaged : shard.runs,
    shard.runs,
    shard.ids,
    shard.held(params.worker ?? ''),
    ...groupsOf(shard, params).flat(),
  ],
  args: (shard, { params, after }) => [
    params.limit,
    looks,
    candidates,
    after?.at ?? '',
    after?.id ?? '',
    params.since ?? '',
    params.until ?? '',
    params.idPrefix ?? '',
    params.worker === undefined ? '' : 1,
    groupsOf(shard, params)
      .flatMap((group, i) => group.map(() => i + 1))
      .join(''),
  ],
  decode: (_, [isLast, id, score, ...flat]) => {
    const places: ListPlace[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) {
      places.push({ id: String(flat[i]), at: Number(flat[i + 1]) });
    }
    const upTo = Number(isLast) === 1 ? undefined : { id: String(id), at: Number(score) };
    return { places, upTo };
  },
};

/** Indexes that a run must stand in: in one of each group. */
function groupsOf(shard: ShardKeys, params: ListParams): readonly (readonly string[])[] {
  const { tag, workflow, key, waitsFor, waitKey } = params;
  const statuses = statusesOf(params.status);
  return [
    ...(workflow === undefined ? [] : [[shard.byWorkflow(workflow)]]),
    ...(tag === undefined ? [] : [[shard.byTag(tag)]]),
    ...(key === undefined ? [] : [[shard.byKey(key)]]),
    ...(waitsFor === undefined ? [] : [[shard.byWait(waitIndex(waitsFor, waitKey))]]),
    ...(statuses === undefined
      ? []
      : [[...new Set(statuses)].map((status) => shard.byStatus(status))]),
  ];
}
