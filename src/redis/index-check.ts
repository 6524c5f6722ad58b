/**
 * Whether the indexes say what the records say, and their repair.
 *
 * A run's record and its index entries change in one script, so they differ only where somebody else wrote: a person with
 * redis-cli, an import of half a dump. Each run is judged in one script too, so that a run that is at work, or made or
 * deleted in this moment, never seems damaged.
 *
 * A repair is one script per run. It reads the record and writes index entries by it: fence, owner, log and state are not
 * touched, so the worker that holds the run goes on. After a crash each run is either repaired or as it was; begin again.
 */
import type { Damage, KindSize } from '../core/doctor.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { runStatuses } from '../core/run.ts';
import type { Connection } from './connection.ts';
import type { Keys, ShardKeys } from './keys.ts';
import { ScriptCalls } from './script-calls.ts';
import { removeRemains } from './scripts/remove-remains.ts';
import { reindex } from './scripts/reindex.ts';
import { checkIndex } from './scripts/check-index.ts';
import { unindex } from './scripts/unindex.ts';
import { compareSizes } from './store-health.ts';

export interface IndexCheckOptions {
  /** Looks at every run and every key, else at some of each index. */
  readonly full: boolean;
  readonly repair: boolean;
  /** How many of each index are looked at when not all are. */
  readonly sample: number;
}

export interface IndexReport {
  /** Runs that were looked at. */
  readonly looked: number;
  readonly damage: readonly Damage[];
  /** Of shards: what the sizes of indexes say without a look at single runs. */
  readonly mismatches: readonly string[];
  /** By kind, with `full`; undefined when this user may not look at all keys. */
  readonly kinds: Readonly<Record<string, KindSize>> | undefined;
}

/** Of one page of SCAN, and the pause after it: others use this Redis. */
const pageKeys = 500;
const pauseMs = 2;
const measuredPerKind = 50;
/** Indexes of which there is one for each name. */
const namedBy = new Set(['by-workflow', 'by-tag', 'by-key', 'by-parent', 'by-wait']);
const runKinds = new Set([
  'run',
  'payload',
  'events',
  'snapshot',
  'inbox',
  'seen',
  'checkpoints',
  'preserved',
]);

export class IndexCheck {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #scripts: ScriptCalls;
  readonly #options: IndexCheckOptions;
  readonly #looked = new Set<string>();
  readonly #damage = new Map<string, Damage>();
  readonly #kinds = new Map<string, { keys: number; measured: number; bytes: number }>();

  constructor(connection: Connection, keys: Keys, options: IndexCheckOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#scripts = new ScriptCalls(connection);
    this.#options = options;
  }

