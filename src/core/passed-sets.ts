/**
 * The changes of the state that a handler has asked for outside of its steps, as part of the fold's bookkeeping:
 *
 *   sets:count       number: of all of them
 *   sets:0 … sets:7  PassedSet[]: the last ones, in pieces that take turns, so that a snapshot writes one small piece
 *
 * A handler that is called again asks for them again: see `engine/execution/passed-sets.ts`. What was right before a
 * step that is forgotten is forgotten with it.
 */

import { knownSeqs } from './known-results.ts';

/** As many are remembered as the handlers of most runs will ever ask for: at least 224, at most 256. */
const pieceSize = 32;
const pieces = 8;

/** A change of the state by its handler: where the log has it, and what it is known by. */
export type PassedSet = readonly [seq: number, mark: string];

type Bookkeeping = ReadonlyMap<string, unknown>;

/** The part of the fold that remembers them. */
interface RememberingFold {
  readonly seq: number;
  readonly bookkeeping: Bookkeeping;
  remember(field: string, value: unknown): void;
}

const count = 'sets:count';

function pieceOf(bookkeeping: Bookkeeping, at: number): readonly PassedSet[] {
  return (bookkeeping.get(`sets:${at}`) as readonly PassedSet[] | undefined) ?? [];
}

/** All that are remembered, in the order of the log. */
export function passedSets(bookkeeping: Bookkeeping): readonly PassedSet[] {
  if (!bookkeeping.has(count)) return [];
  const all = Array.from({ length: pieces }, (_, at) => pieceOf(bookkeeping, at)).flat();
  return all.sort(([a], [b]) => a - b);
}

/** Of the event that the fold takes now. */
export function notePassed(fold: RememberingFold, mark: string): void {
  const before = (fold.bookkeeping.get(count) as number | undefined) ?? 0;
  const at = Math.floor(before / pieceSize) % pieces;
  const piece = before % pieceSize === 0 ? [] : pieceOf(fold.bookkeeping, at);
  fold.remember(`sets:${at}`, [...piece, [fold.seq + 1, mark]]);
  fold.remember(count, before + 1);
}

/**
 * The handler does not ask for the result at `end` again, so it does not ask for what was between the result before and this
 * one. What was before a result that is kept it passes again.
 */
export function forgetPassed(fold: RememberingFold, end: number): void {
  if (!fold.bookkeeping.has(count)) return;
  const before = knownSeqs(fold.bookkeeping).filter((seq) => seq < end);
  const from = before.reduce((a, b) => Math.max(a, b), 0);
  for (let at = 0; at < pieces; at++) {
    const piece = pieceOf(fold.bookkeeping, at);
    const left = piece.filter(([seq]) => seq <= from || seq > end);
    if (left.length === piece.length) continue;
    fold.remember(`sets:${at}`, left.length === 0 ? undefined : left);
  }
}

/** One field of them with other places in a log, as another run inherits it. */
export function placedAnew(field: unknown, place: (seq: number) => number): unknown {
  if (!Array.isArray(field)) return field;
  return (field as readonly PassedSet[]).map(([seq, mark]) => [place(seq), mark]);
}
