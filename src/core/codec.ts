/**
 * How values become bytes.
 *
 * A payload is one envelope byte and a body. The byte tells the format, so that old data stays readable when the format
 * grows:
 *
 *   0x01   msgpack, written by this codec
 *   0x02   a payload that was sealed by a cipher (see cipher.ts), which opens it before it comes here
 *   0x03   an input, behind the digest of what it was made of (see given.ts)
 *   0x04   a reference to a value that lies in a blob store (see blobs.ts), which fetches it before it comes here
 *   0x7b   "{": the whole payload is a JSON object, written by a script inside Redis, readable by eye
 *
 * Plain data survives as it is: objects, arrays, strings, numbers, booleans, null, undefined, bigints, dates, maps, sets
 * and binary (Uint8Array). Everything else is refused when it is written, with the path to it. Reading never constructs a
 * class: whatever is not on that list is refused as corrupt, whoever wrote it.
 */
import { blobFormat, notFetched } from './blobs.ts';
import { CorruptionError, KeyMissingError, LimitError } from './errors.ts';
import { givenOf, withoutGiven } from './given.ts';
import { fixedLimits } from './limits.ts';
import { readMsgpack } from './msgpack-reader.ts';
import { writeMsgpack } from './msgpack-writer.ts';
import { reasonOf, sealedFormat } from './sealed.ts';

const msgpackFormat = 0x01;
const jsonFormat = 0x7b;
const text = new TextDecoder('utf-8', { fatal: true });

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
  const piece = write(value, what, limit, true);
  // Memory of its own: who keeps it keeps nothing else alive.
  const bytes = new Uint8Array(piece.length);
  bytes.set(piece);
  return bytes;
}

/** As `encode`, for who compares the bytes or copies them at once: the next call writes over them. */
export function encodeLent(value: unknown, what: string, limit: number): Uint8Array {
  return write(value, what, limit, true);
}

/**
 * As `encode`, for what is sent at once and then let go of: the bytes are a piece of larger memory, which is cheaper to
 * have for hundreds of values. Nothing else is ever written there.
 */
export function encodePiece(value: unknown, what: string, limit: number): Uint8Array {
  return write(value, what, limit, false);
}

function write(value: unknown, what: string, limit: number, lent: boolean): Buffer {
  const bytes = writeMsgpack(msgpackFormat, value, what, lent);
  if (bytes.length > limit) throw new LimitError(`${what} (encoded bytes)`, limit, bytes.length);
  return bytes;
}

/**
 * Decodes what `encode`, or a script, wrote.
 * @throws CorruptionError for anything else; it names `origin`. KeyMissingError for what is encrypted still.
 */
export function decode(bytes: Uint8Array, origin: Origin): unknown {
  try {
    if (bytes[0] === msgpackFormat) return readMsgpack(bytes, 1);
    if (givenOf(bytes) !== undefined) return readMsgpack(withoutGiven(bytes), 1);
    if (bytes[0] === jsonFormat) return checkJson(JSON.parse(text.decode(bytes)), 0);
  } catch (error) {
    throw new CorruptionError(origin, 'cannot be decoded', error);
  }
  if (bytes[0] === blobFormat) throw notFetched(origin.key);
  if (bytes[0] === sealedFormat) throw reasonOf(bytes) ?? new KeyMissingError(origin.key);
  throw new CorruptionError(
    origin,
    bytes.length === 0
      ? 'is empty'
      : `has an unknown format byte 0x${(bytes[0] ?? 0).toString(16)}`,
  );
}

/** What a value will be after a crash and a replay: the first execution must not see more than the second. */
export function canonical(value: unknown, bytes: Uint8Array): unknown {
  // Other primitives come back as they are, so the common small results cost nothing.
  const mayChange = typeof value === 'string' || (typeof value === 'object' && value !== null);
  return mayChange ? decode(bytes, { key: 'value' }) : value;
}

/** JSON is plain data, but may be nested too deep, or have a field that would be taken for a prototype. */
function checkJson(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > fixedLimits.valueDepth) throw new TypeError('nested too deep');
  if (Object.hasOwn(value, '__proto__')) throw new TypeError('a field named __proto__');
  for (const item of Object.values(value)) checkJson(item, depth + 1);
  return value;
}
