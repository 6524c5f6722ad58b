/** Since when an owner has no longer had a run, as the run's log tells. */
import { base } from './oracle.ts';
import type { Keyspace } from './redis/values.ts';

/** 0 while it has it, and where the log does not tell: it was compacted, or has forgotten the claim. */
export function lostForMs(keys: Keyspace, run: string, fence: number, now: number): number {
  const log = keys.stream(`${base}events:${run}`)?.entries ?? [];
  const own = log.findLastIndex(({ minor }) => minor === fence);
  const next = log[own + 1];
  return own < 0 || next === undefined ? 0 : now - Number(next.fields[3]);
}
