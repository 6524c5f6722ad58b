/** What Redis knows of blobs: which a run has taken, which are pending, which are garbage. */
import type { BlobIndex, BlobNote, CollectParams } from '../core/blobs.ts';
import type { ShardKeys } from './keys.ts';
import type { RedisParts } from './parts.ts';
import { collectBlobs } from './scripts/collect-blobs.ts';
import { dropBlobs } from './scripts/drop-blobs.ts';
import { noteBlobs } from './scripts/note-blobs.ts';

/** Addresses in one call of a script. */
const perCall = 500;

export class RedisBlobs implements BlobIndex {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async note(run: string, addresses: readonly string[]): Promise<void> {
    const { scripts, guard, keys } = this.#parts;
    for (const some of slices(addresses)) {
      await guard(() => scripts.call(noteBlobs, keys.of(run), { run, addresses: some }));
    }
  }

  async of(run: string): Promise<readonly string[]> {
    const { connection, guard, keys } = this.#parts;
    return guard(() => connection.smembers(keys.of(run).blobs(run)));
  }

  async drop(run: string, addresses: readonly string[]): Promise<void> {
    const { scripts, guard, keys } = this.#parts;
    for (const some of slices(addresses)) {
      await guard(() => scripts.call(dropBlobs, keys.of(run), { run, addresses: some }));
    }
  }

  async collect(params: CollectParams): Promise<readonly BlobNote[]> {
    const { scripts, guard, keys } = this.#parts;
    const found: BlobNote[] = [];
    for (const shard of keys.shards) {
      const limit = params.limit - found.length;
      if (limit <= 0) break;
      const some = await guard(() => scripts.call(collectBlobs, shard, { ...params, limit }));
      found.push(...some);
    }
    return found;
  }

  async collected(notes: readonly BlobNote[]): Promise<void> {
    const { connection, guard, keys } = this.#parts;
    const members = new Map<ShardKeys, string[]>();
    for (const { run, address } of notes) {
      const shard = keys.of(run);
      members.set(shard, [...(members.get(shard) ?? []), `${address} ${run}`]);
    }
    for (const [shard, some] of members) {
      await guard(() => connection.zrem(shard.blobsGarbage, ...some));
    }
  }
}

function slices(addresses: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(addresses.length / perCall) }, (_, i) =>
    addresses.slice(i * perCall, (i + 1) * perCall),
  );
}
