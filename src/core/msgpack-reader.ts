/**
 * Plain data out of msgpack: what `msgpack-writer.ts` writes, and nothing else.
 *
 * The bytes may come from anybody. One walk checks and reads at once: no length is believed before there are bytes for it,
 * the lengths of all lists together included; nothing is nested deeper than what can be written; no class is ever made,
 * and no field named `__proto__`.
 */
import { fixedLimits } from './limits.ts';

/** Keys of objects come again and again: short ones are remembered, by what they are made of. */
const keyLengthMax = 32;
const keySlots = 2048;
/** Texts that are shorter are put together here, where there are few of them: calling out costs more. */
const shortText = 12;
/** Texts that are longer are made one by one; shorter ones are cut out of a window, which is made for all in it at once. */
const cutText = 100;
const windowBytes = 4 * 1024;
/** Of fewer bytes, a window is not worth while. */
const windowBytesMin = 100;

interface KnownKey {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const keys: (KnownKey | undefined)[] = Array.from({ length: keySlots });

type Slice = (this: Uint8Array, from: number, to: number) => string;
/** What a Buffer does, of any bytes. */
const { utf8Slice, latin1Slice } = Buffer.prototype as unknown as {
  readonly utf8Slice: Slice;
  readonly latin1Slice: Slice;
};

const nothing: Uint8Array = new Uint8Array();
let source = nothing;
let at = 0;
let end = 0;
/** How many items the lists read so far have announced. */
let announced = 0;
/** Of the source; made for the first number that needs it. */
let view: DataView | undefined;
/** A part of the source as if it were Latin-1, which where it is ASCII it is. */
let window = '';
let windowFrom = 0;
let windowTo = 0;

/**
 * Reads the one value that stands behind `from`.
 * @throws RangeError, TypeError when the bytes are anything else.
 */
export function readMsgpack(bytes: Uint8Array, from: number): unknown {
  source = bytes;
  at = from;
  end = bytes.length;
  announced = 0;
  windowTo = 0;
  try {
    const value = read(0);
    if (at !== end) throw new RangeError('goes on behind the value');
    return value;
  } finally {
    source = nothing;
    view = undefined;
    window = '';
  }
}

function read(depth: number): unknown {
  if (at >= end) throw tooShort();
  const token = source[at++] as number;
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  if (token < 0x90) return readFields(token & 0x0f, depth);
  if (token < 0xa0) return readItems(token & 0x0f, depth);
  if (token < 0xc0) return readText(token & 0x1f);
  switch (token) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return readBytes(readUint(1));
    case 0xc5:
      return readBytes(readUint(2));
    case 0xc6:
      return readBytes(readUint(4));
    case 0xc7:
      return readExtension(readUint(1));
    case 0xc8:
      return readExtension(readUint(2));
    case 0xc9:
      return readExtension(readUint(4));
    case 0xca:
      return numbers().getFloat32(pass(4));
    case 0xcb:
      return numbers().getFloat64(pass(8));
    case 0xcc:
      return readUint(1);
    case 0xcd:
      return readUint(2);
    case 0xce:
      return readUint(4);
    case 0xcf:
      return numbers().getBigUint64(pass(8));
    case 0xd0:
      return numbers().getInt8(pass(1));
    case 0xd1:
      return numbers().getInt16(pass(2));
    case 0xd2:
      return numbers().getInt32(pass(4));
    case 0xd3:
      return numbers().getBigInt64(pass(8));
    case 0xd4:
      return readExtension1(depth);
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return readExtension(1 << (token - 0xd4));
    case 0xd9:
      return readText(readUint(1));
    case 0xda:
      return readText(readUint(2));
    case 0xdb:
      return readText(readUint(4));
    case 0xdc:
      return readItems(readUint(2), depth);
    case 0xdd:
      return readItems(readUint(4), depth);
    case 0xde:
      return readFields(readUint(2), depth);
    case 0xdf:
      return readFields(readUint(4), depth);
    default:
      throw new TypeError(`has an unused token 0x${token.toString(16)}`);
  }
}

function tooShort(): RangeError {
  return new RangeError('ends in the middle of a value');
}

function readUint(size: 1 | 2 | 4): number {
  const from = pass(size);
  const first = source[from] as number;
  if (size === 1) return first;
  const two = first * 0x100 + (source[from + 1] as number);
  if (size === 2) return two;
  return (two * 0x100 + (source[from + 2] as number)) * 0x100 + (source[from + 3] as number);
}

/** Passes so many bytes; returns where they begin. */
function pass(size: number): number {
  const from = at;
  at += size;
  if (at > end) throw tooShort();
  return from;
}

function numbers(): DataView {
  view ??= new DataView(source.buffer, source.byteOffset, source.length);
  return view;
}

/** Before a list is made: every item takes a byte, so that all lists together have no more of them than there are bytes. */
function announce(items: number, depth: number): void {
  announced += items;
  if (announced > end) throw new RangeError('announces more items than there are bytes');
  if (depth > fixedLimits.valueDepth) throw new TypeError('is nested too deep');
}

function readItems(length: number, depth: number): unknown[] {
  announce(length, depth);
  // oxlint-disable-next-line unicorn/no-new-array -- of the length that was just checked, which is cheaper than to grow
  const items = new Array<unknown>(length);
  for (let i = 0; i < length; i++) items[i] = read(depth + 1);
  return items;
}

