/**
 * Encryption as the rest of pawl sees it: a cipher that seals bytes for one place, and opens them in no other.
 *
 * A place says where a value lives: run, what it is, and whatever of its position is certain when it is written. It is
 * authenticated together with the value, so that an entry that was moved, by whatever hand, is noticed when it is read.
 */

export interface Place {
  /** The run it belongs to; for what belongs to no run, a word that is no run id. */
  readonly run: string;
  /** From the general to the particular: `event, 7, 1700, order.placed`. */
  readonly path: readonly (string | number)[];
}

export interface Cipher {
  /** Encrypted with the current key. */
  seal(plain: Uint8Array, place: Place): Uint8Array;
  /**
   * What was sealed for one of `places`. Never throws: what cannot be opened comes back as bytes that throw when they are
   * decoded (see `unreadable` in sealed.ts), because one bad value must not stand in the way of all others.
   */
  open(bytes: Uint8Array, places: readonly [Place, ...Place[]]): Uint8Array;
}
