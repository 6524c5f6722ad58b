/** The census as Redis takes it: one script for each shard, each atomic for itself. */
import { addUp, byStatus, type Census } from '../core/census.ts';
import type { Reply } from './arguments.ts';
import type { Keys } from './keys.ts';
import type { Scripts } from './scripts.ts';

export async function takeCensus(scripts: Scripts, { shards }: Keys): Promise<Census> {
  return addUp(
    await Promise.all(shards.map(async (shard) => toCensus(await scripts.census(shard)))),
  );
}

function toCensus(reply: Reply): Census {
  const [overdue = 0, overdueMs = 0, waitingMs = 0, ...runs] = reply.map(Number);
  return { runs: byStatus((_, place) => runs[place] ?? 0), overdue, overdueMs, waitingMs };
}
