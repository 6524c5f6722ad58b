/**
 * Results of many items under one name: what the fold keeps of a map, and of children that are started together.
 *
 *   items:<name>       ItemsState: how many are over, and where in the log the last one is
 *   page:<name>:<n>    the results of a hundred items, by their places; null for one that is not over
 *
 * So a run of a hundred thousand items has a thousand fields here, a snapshot writes the few pages that have changed, and
 * nothing else is kept of an item that is over: no step, no timer, no child. Values are replaced, never changed in place:
 * the fold may have to take them back.
 */
import type { ErrorRecord } from './errors.ts';
import type { ItemMark } from './event.ts';

type Bookkeeping = ReadonlyMap<string, unknown>;

/** What this needs of a fold. */
interface ItemsFold {
  readonly bookkeeping: Bookkeeping;
  readonly seq: number;
  remember(field: string, value: unknown): void;
}

/** How an item has failed. */
export interface FailedItem {
  readonly error: ErrorRecord;
  readonly attempts: number;
  readonly about?: string;
}

/** The encoded result of an item, or how it has failed. */
export type ItemResult = Uint8Array | FailedItem;

export interface ItemsState {
  readonly completed: number;
  readonly failed: number;
  /** The item that failed first. */
  readonly failedFirst?: number;
  /** How many pages there may be. */
  readonly pages: number;
  /** The seq at which the last one of these was over. */
  readonly seq: number;
  /** No other one was to come then. */
  readonly over: boolean;
}

export type ItemPage = readonly (ItemResult | null)[];

export const itemsPerPage = 100;
const statePrefix = 'items:';
const pagePrefix = 'page:';
const none: ItemsState = { completed: 0, failed: 0, pages: 0, seq: 0, over: false };
const noPage: ItemPage = [];

/** What stands for all items of a name: a step of the very name is something else. */
export function nameOfAll(name: string): string {
  return `${name}:*`;
}

export function itemsState(bookkeeping: Bookkeeping, name: string): ItemsState {
  return (bookkeeping.get(statePrefix + name) as ItemsState | undefined) ?? none;
}

export function itemPage(bookkeeping: Bookkeeping, name: string, page: number): ItemPage {
  return (bookkeeping.get(`${pagePrefix}${name}:${page}`) as ItemPage | undefined) ?? noPage;
}

/** Undefined while the item is not over. */
export function itemResult(
  bookkeeping: Bookkeeping,
  name: string,
  at: number,
): ItemResult | undefined {
  const page = itemPage(bookkeeping, name, Math.floor(at / itemsPerPage));
  return page[at % itemsPerPage] ?? undefined;
}

/** Names that `ctx.forget` means, of items that are all over: a name that begins so, or whose items do. */
export function itemsBeginning(bookkeeping: Bookkeeping, prefix: string): string[] {
  return [...bookkeeping.keys()]
    .filter((field) => field.startsWith(statePrefix))
    .map((field) => field.slice(statePrefix.length))
    .filter((name) => `${name}:`.startsWith(prefix) || name.startsWith(prefix))
    .filter((name) => itemsState(bookkeeping, name).over);
}

/** Where in the log the items of this field of the bookkeeping were over, if it is one, and they are. */
export function overAt(field: string, value: unknown): number | undefined {
  if (!field.startsWith(statePrefix)) return undefined;
  const { seq, over } = value as ItemsState;
  return over ? seq : undefined;
}

/** An item is over with this event. */
export function rememberItem(fold: ItemsFold, mark: ItemMark, result: ItemResult): void {
  const { of, at, over = false } = mark;
  const n = Math.floor(at / itemsPerPage);
  const page = [...itemPage(fold.bookkeeping, of, n)];
  const place = at % itemsPerPage;
  while (page.length <= place) page.push(null);
  page[place] = result;
  fold.remember(`${pagePrefix}${of}:${n}`, page);
  const { completed, failed, failedFirst, pages } = itemsState(fold.bookkeeping, of);
  const isFailed = !(result instanceof Uint8Array);
  const first = failedFirst ?? (isFailed ? at : undefined);
  const state: ItemsState = {
    completed: completed + (isFailed ? 0 : 1),
    failed: failed + (isFailed ? 1 : 0),
    ...(first === undefined ? {} : { failedFirst: first }),
    pages: Math.max(pages, n + 1),
    seq: fold.seq + 1,
    over,
  };
  fold.remember(statePrefix + of, state);
}

/** The handler has passed all items of this name. */
export function forgetItems(fold: ItemsFold, name: string): void {
  const { pages } = itemsState(fold.bookkeeping, name);
  for (let n = 0; n < pages; n++) fold.remember(`${pagePrefix}${name}:${n}`, undefined);
  fold.remember(statePrefix + name, undefined);
}

/** Items that have failed are tried again. `fields`: of the bookkeeping, as far as they are meant. */
export function forgetFailedItems(fold: ItemsFold, fields: Iterable<string>): void {
  for (const field of fields) {
    const value = fold.bookkeeping.get(field);
    if (field.startsWith(pagePrefix)) {
      const page = value as ItemPage;
      if (page.some(isFailedItem)) {
        fold.remember(
          field,
          page.map((one) => (isFailedItem(one) ? null : one)),
        );
      }
    } else if (field.startsWith(statePrefix)) {
      const { failed, failedFirst: _, ...state } = value as ItemsState;
      if (failed > 0) fold.remember(field, { ...state, failed: 0, over: false });
    }
  }
}

function isFailedItem(one: ItemResult | null): one is FailedItem {
  return one !== null && !(one instanceof Uint8Array);
}
