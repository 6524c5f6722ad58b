/**
 * Many items under one name, a bounded number of them at a time: the items of a map, and children that are started together.
 *
 *   not over ──begun by a loop──▶ its step, or its child, ends ──one commit──▶ over: only its result is kept, in a page
 *
 * The event that ends an item says which item it is, so that the fold puts its result into a page and keeps nothing else of
 * it: see `core/items.ts`. On a resume, items that are over are passed by without a word; the others are begun again, and
 * find what is stored of them. The event of the last one says that all are over: there, in the order of the log, the
 * handler learns the results. What an item before it did is nobody's to see, so that it needs no turn of its own.
 *
 * With `stops`, none is begun after one has failed, and those at work finish first. A crash between the failure and the end
 * of those leaves items that are not over: the next execution begins none of them either.
 */
import { itemResult, itemsState, nameOfAll } from '../../core/items.ts';
import type { ItemMark } from '../../core/event.ts';
import { ItemResults } from './item-results.ts';
import type { RunScope } from './scope.ts';

export interface ManyItems {
  /** With the prefix of the place where it was asked for. */
  readonly name: string;
  readonly count: number;
  readonly concurrency?: number | undefined;
  /** None is begun after one has failed. */
  readonly stops: boolean;
}

/** One item, for whoever writes the event that ends it. */
export interface Item {
  readonly of: string;
  readonly at: number;
  /** To be asked right before the event is submitted: whether any other item is to come depends on how this one ends. */
  readonly mark: (isFailed: boolean) => ItemMark;
}

/** Told whenever one more is over. */
export type OnItem = (name: string, over: number, count: number) => void;

/** At work at one time, when nobody says how many. */
const concurrencyDefault = 1_000;

export class Items {
  readonly #scope: RunScope;
  readonly #onItem: OnItem;

  constructor(scope: RunScope, onItem: OnItem) {
    this.#scope = scope;
    this.#onItem = onItem;
  }

  /** `begin` does what an item is about; it resolves when the item is over, also when that has failed. */
  async each(many: ManyItems, begin: (item: Item) => Promise<unknown>): Promise<ItemResults> {
    const { fold, names, deliveries, run } = this.#scope;
    const { name, count, stops } = many;
    const isKnown = (at: number): boolean => itemResult(fold.bookkeeping, name, at) !== undefined;
    const mayBegin = (): boolean => !(stops && itemsState(fold.bookkeeping, name).failed > 0);
    names.reserve(nameOfAll(name), itemsState(fold.bookkeeping, name).pages === 0);
    const isOver = count === 0 || itemsState(fold.bookkeeping, name).over;
    if (this.#scope.isUndoing && !isOver) await this.#holdBack();
    const open = new Set<number>();
    let begun = 0;
    let next = 0;
    let broken: { readonly error: unknown } | undefined;
    const mark = (at: number, isFailed: boolean): ItemMark => {
      open.delete(at);
      const { completed, failed } = itemsState(fold.bookkeeping, name);
      const isLast = completed + failed + 1 === count || (stops && (isFailed || failed > 0));
      return { of: name, at, ...(isLast && open.size === 0 ? { over: true } : {}) };
    };
    const loop = async (): Promise<void> => {
      while (next < count && broken === undefined && mayBegin()) {
        const at = next;
        next += 1;
        if (isKnown(at)) continue;
        open.add(at);
        begun += 1;
        try {
          await begin({ of: name, at, mark: (isFailed) => mark(at, isFailed) });
          const { completed, failed } = itemsState(fold.bookkeeping, name);
          this.#onItem(name, completed + failed, count);
        } catch (error) {
          // It is not over: the run is being cancelled, or the item was asked for in a wrong way.
          open.delete(at);
          broken ??= { error };
        }
      }
    };
    const loops = Math.min(many.concurrency ?? concurrencyDefault, count);
    await Promise.all(Array.from({ length: loops }, loop));
    if (broken !== undefined) throw broken.error;
    if (begun === 0 && count > 0) {
      deliveries.asked();
      await deliveries.turn(itemsState(fold.bookkeeping, name).seq);
    }
    return ItemResults.of(fold.bookkeeping, { run, name, count });
  }

  /** While the run is undone, no other item is begun. */
  async #holdBack(): Promise<void> {
    const { deliveries, undos } = this.#scope;
    deliveries.asked();
    deliveries.schedule();
    try {
      await undos.holdBack();
    } finally {
      deliveries.answered();
    }
  }
}