function readFields(length: number, depth: number): Record<string, unknown> {
  announce(2 * length, depth);
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < length; i++) {
    const key = readKey();
    fields[key] = read(depth + 1);
  }
  return fields;
}

function readKey(): string {
  const token = source[at] ?? 0;
  if (token >= 0xa0 && token < 0xc0) {
    at += 1;
    return readShortKey(token & 0x1f);
  }
  if (token < 0xd9 || token > 0xdb) throw new TypeError('has a field whose name is no text');
  return read(0) as string;
}

function readShortKey(length: number): string {
  if (length === 0) return '';
  const from = at;
  const to = from + length;
  if (to > end) throw tooShort();
  const bytes = source;
  const first = bytes[from] as number;
  const middle = bytes[from + (length >> 1)] as number;
  const last = bytes[to - 1] as number;
  const slot = (length * 263 + first * 101 + middle * 37 + last) % keySlots;
  const known = keys[slot];
  if (known !== undefined && isSame(known.bytes, from, length)) {
    at = to;
    return known.text;
  }
  const text = utf8Slice.call(source, from, to);
  at = to;
  if (text === '__proto__') throw new TypeError('has a field named __proto__');
  if (length <= keyLengthMax) keys[slot] = { bytes: source.slice(from, to), text };
  return text;
}

function isSame(bytes: Uint8Array, from: number, length: number): boolean {
  if (bytes.length !== length) return false;
  const others = source;
  for (let i = 0; i < length; i++) if (bytes[i] !== others[from + i]) return false;
  return true;
}

function readText(length: number): string {
  const from = pass(length);
  const to = at;
  const isCut = length < cutText && end >= windowBytesMin;
  if ((!isCut && length >= shortText) || !isAscii(from, to))
    return utf8Slice.call(source, from, to);
  if (isCut) {
    if (from < windowFrom || to > windowTo) openWindow(from);
    return window.substring(from - windowFrom, to - windowFrom);
  }
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(source[i] as number);
  return text;
}

function isAscii(from: number, to: number): boolean {
  const bytes = source;
  const last4 = to - 4;
  let bits = 0;
  let i = from;
  // Four at a time: this is what most of the reading is.
  for (; i <= last4; i += 4) {
    bits |= bytes[i]! | bytes[i + 1]! | bytes[i + 2]! | bytes[i + 3]!;
  }
  for (; i < to; i++) bits |= bytes[i] as number;
  return bits < 0x80;
}

function openWindow(from: number): void {
  windowFrom = from;
  windowTo = Math.min(end, from + windowBytes);
  window = latin1Slice.call(source, windowFrom, windowTo);
}

function readBytes(length: number): Uint8Array {
  const from = pass(length);
  const bytes = new Uint8Array(length);
  bytes.set(source.subarray(from, at));
  return bytes;
}

/** One byte behind the type: of a list, it means nothing, and the list follows. */
function readExtension1(depth: number): unknown {
  if (at + 2 > end) throw tooShort();
  const type = source[at];
  switch (type) {
    case 0x00:
      at += 2;
      return undefined;
    case 0x4d:
      at += 2;
      return readMap(depth);
    case 0x73:
      at += 2;
      return new Set(readList(depth));
    default:
      return readExtension(1);
  }
}

/** The list of a map or a set, and nothing else: another set would lead to another one, without end. */
function readList(depth: number): unknown[] {
  const token = source[at] ?? 0;
  const isList = (token >= 0x90 && token < 0xa0) || token === 0xdc || token === 0xdd;
  if (isList) return read(depth) as unknown[];
  throw new TypeError('has a map or a set without a list');
}

function readMap(depth: number): Map<unknown, unknown> {
  const list = readList(depth);
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < list.length; i += 2) map.set(list[i], list[i + 1]);
  return map;
}

function readExtension(length: number): unknown {
  if (at + 1 + length > end) throw tooShort();
  const type = source[at++];
  switch (type) {
    case 0x42:
      return readLargeBigint(length);
    case 0x74:
      if (length === 0 || source[at] !== 1) throw new TypeError('has an array of an unknown type');
      at += 1;
      return readBytes(length - 1);
    case 0xff:
      return readDate(length);
    default:
      throw new TypeError(`has an extension of type ${type}`);
  }
}

function readLargeBigint(length: number): bigint {
  const from = pass(length);
  if (length === 0) return 0n;
  const hex = Buffer.from(source.buffer, source.byteOffset + from, length).toString('hex');
  return BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
}

function readDate(length: number): Date {
  switch (length) {
    case 4:
      return new Date(readUint(4) * 1000);
    case 8: {
      // Nanoseconds in the upper 30 bits, seconds in the others.
      const upper = readUint(4);
      const seconds = (upper & 3) * 0x1_0000_0000 + readUint(4);
      return new Date(seconds * 1000 + Math.floor((upper >>> 2) / 1_000_000));
    }
    case 12: {
      const ms = Math.floor(readUint(4) / 1_000_000);
      return new Date(Number(numbers().getBigInt64(pass(8))) * 1000 + ms);
    }
    default:
      at += length;
      return new Date(Number.NaN);
  }
}
