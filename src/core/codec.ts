/**
 * How values become bytes.
 *
 * A payload is one envelope byte and a body. The byte tells the format, so that old data stays readable when the format
 * grows:
 *
 *   0x01   msgpack, written by this codec
 *   0x02   a payload that was sealed by a cipher (see cipher.ts), which opens it before it comes here
 *   0x7b   "{": the whole payload is a JSON object, written by a script inside Redis, readable by eye
 *
 * Plain data survives as it is: objects, arrays, strings, numbers, booleans, null, undefined, bigints, dates, maps, sets
 * and binary (Uint8Array). Everything else is refused when it is written, with the path to it. Reading never constructs a
 * class: whatever is not on that list is refused as corrupt, whoever wrote it.
 */
import { addExtension, Packr, RESERVE_START_SPACE } from 'msgpackr';
import {
  CorruptionError,
  KeyMissingError,
  LimitError,
  type PawlError,
  UnstorableError,
} from './errors.ts';
import { fixedLimits } from './limits.ts';
import { checkShape } from './shape.ts';

const msgpackFormat = 0x01;
export const sealedFormat = 0x02;
const jsonFormat = 0x7b;

/** A Map on its way through msgpackr, which by itself could not tell a Map from an object. */
class MapEntries {
  readonly entries: unknown[];
  constructor(entries: unknown[]) {
    this.entries = entries;
  }
}

addExtension({
  Class: MapEntries,
  type: 0x4d,
  write: (map: MapEntries) => map.entries,
  read: (entries: unknown) => new MapEntries(Array.isArray(entries) ? entries : [entries]),
});

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: true,
  copyBuffers: true,
});
const text = new TextDecoder('utf-8', { fatal: true });

/** Why bytes that stand for a value cannot be read. Held weakly: they are gone when the bytes are. */
const reasons = new WeakMap<Uint8Array, PawlError>();

/** Stands for a value that cannot be read; whoever decodes it, or stores it elsewhere, gets `reason` thrown. */
export function unreadable(reason: PawlError): Uint8Array {
  const bytes = Uint8Array.of(sealedFormat);
  reasons.set(bytes, reason);
  return bytes;
}

/** @throws the reason, when these bytes stand for a value that cannot be read. */
export function checkReadable(bytes: Uint8Array): void {
  const reason = bytes[0] === sealedFormat ? reasons.get(bytes) : undefined;
  if (reason !== undefined) throw reason;
}

/** Where bytes came from, for the error that says they cannot be read. */
export interface Origin {
  readonly key: string;
  readonly seq?: number;
}

/**
 * Encodes a value. `what` is the word for it in errors (`result`, `input`).
 * @throws UnstorableError with the path of the first thing that cannot be stored.
 * @throws LimitError when the bytes exceed `limit`.
 */
export function encode(value: unknown, what: string, limit: number): Uint8Array {
  const piece = encodePiece(value, what, limit);
  // Memory of its own: who keeps it keeps nothing else alive.
  const bytes = new Uint8Array(piece.length);
  bytes.set(piece);
  return bytes;
}

/**
 * As `encode`, for what is sent at once and then let go of: the bytes are a piece of larger memory, which is cheaper to
 * have for hundreds of values. Nothing else is ever written there.
 */
export function encodePiece(value: unknown, what: string, limit: number): Uint8Array {
  // The packer leaves one byte free in front, for the format.
  const bytes = packr.pack(toPackable(value, what, 0), RESERVE_START_SPACE + 1);
  if (bytes.length > limit) {
    throw new LimitError(`${what} (encoded bytes)`, limit, bytes.length);
  }
  bytes[0] = msgpackFormat;
  return bytes;
}

/**
 * Decodes what `encode`, or a script, wrote.
 * @throws CorruptionError for anything else; it names `origin`. KeyMissingError for what is encrypted still.
 */
