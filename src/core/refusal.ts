/** Why a value cannot be stored, and the path to where in it the reason stands. */
import { textOfThrown } from './error-record.ts';
import { PawlError, UnstorableError } from './errors.ts';

/** What is no plain data, and how deep it was found: the first so many keys of the trail lead there. */
export class Refusal extends Error {
  readonly depth: number;
  constructor(what: string, depth: number) {
    super(what);
    this.depth = depth;
  }
}

/** A key of a map, told from the field of an object. */
export class MapKey {
  readonly key: unknown;
  constructor(key: unknown) {
    this.key = key;
  }
}

/** What to throw for what was thrown in the middle of a value: by the walk, or by a getter or a proxy of the value. */
export function toUnstorable(what: string, trail: readonly unknown[], thrown: unknown): unknown {
  if (thrown instanceof Refusal) {
    return new UnstorableError(what + pathOf(trail.slice(0, thrown.depth)), thrown.message);
  }
  if (PawlError.is(thrown)) return thrown;
  return new UnstorableError(what, `a value that throws when it is read (${textOfThrown(thrown)})`);
}

function pathOf(keys: readonly unknown[]): string {
  const parts = keys.map((key) => {
    if (key instanceof MapKey) return `.get(${textOf(key.key)})`;
    return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
  });
  return parts.join('');
}

function textOf(key: unknown): string {
  return typeof key === 'object' && key !== null ? 'an object' : String(key);
}

/** The name of the class that an object is an instance of. */
export function nameOf(value: object): string {
  const { constructor: made } = value as { readonly constructor?: { readonly name?: unknown } };
  return typeof made?.name === 'string' && made.name !== '' ? made.name : 'a class';
}
