/**
 * Plain data as msgpack.
 *
 * One walk that checks and writes at once: what is read of a value is read once, and nothing is written that was not
 * checked. Written by hand, because what a library keeps for all of its users (extensions, above all) could be changed
 * under pawl by any other user of it in the process.
 *
 * What msgpack has no word for is an extension, of these types:
 *
 *   0x00   undefined
 *   0x42   a bigint beyond 64 bits: two's complement, big-endian
 *   0x4d   a map: the extension's one byte means nothing, an array of keys and values in turn follows
 *   0x73   a set: as a map, an array of its items follows
 *   0x74   bytes: the type of the array, always 1 (Uint8Array), and then they
 *   0xff   a date: the timestamp of msgpack; one byte of any value for an invalid date
 */
import { fixedLimits } from './limits.ts';
import { MapKey, nameOf, Refusal, toUnstorable } from './refusal.ts';
import { isPlainObject } from './plain-copy.ts';
import { checkReadable } from './sealed.ts';

/** Small pieces share a slab; each keeps the whole of it alive. */
const slabBytes = 16 * 1024;
/** With less room than this left, a piece begins a new slab: few pieces have to move. */
const roomMin = 2 * 1024;
/** A larger slab is let go of when nothing in it is kept. */
const slabBytesMax = 1024 * 1024;
/** Texts that are shorter are written here: calling out costs more. */
const shortText = 40;
/** What is written without asking for room is never longer. */
const spareBytes = 32;

/** What Node calls by itself when nothing else is to be checked. */
type Slab = Buffer<ArrayBuffer> & { utf8Write(text: string, from: number, bytes: number): number };

let slab = Buffer.allocUnsafeSlow(slabBytes) as Slab;
let view = viewOf(slab);
/** Where the piece at work begins, and how far it has come. */
let start = 0;
let at = 0;
/** Up to here everything that is short fits. */
let safe = slab.length - spareBytes;
let isBusy = false;
/** The keys on the way to the value at work: what an error is named by. */
const trail: unknown[] = [];

/**
 * `first`, and behind it the value as msgpack. What is `lent` is written over by the next call; otherwise nothing else is
 * ever written there.
 * @throws UnstorableError with the path of the first thing that is no plain data.
 */
export function writeMsgpack(first: number, value: unknown, what: string, lent: boolean): Buffer {
  // A getter of the value may come here again. It gets a slab of its own.
  const outer = isBusy ? { slab, view, start, at, safe } : undefined;
  if (outer !== undefined) useSlab(Buffer.allocUnsafeSlow(slabBytes));
  else if (slab.length - at < roomMin || (at === 0 && slab.length > slabBytesMax)) {
    useSlab(Buffer.allocUnsafeSlow(slabBytes));
  }
  isBusy = true;
  start = at;
  try {
    slab[at++] = first;
    write(value, 0);
    const piece = slab.subarray(start, at);
    if (lent) at = start;
    return piece;
  } catch (error) {
    at = start;
    throw toUnstorable(what, trail, error);
  } finally {
    if (outer === undefined) isBusy = false;
    else ({ slab, view, start, at, safe } = outer);
  }
}

function useSlab(fresh: Buffer<ArrayBuffer>): void {
  slab = fresh as Slab;
  view = viewOf(fresh);
  safe = fresh.length - spareBytes;
  at = 0;
}

function viewOf(bytes: Buffer<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Moves the piece at work to where there is room for so many more bytes. */
function makeRoom(bytes: number): void {
  const length = at - start;
  const from = slab.subarray(start, at);
  useSlab(Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (length + bytes + spareBytes))));
  from.copy(slab);
  start = 0;
  at = length;
}

