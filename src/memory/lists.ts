/** Pages of what a store in memory holds. */
import type { DeletionPage, DeletionQuery } from '../core/deletions.ts';
import type { ListParams, Lists, RunPage } from '../core/lists.ts';
import type { Deletions } from './deletions.ts';
import { listRuns } from './run-list.ts';
import type { StoredRun } from './stored-run.ts';

export class MemoryLists implements Lists {
  readonly #runs: ReadonlyMap<string, StoredRun>;
  readonly #deletions: Deletions;
  readonly #check: () => void;

  /** `open` throws when the store is closed. */
  constructor(runs: ReadonlyMap<string, StoredRun>, deletions: Deletions, open: () => void) {
    this.#runs = runs;
    this.#deletions = deletions;
    this.#check = open;
  }

  async runs(params: ListParams): Promise<RunPage> {
    this.#check();
    return listRuns([...this.#runs.values()], params);
  }

  async deletions(query: DeletionQuery): Promise<DeletionPage> {
    this.#check();
    return this.#deletions.list(query);
  }
}
