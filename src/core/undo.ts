/**
 * What is to be undone when a run fails or is cancelled, as part of the fold's bookkeeping:
 *
 *   undo:<name>     UndoEntry: a step, or a visit of a node, has completed, and its code says how to undo it
 *   undo:<map>:*    UndoEntry: one for all items of a map, where the last of them that has completed stands in the log
 *   run:undo        UndoBegunData: the handler has ended for good, and its work is being undone, or was
 *
 * The undo of a step is a step itself, named `<name> ›› undo`: no name of a user has that sign, and no nesting makes it.
 * When it completes, the entry goes, and nothing is kept of the undo: that the entry is gone says it. An effect in doubt
 * stands here as well: it may have happened.
 *
 * The undos of items come in reverse order, and each says which item it has undone. So the entry of a map needs one number
 * to know what is left of a hundred thousand items: their results are in pages anyway.
 */
import type { EffectState, StepResult } from './bookkeeping.ts';
import type { ItemMark, ItemToUndo, UndoBegunData, UndoEntry, UndoFailedData } from './event.ts';
import { itemResult, itemsPerPage, itemsState, nameOfAll } from './items.ts';

/** What is to be undone next. */
export interface PendingUndo extends UndoEntry {
  /** An effect that may have happened. */
  readonly isInDoubt: boolean;
}

type Bookkeeping = ReadonlyMap<string, unknown>;

/** The part of the fold that events of undoing change. */
interface UndoFold {
  readonly seq: number;
  readonly bookkeeping: Bookkeeping;
  remember(field: string, value: unknown): void;
}

const suffix = ' ›› undo';
const prefix = 'undo:';

/** The name of the step that undoes a step. */
export function undoName(step: string): string {
  return step + suffix;
}

/** True for the undo of a step, and for what is inside of it. */
export function isOfUndo(name: string): boolean {
  return name.includes(suffix);
}

/** True for the step that undoes a step. */
export function isUndo(name: string): boolean {
  return name.endsWith(suffix);
}

function entryOf(fold: Pick<UndoFold, 'bookkeeping'>, name: string): UndoEntry | undefined {
  return fold.bookkeeping.get(prefix + name) as UndoEntry | undefined;
}

/** A step, or an item of a map, has completed; `hasUndo`: its code says how to undo it. */
export function noteUndo(
  fold: UndoFold,
  name: string,
  { hasUndo, item, undoes }: { hasUndo?: true; item?: ItemMark; undoes?: ItemToUndo },
): void {
  const seq = fold.seq + 1;
  if (undoes !== undefined) {
    noteUndoneItem(fold, undoes);
  } else if (isUndo(name)) {
    const undone = name.slice(0, -suffix.length);
    fold.remember(prefix + undone, undefined);
    fold.remember(`effect:${undone}`, undefined);
  }
  if (hasUndo !== true) return;
  const entry: UndoEntry =
    item === undefined ? { name, seq } : { name: nameOfAll(item.of), seq, items: { of: item.of } };
  fold.remember(prefix + entry.name, entry);
}

function noteUndoneItem(fold: UndoFold, { of, at }: ItemToUndo): void {
  const entry = entryOf(fold, nameOfAll(of));
  if (entry === undefined) return;
  const { failed: _, ...rest } = entry;
  const next: UndoEntry = { ...rest, items: { of, from: at } };
  const isLeft = itemToUndo(fold.bookkeeping, next) !== undefined;
  fold.remember(prefix + entry.name, isLeft ? next : undefined);
}

/** The item of a map that is undone next: of those that have completed, the last one. */
export function itemToUndo(
  bookkeeping: Bookkeeping,
  { items }: Pick<UndoEntry, 'items'>,
): { readonly at: number; readonly result: Uint8Array } | undefined {
  if (items === undefined) return undefined;
  const { of, from = itemsState(bookkeeping, of).pages * itemsPerPage } = items;
  for (let at = from - 1; at >= 0; at--) {
    const result = itemResult(bookkeeping, of, at);
    if (result instanceof Uint8Array) return { at, result };
  }
  return undefined;
}

/** A visit of a node has completed. */
export function noteUndoOfNode(fold: UndoFold, name: string, visit: unknown): void {
  fold.remember(prefix + name, { name, seq: fold.seq + 1, visit } satisfies UndoEntry);
}

/**
 * The handler has passed a step, or a map, of this name, which leaves the bookkeeping; what it needs to be undone stays.
 * True when that is the results of a map.
 */
