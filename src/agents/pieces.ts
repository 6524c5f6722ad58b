/**
 * Chunks that are larger than an output takes travel in pieces: bytes of their JSON, which the reader puts together. Pieces
 * of one chunk follow one another in their epoch, because the call that gives them out waits for each. So a crash in
 * between leaves pieces that no reader sees: the next attempt begins a new epoch.
 */

const pieceBytes = 48 * 1024;
/** What is certain to fit without a look at its bytes: a character has three at most. */
const smallLength = 12 * 1024;

interface Piece {
  readonly piece: Uint8Array;
  /** It is not the last one. */
  readonly more: boolean;
}

/** Plain data as a page gets it: what JSON has no word for is left out. */
export function* inPieces(chunk: object): Generator<object> {
  const json = JSON.stringify(chunk);
  if (json.length <= smallLength) {
    yield JSON.parse(json) as object;
    return;
  }
  const bytes = new TextEncoder().encode(json);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const more = at + pieceBytes < bytes.length;
    yield { piece: bytes.slice(at, at + pieceBytes), more };
  }
}

function isPiece(value: unknown): value is Piece {
  return (
    typeof value === 'object' &&
    value !== null &&
    'piece' in value &&
    value.piece instanceof Uint8Array
  );
}

/** Puts the pieces of each step together. */
export class Pieces {
  readonly #open = new Map<string, Uint8Array[]>();

  /** The chunk that is whole now; undefined while pieces of it are missing. */
  add(step: string, begins: boolean, value: unknown): unknown {
    if (begins) this.#open.delete(step);
    if (!isPiece(value)) return value;
    const all = [...(this.#open.get(step) ?? []), value.piece];
    if (value.more) {
      this.#open.set(step, all);
      return undefined;
    }
    this.#open.delete(step);
    return JSON.parse(Buffer.concat(all).toString('utf8')) as unknown;
  }
}