function write(value: unknown, depth: number): void {
  if (at > safe) makeRoom(0);
  switch (typeof value) {
    case 'string':
      return writeText(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      slab[at++] = value ? 0xc3 : 0xc2;
      return;
    case 'undefined':
      return writeExtension1(0x00, 0);
    case 'bigint':
      return writeBigint(value);
    case 'object':
      if (value === null) slab[at++] = 0xc0;
      else writeObject(value, depth);
      return;
    case 'function':
      throw new Refusal('a function', depth);
    case 'symbol':
      throw new Refusal('a symbol', depth);
  }
}

function writeObject(value: object, depth: number): void {
  if (depth >= fixedLimits.valueDepth) {
    throw new Refusal(`nested deeper than ${fixedLimits.valueDepth} levels, or a cycle`, depth);
  }
  if (Array.isArray(value)) return writeItems(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return writeFields(value as Record<string, unknown>, depth);
  }
  if (value instanceof Uint8Array) return writeBytes(value);
  // By what it is inside, so that what comes from another realm is known too.
  switch (Object.prototype.toString.call(value)) {
    case '[object Date]':
      return writeDate(Date.prototype.getTime.call(value));
    case '[object Set]':
      writeExtension1(0x73, 0);
      return writeItems([...Set.prototype.values.call(value)], depth);
    case '[object Map]':
      return writeMap([...Map.prototype.entries.call(value)], depth);
    case '[object Uint8Array]':
      return writeBytes(value as Uint8Array);
    case '[object Object]':
      if (isPlainObject(value)) return writeFields(value, depth);
  }
  throw new Refusal(`an instance of ${nameOf(value)}`, depth);
}

function writeItems(items: readonly unknown[], depth: number): void {
  const { length } = items;
  writeCount(length, 0x90, 0xdc);
  for (let i = 0; i < length; i++) {
    trail[depth] = i;
    write(items[i], depth + 1);
  }
}

function writeMap(entries: readonly (readonly [unknown, unknown])[], depth: number): void {
  writeExtension1(0x4d, 0);
  writeCount(2 * entries.length, 0x90, 0xdc);
  for (const [key, value] of entries) {
    trail[depth] = new MapKey(key);
    write(key, depth + 1);
    write(value, depth + 1);
  }
  trail[depth] = undefined;
}

function writeFields(fields: Record<string, unknown>, depth: number): void {
  const keys = Object.keys(fields);
  const { length } = keys;
  // Always in two bytes, where they are enough.
  if (length < 0x10000) {
    slab[at++] = 0xde;
    slab[at++] = length >> 8;
    slab[at++] = length & 0xff;
  } else {
    writeCount(length, 0, 0xde);
  }
  for (let i = 0; i < length; i++) {
    const key = keys[i] as string;
    trail[depth] = key;
    if (key === '__proto__') throw new Refusal('a field named __proto__', depth + 1);
    if (at > safe) makeRoom(0);
    writeText(key);
    write(fields[key], depth + 1);
  }
}

/** How many follow: in the token itself where it has room for that, else in the two or four bytes behind it. */
function writeCount(count: number, short: number, long: number): void {
  if (count < 0x10 && short !== 0) {
    slab[at++] = short | count;
  } else if (count < 0x10000) {
    slab[at++] = long;
    slab[at++] = count >> 8;
    slab[at++] = count & 0xff;
  } else {
    slab[at++] = long + 1;
    view.setUint32(at, count);
    at += 4;
  }
}

function writeText(text: string): void {
  const { length } = text;
  if (length < shortText) {
    // In three bytes for each character there is always room: a pair of surrogates takes four.
    if (at + 3 * length > safe) makeRoom(3 * length);
    const header = length < 0x20 ? 1 : 2;
    const end = writeShort(text, at + header);
    const bytes = end - at - header;
    if (bytes < 0x20) {
      slab[at] = 0xa0 | bytes;
      at = end;
    } else {
      if (header === 1) slab.copyWithin(at + 2, at + 1, end);
      slab[at] = 0xd9;
      slab[at + 1] = bytes;
      at += 2 + bytes;
    }
  } else {
    writeLong(text);
  }
}

/** Returns where the text ends. */
function writeShort(text: string, from: number): number {
  let to = from;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return from + slab.utf8Write(text, from, slab.length - from);
    slab[to++] = code;
  }
  return to;
}

function writeLong(text: string): void {
  const { length } = text;
  const most = 3 * length;
  if (at + most > safe) makeRoom(most);
  // The header is as long as it would be for one byte each, which nearly all texts have.
  const header = length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
  const bytes = slab.utf8Write(text, at + header, most);
  const needed = bytes < 0x100 ? 2 : bytes < 0x10000 ? 3 : 5;
  if (needed > header) slab.copyWithin(at + needed, at + header, at + header + bytes);
  writeLength(bytes, 0xd9);
  at += bytes;
}