export function keepForUndo(fold: UndoFold, name: string): boolean {
  const entry = entryOf(fold, name);
  const step = fold.bookkeeping.get(`step:${name}`) as StepResult | undefined;
  if (entry !== undefined && step?.status === 'completed') {
    fold.remember(prefix + name, { ...entry, result: step.result, isForgotten: true });
  }
  const all = entryOf(fold, nameOfAll(name));
  if (all === undefined) return false;
  fold.remember(prefix + all.name, { ...all, isForgotten: true } satisfies UndoEntry);
  return true;
}

/** True for the name of a step, or of all items of a map, that was passed, and is still to be undone. */
export function isKeptForUndo(bookkeeping: Bookkeeping, name: string): boolean {
  return entryOf({ bookkeeping }, name)?.isForgotten === true;
}

/** What a step has returned that was passed: whoever asks how it is undone goes by it again. */
export function keptForUndo(
  bookkeeping: Bookkeeping,
  name: string,
): Extract<StepResult, { status: 'completed' }> | undefined {
  const { result, seq = 0 } = entryOf({ bookkeeping }, name) ?? {};
  return result === undefined ? undefined : { status: 'completed', result, seq };
}

/** All that is to be undone, what came last first. */
export function pendingUndos(bookkeeping: Bookkeeping): readonly PendingUndo[] {
  const pending: PendingUndo[] = [];
  for (const [field, value] of bookkeeping) {
    if (field.startsWith(prefix)) {
      pending.push({ ...(value as UndoEntry), isInDoubt: false });
    } else if (field.startsWith('effect:') && (value as EffectState).hasUndo === true) {
      const { name, begun, undoFailed: failed } = value as EffectState;
      if (bookkeeping.has(prefix + name)) continue;
      // It has not completed, so it comes before all that has; among such, in an order that is the same each time.
      pending.push({
        name,
        seq: Number.MAX_SAFE_INTEGER - begun,
        isInDoubt: true,
        ...(failed === undefined ? {} : { failed }),
      });
    }
  }
  return pending.sort((a, b) => b.seq - a.seq || (a.name < b.name ? 1 : -1));
}

/** What the undoing of a run began with; undefined while its handler is at work. */
export function undoing(bookkeeping: Bookkeeping): UndoBegunData | undefined {
  return bookkeeping.get('run:undo') as UndoBegunData | undefined;
}

/** What an owner remembers of an undoing, when Redis has come back with less of its run than it had acknowledged. */
export function undoBehind(
  bookkeeping: Bookkeeping,
  foundSeq: number,
): { readonly undo?: UndoBegunData; readonly toUndo?: readonly UndoEntry[] } {
  const undo = undoing(bookkeeping);
  if (undo === undefined) return {};
  const toUndo = pendingUndos(bookkeeping)
    .filter(({ isInDoubt, items, seq }) => !isInDoubt && items === undefined && seq > foundSeq)
    .map(({ isInDoubt: _, ...entry }): UndoEntry => {
      const step = bookkeeping.get(`step:${entry.name}`) as StepResult | undefined;
      return step?.status === 'completed' ? { ...entry, result: step.result } : entry;
    });
  return { undo, toUndo };
}

/** The run stays one that is being undone. */
export function rememberUndo(
  fold: UndoFold,
  { undo, toUndo = [] }: { readonly undo?: UndoBegunData; readonly toUndo?: readonly UndoEntry[] },
): void {
  if (undo === undefined) return;
  fold.remember('run:undo', undo);
  for (const entry of toUndo) {
    if (entryOf(fold, entry.name) === undefined) fold.remember(prefix + entry.name, entry);
  }
}

/** What events of undoing do to the bookkeeping. */
export const rememberedOfUndo: Readonly<Record<string, (fold: UndoFold, data: unknown) => void>> = {
  'undo.begun': (fold, data) => fold.remember('run:undo', data),
  'undo.failed': (fold, data) => {
    const { name, attempts, isMissing, item } = data as UndoFailedData;
    const failed = isMissing === true ? { attempts, isMissing } : { attempts };
    const entry = entryOf(fold, item === undefined ? name : nameOfAll(item.of));
    const effect = fold.bookkeeping.get(`effect:${name}`) as EffectState | undefined;
    if (entry !== undefined) fold.remember(prefix + entry.name, { ...entry, failed });
    else if (effect !== undefined) {
      fold.remember(`effect:${name}`, { ...effect, undoFailed: failed });
    }
    const undo = undoName(name);
    fold.remember(`step:${undo}`, undefined);
    fold.remember(`timer:${undo}`, undefined);
    // Each failure is a doubt of its own: an answer to one is no answer to the next.
    const known = fold.bookkeeping.get(`effect:${undo}`) as EffectState | undefined;
    const next: EffectState = { ...known, name: undo, begun: (known?.begun ?? 0) + 1 };
    fold.remember(`effect:${undo}`, next);
  },
};
