/** The results of many items as they are given to a handler: kept encoded, and decoded a page at a time. */
import { decode } from '../../core/codec.ts';
import { reviveError } from '../../core/error-record.ts';
import {
  type ItemPage,
  itemPage,
  type ItemResult,
  itemsPerPage,
  itemsState,
} from '../../core/items.ts';
import type { Results, Settled } from '../definition/many.ts';
import { stepFailure } from './step-names.ts';

interface About {
  readonly run: string;
  readonly name: string;
  readonly count: number;
}

export class ItemResults implements Results {
  readonly length: number;
  readonly completed: number;
  readonly failed: number;
  readonly #about: About;
  /** Values that nobody changes: the fold replaces them. */
  readonly #pages: readonly ItemPage[];
  readonly #failedFirst: number | undefined;

  private constructor(
    about: About,
    pages: readonly ItemPage[],
    counts: Pick<ItemResults, 'completed' | 'failed'> & { readonly failedFirst?: number },
  ) {
    this.#about = about;
    this.#pages = pages;
    this.#failedFirst = counts.failedFirst;
    this.length = about.count;
    this.completed = counts.completed;
    this.failed = counts.failed;
  }

  static of(bookkeeping: ReadonlyMap<string, unknown>, about: About): ItemResults {
    const pages = Array.from({ length: Math.ceil(about.count / itemsPerPage) }, (_, n) =>
      itemPage(bookkeeping, about.name, n),
    );
    return new ItemResults(about, pages, itemsState(bookkeeping, about.name));
  }

  at(index: number): Settled | undefined {
    const result = this.#resultAt(index);
    return result === undefined ? undefined : this.#settled(index, result);
  }

  *[Symbol.iterator](): IterableIterator<Settled> {
    for (let index = 0; index < this.length; index++) {
      const settled = this.at(index);
      if (settled !== undefined) yield settled;
    }
  }

  *failures(): IterableIterator<Extract<Settled, { status: 'failed' }>> {
    for (const [n, page] of this.#pages.entries()) {
      for (const [i, result] of page.entries()) {
        if (result === null || result instanceof Uint8Array) continue;
        const settled = this.#settled(n * itemsPerPage + i, result);
        if (settled.status === 'failed') yield settled;
      }
    }
  }

  /** All values, in the order of the items. @throws the failure of the item that failed first. */
  values(): unknown[] {
    if (this.#failedFirst !== undefined) {
      const settled = this.at(this.#failedFirst);
      if (settled?.status === 'failed') throw settled.error;
    }
    return Array.from({ length: this.length }, (_, index) => {
      const settled = this.at(index);
      return settled?.status === 'completed' ? settled.value : undefined;
    });
  }

  #resultAt(index: number): ItemResult | undefined {
    const page = this.#pages[Math.floor(index / itemsPerPage)];
    return page?.[index % itemsPerPage] ?? undefined;
  }

  #settled(index: number, result: ItemResult): Settled {
    const { run, name } = this.#about;
    const item = `${name}:${index}`;
    if (result instanceof Uint8Array) {
      return { index, status: 'completed', value: decode(result, { key: `run ${run}, ${item}` }) };
    }
    const error = stepFailure(run, item, result, reviveError(result.error));
    return { index, status: 'failed', error };
  }
}