  async run(): Promise<IndexReport> {
    const mismatches: string[] = [];
    let sawAllKeys = this.#options.full;
    for (const shard of this.#keys.shards) {
      for (const index of this.#namedIndexes(shard)) {
        for await (const ids of this.#members(index)) await this.#checkAll(shard, ids);
      }
      for await (const ids of this.#holdings(shard)) await this.#checkAll(shard, ids);
      if (this.#options.full) sawAllKeys = (await this.#checkKeys(shard)) && sawAllKeys;
      const mismatch = await compareSizes(this.#connection, shard);
      if (mismatch !== undefined) mismatches.push(mismatch);
    }
    const kinds = Object.fromEntries([...this.#kinds].map(([kind, size]) => [kind, toSize(size)]));
    return {
      looked: this.#looked.size,
      damage: [...this.#damage.values()],
      mismatches,
      kinds: sawAllKeys ? kinds : undefined,
    };
  }

  /** Indexes whose names are known beforehand. */
  #namedIndexes(shard: ShardKeys): readonly string[] {
    const { runs, ids, due, unmanaged } = shard;
    return [runs, ids, due, unmanaged, ...runStatuses.map((status) => shard.byStatus(status))];
  }

  /** The ids of an index: all of them in pages, or the ends of it. */
  async *#members(index: string): AsyncGenerator<readonly string[]> {
    const { full, sample } = this.#options;
    if (!full) {
      const half = Math.ceil(sample / 2);
      yield await this.#connection.zrange(index, '0', String(half - 1));
      yield await this.#connection.zrange(index, String(-half), '-1');
      return;
    }
    // Ranks move while runs come and go; the walk over all keys finds runs that slip through.
    for (let from = 0; ; from += pageKeys) {
      const ids = await this.#connection.zrange(index, String(from), String(from + pageKeys - 1));
      if (ids.length === 0) return;
      yield ids;
      await sleep(pauseMs);
    }
  }

  /** What workers hold, by the sets; an entry that its record does not back is damage by itself. */
  async *#holdings(shard: ShardKeys): AsyncGenerator<readonly string[]> {
    for (const worker of await this.#connection.smembers(shard.holders)) {
      const ids = await this.#connection.smembers(shard.held(worker));
      await this.#judgeEntries(shard, ids, { kind: 'held', name: worker });
      yield this.#options.full ? ids : ids.slice(0, this.#options.sample);
    }
  }

  async #checkAll(shard: ShardKeys, ids: readonly string[]): Promise<void> {
    const fresh = ids.filter((id) => !this.#looked.has(id));
    for (const id of fresh) this.#looked.add(id);
    await Promise.all(fresh.map((id) => this.#pollAt(shard, id)));
  }

  async #pollAt(shard: ShardKeys, id: string): Promise<void> {
    const problems = await this.#check(shard, id);
    if (problems.length === 0) return;
    if (this.#options.repair) await this.#scripts.call(reindex, shard, id);
    const left = this.#options.repair ? await this.#check(shard, id) : problems;
    this.#note(id, problems, left.length === 0);
  }

  async #check(shard: ShardKeys, id: string): Promise<readonly string[]> {
    return this.#scripts.call(checkIndex, shard, id);
  }

  /** Entries of an index that only its own name leads to. */
  async #judgeEntries(
    shard: ShardKeys,
    ids: readonly string[],
    { kind, name }: { readonly kind: string; readonly name: string },
  ): Promise<void> {
    const { repair } = this.#options;
    await Promise.all(
      ids.map(async (run) => {
        const isWrong = await this.#scripts.call(unindex, shard, { run, kind, name, repair });
        if (isWrong) this.#note(run, [`wrongly in ${kind}:${name}`], repair);
      }),
    );
  }

  /** Every key of the shard, by SCAN. False where this user may not. */
  async #checkKeys(shard: ShardKeys): Promise<boolean> {
    const nodes =
      this.#connection instanceof Cluster ? this.#connection.nodes('master') : [this.#connection];
    for (const node of nodes) {
      let cursor = '0';
      do {
        const page = await node
          .scan(cursor, 'MATCH', `${shard.base}*`, 'COUNT', pageKeys)
          .catch((error: Error) => {
            if (error.message.startsWith('NOPERM')) return undefined;
            throw error;
          });
        if (page === undefined) return false;
        for (const key of page[1]) await this.#checkKey(shard, key);
        cursor = page[0];
        await sleep(pauseMs);
      } while (cursor !== '0');
    }
    return true;
  }

  async #checkKey(shard: ShardKeys, key: string): Promise<void> {
    const [kind = '', ...rest] = key.slice(shard.base.length).split(':');
    const name = rest.join(':');
    await this.#measure(kind, key);
    if (namedBy.has(kind)) {
      for await (const ids of this.#members(key)) {
        await this.#judgeEntries(shard, ids, { kind, name });
        await this.#checkAll(shard, ids);
      }
    } else if (kind === 'held' || kind === 'parked') {
      await this.#judgeEntries(shard, await this.#connection.smembers(key), { kind, name });
    } else if (kind === 'run') {
      await this.#checkAll(shard, [name]);
    } else if (runKinds.has(kind)) {
      await this.#judgeKeys(shard, name);
    }
  }

  /** What is left of a run that has no record. */
  async #judgeKeys(shard: ShardKeys, id: string): Promise<void> {
    const { repair } = this.#options;
    const left = await this.#scripts.call(removeRemains, shard, { run: id, repair });
    if (left > 0) this.#note(id, [`${left} keys without a record`], repair);
  }

  #note(run: string, problems: readonly string[], repaired: boolean): void {
    const known = this.#damage.get(run);
    this.#damage.set(run, {
      run,
      problems: [...new Set([...(known?.problems ?? []), ...problems])],
      repaired: repaired && known?.repaired !== false,
    });
  }

  async #measure(kind: string, key: string): Promise<void> {
    const size = this.#kinds.get(kind) ?? { keys: 0, measured: 0, bytes: 0 };
    this.#kinds.set(kind, size);
    size.keys += 1;
    if (size.keys > measuredPerKind) return;
    const bytes = await this.#connection.memory('USAGE', key).catch(() => null);
    if (bytes === null) return;
    size.measured += 1;
    size.bytes += bytes;
  }
}

function toSize({
  keys,
  measured,
  bytes,
}: {
  keys: number;
  measured: number;
  bytes: number;
}): KindSize {
  return { keys, bytes: measured === 0 ? undefined : Math.round((bytes / measured) * keys) };
}
