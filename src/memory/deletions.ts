/** What is kept of deleted runs. */
import {
  type DeletionPage,
  type DeletionQuery,
  type DeletionRecord,
  deletionsKept,
  toDeletionPage,
} from '../core/deletions.ts';
import { checkPageLimit } from '../core/names.ts';
import { copy, type StoredRun } from './stored-run.ts';

export class Deletions {
  readonly #kept: DeletionRecord[] = [];

  add({ id: run, workflow }: StoredRun, data: Uint8Array, at: number): void {
    const before = this.#kept.at(-1);
    const number = before?.at === at ? Number(before.id.split('-')[1]) + 1 : 0;
    this.#kept.push({ id: `${at}-${number}`, run, workflow, at, data: copy(data) });
    if (this.#kept.length > deletionsKept) this.#kept.shift();
  }

  list(query: DeletionQuery): DeletionPage {
    checkPageLimit(query.limit);
    return toDeletionPage(this.#kept, query);
  }
}
