/**
 * The changes of the state that a handler has asked for outside of its steps, as part of the fold's bookkeeping:
 *
 *   sets:count       number: of all of them
 *   sets:0 … sets:7  PassedSet[]: the last ones, in pieces that take turns, so that a snapshot writes one small piece
 *
 * A handler that is called again asks for them again: see `engine/execution/passed-sets.ts`. A change follows from the
 * result that the handler was given before it. When that result is forgotten, the handler does not get it again, so it does
 * not ask for the change again, and the change is forgotten as well.
 */

import { knownSeqs } from './known-results.ts';

/** As many are remembered as the handlers of most runs will ever ask for: at least 224, at most 256. */
const pieceSize = 32;
const pieces = 8;

/** A change of the state by its handler: where the log has it, what it is known by, and which result it follows from. */
export type PassedSet = readonly [seq: number, mark: string, follows: number];

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
export function notePassed(fold: RememberingFold, mark: string, follows: number): void {
  const before = (fold.bookkeeping.get(count) as number | undefined) ?? 0;
  const at = Math.floor(before / pieceSize) % pieces;
  const piece = before % pieceSize === 0 ? [] : pieceOf(fold.bookkeeping, at);
  fold.remember(`sets:${at}`, [...piece, [fold.seq + 1, mark, follows]]);
  fold.remember(count, before + 1);
}

/**
 * The handler does not ask for the result at `over` again, so it does not come by what follows from it. A change that
 * follows from an earlier forgotten result, and comes before this one, belongs to the round of a loop that is over now.
 */
export function forgetPassed(fold: RememberingFold, over: number): void {
  if (!fold.bookkeeping.has(count)) return;
  const known = new Set(knownSeqs(fold.bookkeeping));
  for (let at = 0; at < pieces; at++) {
    const piece = pieceOf(fold.bookkeeping, at);
    const left = piece.filter(
      ([seq, , follows]) => follows !== over && (seq > over || follows === 0 || known.has(follows)),
    );
    if (left.length === piece.length) continue;
    fold.remember(`sets:${at}`, left.length === 0 ? undefined : left);
  }
}

/** One field of them with other places in a log, as another run inherits it. */
export function placedAnew(field: unknown, place: (seq: number) => number): unknown {
  if (!Array.isArray(field)) return field;
  return (field as readonly PassedSet[]).map(([seq, mark, follows]) => [
    place(seq),
    mark,
    place(follows),
  ]);
}
