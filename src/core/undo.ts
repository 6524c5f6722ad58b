/**
 * What is to be undone when a run fails or is cancelled, as part of the fold's bookkeeping:
 *
 *   undo:<name>   UndoEntry: a step, or a visit of a node, has completed, and its code says how to undo it
 *   run:undo      UndoBegunData: the handler has ended for good, and its work is being undone, or was
 *
 * The undo of a step is a step itself, named `<name> › undo`. When that completes, the entry goes. An effect that is in
 * doubt stands here as well: it may have happened.
 */
import type { EffectState, StepResult } from './bookkeeping.ts';
import type { UndoBegunData, UndoFailedData } from './event.ts';

/** Something that is to be undone. */
export interface UndoEntry {
  readonly name: string;
  /** Where it completed: what came last is undone first. */
  readonly seq: number;
  /** The encoded result, where the step itself is forgotten. */
  readonly result?: Uint8Array;
  /** What a visit of a node was given, and has returned. */
  readonly visit?: unknown;
  /** Its undo has failed, or is not there; a person decides. */
  readonly failed?: Pick<UndoFailedData, 'attempts' | 'isMissing'>;
}

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

const suffix = ' › undo';
const prefix = 'undo:';

/** The name of the step that undoes a step. */
export function undoName(step: string): string {
  return step + suffix;
}

/** True for the undo of a step, and for what is inside of it. */
export function isOfUndo(name: string): boolean {
  return name.endsWith(suffix) || name.includes(`${suffix} › `);
}

/** The step that this one undoes. */
function undoneBy(name: string): string | undefined {
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}

function entryOf(fold: UndoFold, name: string): UndoEntry | undefined {
  return fold.bookkeeping.get(prefix + name) as UndoEntry | undefined;
}

/** A step has completed; `hasUndo`: its code says how to undo it. */
export function noteUndo(fold: UndoFold, name: string, hasUndo: boolean): void {
  const undone = undoneBy(name);
  if (undone !== undefined) {
    fold.remember(prefix + undone, undefined);
    fold.remember(`effect:${undone}`, undefined);
  }
  if (hasUndo) fold.remember(prefix + name, { name, seq: fold.seq + 1 } satisfies UndoEntry);
}

/** A visit of a node has completed. */
export function noteUndoOfNode(fold: UndoFold, name: string, visit: unknown): void {
  fold.remember(prefix + name, { name, seq: fold.seq + 1, visit } satisfies UndoEntry);
}

/** The step leaves the bookkeeping; what it needs to be undone stays. */
export function keepForUndo(fold: UndoFold, name: string): void {
  const entry = entryOf(fold, name);
  const step = fold.bookkeeping.get(`step:${name}`) as StepResult | undefined;
  if (entry === undefined || step?.status !== 'completed') return;
  fold.remember(prefix + name, { ...entry, result: step.result });
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

/** What events of undoing do to the bookkeeping. */
export const rememberedOfUndo: Readonly<Record<string, (fold: UndoFold, data: unknown) => void>> = {
  'undo.begun': (fold, data) => fold.remember('run:undo', data),
  'undo.failed': (fold, data) => {
    const { name, attempts, isMissing } = data as UndoFailedData;
    const failed = isMissing === true ? { attempts, isMissing } : { attempts };
    const entry = entryOf(fold, name);
    const effect = fold.bookkeeping.get(`effect:${name}`) as EffectState | undefined;
    if (entry !== undefined) fold.remember(prefix + name, { ...entry, failed });
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
