/** Threads of LangGraph in Redis: all of a thread, and its run, in one slot. */
import type {
  ExpiredThread,
  HoldOutcome,
  HoldParams,
  LoadedCheckpoint,
  PutOutcome,
  PutParams,
  ThreadCopy,
  ThreadPage,
  ThreadPlace,
  ThreadStore,
  ThreadValue,
  ThreadWriteOutcome,
  WriteParams,
} from '../core/langgraph.ts';
import type { RedisParts } from './parts.ts';
import { deleteRun } from './scripts/delete.ts';
import { langgraphCopy } from './scripts/langgraph-copy.ts';
import { langgraphDrop } from './scripts/langgraph-drop.ts';
import { langgraphExpired } from './scripts/langgraph-expired.ts';
import { langgraphHold } from './scripts/langgraph-hold.ts';
import { langgraphLoad } from './scripts/langgraph-load.ts';
import { langgraphPage } from './scripts/langgraph-page.ts';
import { langgraphPut } from './scripts/langgraph-put.ts';
import { langgraphWrite } from './scripts/langgraph-write.ts';
import { agreed } from './shards.ts';

const threadsPerPage = 100;

export class RedisThreads implements ThreadStore {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async put(params: PutParams): Promise<PutOutcome> {
    const { connection, keys, scripts, guard } = this.#parts;
    const shards = keys.shards.length;
    return guard(() =>
      agreed(connection, keys, (sure) =>
        scripts.call(langgraphPut, keys.of(params.run), { ...params, shards, sure }),
      ),
    );
  }

  async write(params: WriteParams): Promise<ThreadWriteOutcome> {
    const { keys, scripts, guard } = this.#parts;
    return guard(() => scripts.call(langgraphWrite, keys.of(params.run), params));
  }

  async hold(params: HoldParams): Promise<HoldOutcome> {
    const { connection, keys, scripts, guard } = this.#parts;
    const shards = keys.shards.length;
    return guard(() =>
      agreed(connection, keys, (sure) =>
        scripts.call(langgraphHold, keys.of(params.run), { ...params, shards, sure }),
      ),
    );
  }

  async holder(run: string): Promise<string | undefined> {
    const { connection, keys, guard } = this.#parts;
    return (await guard(() => connection.hget(keys.of(run).run(run), 'heldBy'))) ?? undefined;
  }

  async load(
    place: Omit<ThreadPlace, 'checkpoint'> & { readonly checkpoint: string | undefined },
  ): Promise<LoadedCheckpoint | { readonly birth: string | undefined }> {
    const { keys, scripts, guard } = this.#parts;
    return guard(() => scripts.call(langgraphLoad, keys.of(place.run), place));
  }

  async channels(
    run: string,
    at: { readonly namespace: string; readonly checkpoint: string | undefined },
  ): Promise<ReadonlyMap<string, ThreadValue> | undefined> {
    const found = await this.load({ run, ...at });
    if (!('body' in found)) return undefined;
    const values = Object.entries(found.channels).flatMap(
      ([channel, [, key]]): [string, ThreadValue][] => {
        const bytes = found.values.get(key);
        return bytes === undefined ? [] : [[channel, { key, bytes }]];
      },
    );
    return new Map(values);
  }

  async page(params: Parameters<ThreadStore['page']>[0]): Promise<ThreadPage> {
    const { keys, scripts, guard } = this.#parts;
    return guard(() => scripts.call(langgraphPage, keys.of(params.run), params));
  }

  async *threads(): AsyncGenerator<readonly string[], void, undefined> {
    const { connection, keys, guard } = this.#parts;
    for (const { langgraph } of keys.shards) {
      for (let after = '-'; ;) {
        const page = await guard(() =>
          connection.zrangebylex(langgraph, after, '+', 'LIMIT', 0, threadsPerPage),
        );
        yield page;
        const last = page.at(-1);
        if (last === undefined || page.length < threadsPerPage) break;
        after = `(${last}`;
      }
    }
  }

  async drop(params: Parameters<ThreadStore['drop']>[0]): Promise<boolean> {
    const { keys, scripts, guard } = this.#parts;
    return guard(() => scripts.call(langgraphDrop, keys.of(params.run), params));
  }

  async copy(params: ThreadCopy): Promise<boolean> {
    const { connection, keys, scripts, guard } = this.#parts;
    const shards = keys.shards.length;
    const { isCopied } = await guard(() =>
      agreed(connection, keys, (sure) =>
        scripts.call(langgraphCopy, keys.of(params.run), { ...params, shards, sure }),
      ),
    );
    return isCopied;
  }

  async delete(run: string, seen?: { readonly seq: number }): Promise<boolean> {
    const { keys, scripts, guard } = this.#parts;
    const unchanged = seen && { status: 'queued' as const, fence: 0, seq: seen.seq };
    const call = { run, data: undefined, seen: unchanged };
    const { outcome } = await guard(() => scripts.call(deleteRun, keys.of(run), call));
    return outcome === 'deleted';
  }

  async expired(limit: number): Promise<readonly ExpiredThread[]> {
    const { keys, scripts, guard } = this.#parts;
    const found = await Promise.all(
      keys.shards.map((shard) => guard(() => scripts.call(langgraphExpired, shard, limit))),
    );
    return found.flat();
  }
}
