/**
 * States that nobody changes in place: what is changed without a word is not saved, and another run may see it.
 *
 * Freezing makes the line that does it throw. Maps, sets and dates hold what `Object.freeze` does not reach, so their
 * methods that change them are covered by ones that throw; they can be read, copied and stored as before. The elements of
 * bytes cannot be guarded at all: they are summed up, and looked at again.
 */
import { DefinitionError } from './errors.ts';

type Bytes = Uint8Array;

/** What has no parts that a type could make read-only, or cannot be told apart. */
type Atom = string | number | bigint | boolean | symbol | null | undefined | Date | Bytes;

/** A value of which nothing can be changed in place, at any depth: what handlers and reducers get of the state. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends Atom | ((...args: never) => unknown)
    ? T
    : T extends ReadonlyMap<infer Key, infer Value>
      ? ReadonlyMap<DeepReadonly<Key>, DeepReadonly<Value>>
      : T extends ReadonlySet<infer Item>
        ? ReadonlySet<DeepReadonly<Item>>
        : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/** Freezes what is not frozen yet. Calls `found` for bytes in what it freezes. */
export function deepFreeze<T>(value: T, found?: (bytes: Bytes) => void): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const isCommon = Object.getPrototypeOf(value) === Object.prototype || Array.isArray(value);
  if (!isCommon && !coverAll(value, found)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item, found);
  return value;
}

/** Covers what freezing does not reach. False for bytes, which cannot be frozen. */
function coverAll(value: object, found?: (bytes: Bytes) => void): boolean {
  if (value instanceof Uint8Array) {
    if (Object.isExtensible(value)) Object.preventExtensions(cover(value, coveredOfBytes));
    found?.(value);
    return false;
  }
  if (value instanceof Map) {
    cover(value, coveredOfMaps);
    for (const entry of value) for (const part of entry) deepFreeze(part, found);
  } else if (value instanceof Set) {
    cover(value, coveredOfSets);
    for (const item of value) deepFreeze(item, found);
  } else if (value instanceof Date) {
    cover(value, coveredOfDates);
  }
  // Other views cannot be stored, which whoever stores them is told.
  return !ArrayBuffer.isView(value);
}

/** Bytes in the state of one run, and what they were when they came into it. */
export class WatchedBytes {
  readonly #sums = new Map<Bytes, number>();
  readonly #run: string;
  /** With so many, those that have left the state are looked for. */
  #sizeMax = 16;

  constructor(run: string) {
    this.#run = run;
  }

  /** Freezes a state, and remembers the bytes in it. */
  freeze<T>(state: T): T {
    deepFreeze(state, (bytes) => this.#sums.set(bytes, sumOf(bytes)));
    if (this.#sums.size > this.#sizeMax) this.#forgetAllBut(bytesIn(state));
    return state;
  }

  /** @throws DefinitionError when bytes are not what they were; once, so that the run can fail of it. */
  check(): void {
    for (const [bytes, sum] of this.#sums) {
      const now = sumOf(bytes);
      if (now === sum) continue;
      this.#sums.set(bytes, now);
      throw new DefinitionError(
        `Bytes in the state of ${this.#run} were changed in place, so the change would not be saved. Make new bytes, and put them into the state by an event or ctx.set.`,
      );
    }
  }

  #forgetAllBut(present: ReadonlySet<Bytes>): void {
    for (const bytes of this.#sums.keys()) if (!present.has(bytes)) this.#sums.delete(bytes);
    this.#sizeMax = 2 * this.#sums.size + 16;
  }
}

function bytesIn(value: unknown, found: Set<Bytes> = new Set()): Set<Bytes> {
  if (typeof value !== 'object' || value === null) return found;
  if (value instanceof Uint8Array) return found.add(value);
  const inside = value instanceof Map ? [...value].flat() : value;
  for (const item of inside instanceof Set ? inside : Object.values(inside)) bytesIn(item, found);
  return found;
}

/** FNV-1a: quick, and different for every single change. */
function sumOf(bytes: Bytes): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ (bytes[i] as number), 0x01000193);
  return sum;
}

/** Methods that throw, instead of those of a class that change its instances. */
function covering(kind: string, names: readonly string[]): PropertyDescriptorMap {
  return Object.fromEntries(
    names.map((name) => {
      const value = (): never => {
        throw new TypeError(
          `${kind}.${name} would change the state in place. Make a new one, and return it from a reducer or give it to ctx.set.`,
        );
      };
      return [name, { value }];
    }),
  );
}

function cover<T extends object>(value: T, covers: PropertyDescriptorMap): T {
  return Object.isExtensible(value) ? Object.defineProperties(value, covers) : value;
}

const coveredOfMaps = covering('Map', ['set', 'delete', 'clear']);
const coveredOfSets = covering('Set', ['add', 'delete', 'clear']);
const coveredOfBytes = covering('Uint8Array', ['set', 'fill', 'sort', 'reverse', 'copyWithin']);
const coveredOfDates = covering(
  'Date',
  Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set')),
);