export function decode(bytes: Uint8Array, origin: Origin): unknown {
  try {
    if (bytes[0] === msgpackFormat) {
      checkShape(bytes, 1);
      return fromUnpacked(packr.unpack(bytes.subarray(1)), 0);
    }
    if (bytes[0] === jsonFormat) return fromUnpacked(JSON.parse(text.decode(bytes)), 0);
  } catch (error) {
    throw new CorruptionError(origin, 'cannot be decoded', error);
  }
  if (bytes[0] === sealedFormat) throw reasons.get(bytes) ?? new KeyMissingError(origin.key);
  throw new CorruptionError(
    origin,
    bytes.length === 0
      ? 'is empty'
      : `has an unknown format byte 0x${(bytes[0] ?? 0).toString(16)}`,
  );
}

/** What a value will be after a crash and a replay: the first execution must not see more than the second. */
export function canonical(value: unknown, bytes: Uint8Array): unknown {
  // Primitives come back as they are, so the common small results cost nothing.
  return typeof value === 'object' && value !== null ? decode(bytes, { key: 'value' }) : value;
}

function toPackable(value: unknown, path: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'undefined':
      return value;
    case 'function':
      throw new UnstorableError(path, 'a function');
    case 'symbol':
      throw new UnstorableError(path, 'a symbol');
    case 'object':
      return value === null ? null : toPackableObject(value, path, depth);
  }
}

function toPackableObject(value: object, path: string, depth: number): unknown {
  if (depth >= fixedLimits.valueDepth) {
    throw new UnstorableError(
      path,
      `nested deeper than ${fixedLimits.valueDepth} levels, or a cycle`,
    );
  }
  if (Array.isArray(value)) return packEach(value, path, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return packFields(value as Record<string, unknown>, path, depth);
  }
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) {
    checkReadable(value);
    return value;
  }
  if (value instanceof Set) return new Set(packEach([...value], path, depth));
  if (value instanceof Map) {
    const entries: unknown[] = [];
    for (const [key, item] of value) {
      const at = `${path}.get(${String(key)})`;
      entries.push(toPackable(key, at, depth + 1), toPackable(item, at, depth + 1));
    }
    return new MapEntries(entries);
  }
  throw new UnstorableError(path, `an instance of ${value.constructor?.name || 'a class'}`);
}

/** Copies only when an item changes on the way, so plain data costs a walk and no allocation. */
function packEach(items: readonly unknown[], path: string, depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const packable = toPackable(items[i], `${path}[${i}]`, depth + 1);
    if (packable !== items[i] && !Number.isNaN(packable)) (copy ??= [...items])[i] = packable;
  }
  return copy ?? items;
}

function packFields(
  fields: Record<string, unknown>,
  path: string,
  depth: number,
): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    if (key === '__proto__')
      throw new UnstorableError(`${path}.__proto__`, 'a field named __proto__');
    const packable = toPackable(fields[key], `${path}.${key}`, depth + 1);
    if (packable !== fields[key] && !Number.isNaN(packable))
      (copy ??= { ...fields })[key] = packable;
  }
  return copy ?? fields;
}

/** Checks decoded data against the list of plain types and brings maps back, in place. */
function fromUnpacked(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'symbol' || typeof value === 'function') throw new TypeError(typeof value);
    return value;
  }
  if (depth > fixedLimits.valueDepth) throw new TypeError('nested too deep');
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object') value[i] = fromUnpacked(item, depth + 1);
    }
    return value;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    const fields = value as Record<string, unknown>;
    for (const key in fields) {
      if (key === '__proto__') throw new TypeError('a field named __proto__');
      const item = fields[key];
      if (typeof item === 'object') fields[key] = fromUnpacked(item, depth + 1);
    }
    return fields;
  }
  if (value instanceof Date || value instanceof Uint8Array) return value;
  if (value instanceof Set) {
    return new Set([...value].map((item) => fromUnpacked(item, depth + 1)));
  }
  if (value instanceof MapEntries) {
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < value.entries.length; i += 2) {
      map.set(
        fromUnpacked(value.entries[i], depth + 1),
        fromUnpacked(value.entries[i + 1], depth + 1),
      );
    }
    return map;
  }
  throw new TypeError(`${value.constructor?.name || 'an object'} is not plain data`);
}
