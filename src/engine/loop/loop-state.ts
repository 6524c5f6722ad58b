/**
 * The state of somebody's own loop as snapshot fields: one per top-level field, so that a save sends only what changed.
 *
 * What changed is found by comparing bytes, not objects: who brings a loop of their own may change their state in place.
 */
import { decode, encode } from '../../core/codec.ts';
import { LimitError } from '../../core/errors.ts';
import type { Snapshot } from '../../core/store.ts';
import { stateField, stateKey } from '../payloads.ts';

/** Snapshot field → its bytes. */
export type StateFields = ReadonlyMap<string, Uint8Array>;

/** The one field of a state that is no object: a list, a number. */
const wholeField = 'state';

/** @throws UnstorableError with the path; LimitError when the whole is too large. */
export function packState(state: unknown, limit: number): StateFields {
  const fields = new Map<string, Uint8Array>();
  if (hasFields(state)) {
    for (const [key, value] of Object.entries(state)) {
      fields.set(stateField(key), encode(value, `state.${key}`, limit));
    }
  } else {
    fields.set(wholeField, encode(state, wholeField, limit));
  }
  const bytes = sizeOf(fields);
  if (bytes > limit) throw new LimitError('state (encoded bytes)', limit, bytes);
  return fields;
}

/** @throws CorruptionError naming the field. */
export function unpackState(snapshot: Snapshot | undefined, key: string): unknown {
  if (snapshot === undefined) return undefined;
  const whole = snapshot.fields.get(wholeField);
  if (whole !== undefined) return decode(whole, { key: `${key}, snapshot` });
  const entries = [...snapshot.fields].map(([field, bytes]) => [
    stateKey(field) ?? field,
    decode(bytes, { key: `${key}, snapshot field ${field}` }),
  ]);
  return Object.fromEntries(entries);
}

/** What must be written so that `saved` becomes `fields`. */
export function changes(
  saved: StateFields,
  fields: StateFields,
): { readonly set: StateFields; readonly remove: readonly string[] } {
  const set = new Map([...fields].filter(([field, bytes]) => !isEqual(saved.get(field), bytes)));
  return { set, remove: [...saved.keys()].filter((field) => !fields.has(field)) };
}

export function sizeOf(fields: StateFields): number {
  let bytes = 0;
  for (const value of fields.values()) bytes += value.length;
  return bytes;
}

function hasFields(state: unknown): state is Record<string, unknown> {
  if (typeof state !== 'object' || state === null) return false;
  // A field of this name cannot be stored; the codec says so.
  if (Object.hasOwn(state, '__proto__')) return false;
  const prototype: unknown = Object.getPrototypeOf(state);
  return prototype === Object.prototype || prototype === null;
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
