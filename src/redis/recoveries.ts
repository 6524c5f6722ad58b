/**
 * What the workers lost. Each shard has a capped stream of it: one entry by the script that takes a run from a worker,
 * another one by the claim that takes it over, in the same steps that change the run. Here the two become one.
 */
import type { InterruptReason } from '../core/event.ts';
import type { Recovery } from '../core/fleet.ts';
import type { Connection } from './connection.ts';
import { type Entry, Fields } from './fields.ts';
import type { Keys } from './keys.ts';

/** Of all shards, the newest first. */
export async function listRecoveries(
  connection: Connection,
  keys: Keys,
  limit: number,
): Promise<readonly Recovery[]> {
  const shards = await Promise.all(
    keys.shards.map(async ({ recoveries: key }) => {
      // A recovery has two entries at most.
      const entries = await connection.xrevrangeBuffer(key, '+', '-', 'COUNT', 2 * limit);
      return joined(key, entries);
    }),
  );
  return shards
    .flat()
    .sort((a, b) => b.at - a.at)
    .slice(0, limit);
}

/** Entries from new to old: the claim of a run comes before its loss, and knows all of it. */
function joined(key: string, entries: readonly Entry[]): Recovery[] {
  const known = new Set<string>();
  return entries.flatMap(([, values]) => {
    const fields = new Fields(key, values);
    const recovery = toRecovery(fields);
    const name = `${recovery.run} ${recovery.at}`;
    if (known.has(name)) return [];
    known.add(name);
    return [recovery];
  });
}

function toRecovery(fields: Fields): Recovery {
  const worker = fields.text('worker');
  return {
    run: fields.text('run') ?? '',
    workflow: fields.text('workflow') ?? '',
    from: fields.text('lostBy') ?? '',
    reason: fields.text('reason') as InterruptReason,
    at: fields.number('lostAt'),
    detectMs: fields.number('detectMs'),
    quarantined: fields.text('status') === 'quarantined',
    ...(worker === undefined ? {} : { worker, claimMs: fields.number('claimMs') }),
  };
}