/** A length in one, two or four bytes behind its token. */
function writeLength(length: number, token: number): void {
  if (length < 0x100) {
    slab[at++] = token;
    slab[at++] = length;
  } else if (length < 0x10000) {
    slab[at++] = token + 1;
    slab[at++] = length >> 8;
    slab[at++] = length & 0xff;
  } else {
    slab[at++] = token + 2;
    view.setUint32(at, length);
    at += 4;
  }
}

function writeNumber(value: number): void {
  if (value >>> 0 === value && (value !== 0 || !Object.is(value, -0))) {
    if (value < 0x80) {
      slab[at++] = value;
    } else if (value < 0x100) {
      slab[at++] = 0xcc;
      slab[at++] = value;
    } else if (value < 0x10000) {
      slab[at++] = 0xcd;
      slab[at++] = value >> 8;
      slab[at++] = value & 0xff;
    } else {
      slab[at++] = 0xce;
      view.setUint32(at, value);
      at += 4;
    }
  } else if (value >> 0 === value && value !== 0) {
    if (value >= -0x20) {
      slab[at++] = 0x100 + value;
    } else if (value >= -0x80) {
      slab[at++] = 0xd0;
      slab[at++] = value + 0x100;
    } else if (value >= -0x8000) {
      slab[at++] = 0xd1;
      view.setInt16(at, value);
      at += 2;
    } else {
      slab[at++] = 0xd2;
      view.setInt32(at, value);
      at += 4;
    }
  } else {
    slab[at++] = 0xcb;
    view.setFloat64(at, value);
    at += 8;
  }
}

function writeBigint(value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    slab[at++] = 0xd3;
    view.setBigInt64(at, value);
    at += 8;
  } else if (BigInt.asUintN(64, value) === value) {
    slab[at++] = 0xcf;
    view.setBigUint64(at, value);
    at += 8;
  } else {
    writeLargeBigint(value);
  }
}

function writeLargeBigint(value: bigint): void {
  // As many groups of eight bytes as hold it and its sign.
  const digits = (value < 0n ? ~value : value).toString(16);
  const isFull = digits.length % 16 === 0 && digits >= '8';
  const groups = Math.ceil(digits.length / 16) + (isFull ? 1 : 0);
  const bytes = groups * 8;
  const hex = BigInt.asUintN(8 * bytes, value)
    .toString(16)
    .padStart(2 * bytes, '0');
  writeExtensionHead(0x42, bytes);
  if (at + bytes > safe) makeRoom(bytes);
  at += slab.write(hex, at, 'hex');
}

function writeBytes(bytes: Uint8Array): void {
  checkReadable(bytes);
  const { length } = bytes;
  if (at + length > safe) makeRoom(length + spareBytes);
  // The size of the extension counts the type of the array.
  writeLength(length + 1, 0xc7);
  slab[at++] = 0x74;
  slab[at++] = 1;
  slab.set(bytes, at);
  at += length;
}

function writeDate(ms: number): void {
  if (Number.isNaN(ms)) return writeExtension1(0xff, 0xff);
  const seconds = Math.floor(ms / 1000);
  const rest = ms - seconds * 1000;
  if (rest === 0 && seconds >= 0 && seconds < 0x1_0000_0000) {
    slab[at++] = 0xd6;
    slab[at++] = 0xff;
    view.setUint32(at, seconds);
    at += 4;
  } else if (seconds >= 0 && seconds < 0x1_0000_0000) {
    slab[at++] = 0xd7;
    slab[at++] = 0xff;
    // Nanoseconds, in the upper 30 of 64 bits.
    view.setUint32(at, rest * 4_000_000);
    view.setUint32(at + 4, seconds);
    at += 8;
  } else {
    slab[at++] = 0xc7;
    slab[at++] = 12;
    slab[at++] = 0xff;
    view.setUint32(at, rest * 1_000_000);
    view.setBigInt64(at + 4, BigInt(seconds));
    at += 12;
  }
}

function writeExtension1(type: number, byte: number): void {
  slab[at++] = 0xd4;
  slab[at++] = type;
  slab[at++] = byte;
}

function writeExtensionHead(type: number, bytes: number): void {
  if (bytes === 16) slab[at++] = 0xd8;
  else writeLength(bytes, 0xc7);
  slab[at++] = type;
}
