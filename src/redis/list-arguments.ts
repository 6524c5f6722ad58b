/** Keys and arguments of the list script, in the order that its header spells. */
import { type ListPlace, statusesOf } from '../core/run-query.ts';
import type { ListParams } from '../core/lists.ts';
import { waitIndex } from '../core/waits.ts';
import type { Argument } from './arguments.ts';
import type { ShardKeys } from './keys.ts';

/** What one call may cost: entries looked at, and candidates that are sorted. */
const looks = 500;
const candidates = 500;

export function listArguments(
  shard: ShardKeys,
  params: ListParams,
  after: ListPlace | undefined,
): { readonly keys: readonly string[]; readonly args: readonly Argument[] } {
  const { limit, tag, workflow, worker, waitsFor } = params;
  const statuses = statusesOf(params.status);
  const groups = [
    ...(workflow === undefined ? [] : [[shard.byWorkflow(workflow)]]),
    ...(tag === undefined ? [] : [[shard.byTag(tag)]]),
    ...(waitsFor === undefined ? [] : [[shard.byWait(waitIndex(waitsFor))]]),
    ...(statuses === undefined
      ? []
      : [[...new Set(statuses)].map((status) => shard.byStatus(status))]),
  ];
  const order = params.loose === true ? shard.loose : shard.runs;
  const keys = [order, shard.runs, shard.ids, shard.held(worker ?? ''), ...groups.flat()];
  const args = [
    ...[limit, looks, candidates, after?.at ?? '', after?.id ?? ''],
    ...[params.since ?? '', params.until ?? '', params.idPrefix ?? ''],
    worker === undefined ? '' : 1,
    groups.flatMap((group, i) => group.map(() => i + 1)).join(''),
  ];
  return { keys, args };
}
