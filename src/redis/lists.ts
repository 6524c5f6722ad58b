/** Pages of what a store on Redis holds. */
import type { DeletionPage, DeletionQuery } from '../core/deletions.ts';
import type { ListParams, Lists, RunPage } from '../core/lists.ts';
import { listDeletions } from './deletions.ts';
import type { RedisParts } from './parts.ts';
import { listRuns } from './run-list.ts';

export class RedisLists implements Lists {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async runs(params: ListParams): Promise<RunPage> {
    return this.#parts.guard(() => listRuns(this.#parts, params));
  }

  async deletions(query: DeletionQuery): Promise<DeletionPage> {
    const { connection, keys, guard } = this.#parts;
    return guard(() => listDeletions(connection, keys, query));
  }
}
