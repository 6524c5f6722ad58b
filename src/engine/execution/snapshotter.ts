/**
 * What has changed since the last snapshot.
 *
 * State fields are compared by identity, which costs nothing: a reducer that leaves a field alone hands on the same
 * object. Only changed fields are encoded and sent, so saving one field of a large state writes one field. When all have
 * changed, the store is told so: it need not tell them apart.
 */
import { encodePiece } from '../../core/codec.ts';
import { LimitError } from '../../core/errors.ts';
import type { Fold } from '../../core/fold.ts';
import type { SnapshotDelta } from '../../core/store.ts';
import { stateField, stateKey } from '../payloads.ts';

/** Of fewer fields, a store saves little when it takes them as a whole. */
const fullMin = 8;

export class Snapshotter {
  /** Key of the state → the value that was saved, compared by identity. */
  readonly #saved = new Map<string, unknown>();
  readonly #sizes = new Map<string, number>();
  readonly #limit: number;
  readonly #schema: number;
  #bytes = 0;

  /** `saved`: what the stored snapshot holds, with the size of each field. */
  constructor(options: {
    readonly schema: number;
    readonly limit: number;
    readonly saved: ReadonlyMap<string, { readonly value: unknown; readonly bytes: number }>;
  }) {
    this.#schema = options.schema;
    this.#limit = options.limit;
    for (const [field, { value, bytes }] of options.saved) {
      const key = stateKey(field);
      if (key !== undefined) this.#saved.set(key, value);
      this.#resize(field, bytes);
    }
  }

  /** Size of the whole snapshot, all its fields encoded. */
  get size(): number {
    return this.#bytes;
  }

  /**
   * The change from the last delta to `fold`, and its size.
   * @throws LimitError when the whole state is too large; then nothing counts as saved.
   */
  delta(fold: Fold): { readonly delta: SnapshotDelta; readonly bytes: number } {
    const set = new Map<string, Uint8Array>();
    const remove: string[] = [];
    const { state } = fold;
    const keys = Object.keys(state);
    const changed: string[] = [];
    // For every key of a large state at every save: only what has changed may cost more than a look.
    for (const key of keys) {
      const value = state[key];
      if (this.#saved.get(key) === value && (value !== undefined || this.#saved.has(key))) continue;
      changed.push(key);
      set.set(stateField(key), encodePiece(value, `state.${key}`, this.#limit));
    }
    const gone = [...this.#goneFrom(state, keys.length, changed)];
    for (const key of gone) remove.push(stateField(key));
    for (const field of fold.touched) {
      const value = fold.bookkeeping.get(field);
      if (value === undefined) remove.push(field);
      else set.set(field, encodePiece(value, field, this.#limit));
    }
    this.#checkSize(set, remove);

    let bytes = 0;
    for (const field of remove) this.#resize(field, 0);
    for (const [field, value] of set) {
      this.#resize(field, value.length);
      bytes += value.length;
    }
    for (const key of changed) this.#saved.set(key, state[key]);
    for (const key of gone) this.#saved.delete(key);
    fold.forgetTouched();
    const schema = this.#schema;
    // Fields that were removed are dropped as well, since they are not among those that are set.
    const isFull = set.size >= fullMin && set.size === this.#sizes.size;
    return {
      delta: isFull ? { schema, set, remove: [], full: true } : { schema, set, remove },
      bytes,
    };
  }

  /** Saved keys that the state of `size` keys has no more. */
  *#goneFrom(state: Fold['state'], size: number, changed: readonly string[]): Iterable<string> {
    const added = changed.filter((key) => !this.#saved.has(key)).length;
    if (this.#saved.size + added === size) return;
    for (const key of this.#saved.keys()) if (!Object.hasOwn(state, key)) yield key;
  }

  #checkSize(set: ReadonlyMap<string, Uint8Array>, remove: readonly string[]): void {
    let bytes = this.#bytes;
    for (const [field, value] of set) bytes += value.length - (this.#sizes.get(field) ?? 0);
    for (const field of remove) bytes -= this.#sizes.get(field) ?? 0;
    if (bytes > this.#limit) throw new LimitError('state (encoded bytes)', this.#limit, bytes);
  }

  #resize(field: string, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(field) ?? 0);
    if (bytes === 0) this.#sizes.delete(field);
    else this.#sizes.set(field, bytes);
  }
}
