/**
 * What the workers lost, and who is to leave.
 *
 * Each shard has a capped stream of what was lost: one entry by the script that takes a run from a worker, another one by
 * the claim that takes it over, in the same steps that change the run. Here the two become one. That a worker is to leave
 * stands in its hash, so that a lost message costs it no more than the time to its next beat.
 */
import type { InterruptReason } from '../core/event.ts';
import type { Fleet, Recovery } from '../core/fleet.ts';
import type { Connection } from './connection.ts';
import { type Entry, Fields } from './fields.ts';
import type { Keys } from './keys.ts';
import type { Scripts } from './scripts.ts';
import type { Sessions } from './sessions.ts';

export interface FleetParts {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly scripts: Scripts;
  readonly sessions: Sessions;
  /** Turns what goes wrong into faults. */
  readonly run: <T>(call: () => Promise<T>) => Promise<T>;
}

export class RedisFleet implements Fleet {
  readonly #parts: FleetParts;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  async recoveries(limit: number): Promise<readonly Recovery[]> {
    const { connection, keys, run } = this.#parts;
    const shards = await run(() =>
      Promise.all(
        keys.shards.map(async ({ recoveries: key }) => {
          // A recovery has two entries at most.
          const entries = await connection.xrevrangeBuffer(key, '+', '-', 'COUNT', 2 * limit);
          return joined(key, entries);
        }),
      ),
    );
    return shards
      .flat()
      .sort((a, b) => b.at - a.at)
      .slice(0, limit);
  }

  registered(): Promise<readonly string[]> {
    return this.#parts.run(() => this.#parts.sessions.registered());
  }

  alive(): Promise<number> {
    return this.#parts.run(() => this.#parts.sessions.alive());
  }

  async unproven(worker: string): Promise<readonly string[]> {
    const { keys, scripts, run } = this.#parts;
    const found: string[] = [];
    for (const shard of keys.shards) {
      const reply = await run(() => scripts.unproven(shard, worker, unprovenMax - found.length));
      found.push(...reply.map(String));
      if (found.length >= unprovenMax) break;
    }
    return found;
  }

  async drain(worker: string): Promise<boolean> {
    const { connection, keys, scripts, run } = this.#parts;
    const [outcome] = await run(() => scripts.drain(worker));
    if (String(outcome) !== 'draining') return false;
    const [first] = keys.shards;
    if (first !== undefined) await run(() => connection.spublish(first.asked(worker), ''));
    return true;
  }
}

/** Two are as good as many: neither is evidence against itself. */
const unprovenMax = 2;

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
