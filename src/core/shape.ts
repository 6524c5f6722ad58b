/**
 * A look at msgpack bytes before they are decoded: that is where a few hostile bytes could ask for gigabytes, or for an
 * object of a class.
 *
 * Decoders make an array of the announced length before they read its items. An item takes at least one byte, so all the
 * lengths together are never more than the bytes there are; what announces more is refused. So is every extension that
 * codec.ts does not write: msgpackr knows how to make errors, expressions and shared structures of them.
 *
 * One pass from token to token, without recursion and without memory of its own.
 */

/** What codec.ts writes: undefined, large bigints, maps, sets, arrays of bytes, dates. */
const extensions = {
  nothing: 0x00,
  bigint: 0x42,
  map: 0x4d,
  set: 0x73,
  bytes: 0x74,
  date: 0xff,
} as const;
/** Of all typed arrays, the one that is plain data. */
const uint8 = 1;
const known = new Set<number>(Object.values(extensions));
const holdsValues = new Set<number>([extensions.map, extensions.set]);

/** Bytes behind the token for 0xc0 … 0xdf; undefined for those with a length of their own, and for unused ones. */
const fixed: readonly (number | undefined)[] = [
  ...[0, undefined, 0, 0, undefined, undefined, undefined, undefined, undefined, undefined, 4, 8],
  ...[1, 2, 4, 8, 1, 2, 4, 8, undefined, undefined, undefined, undefined, undefined, undefined],
];

/** @throws RangeError, TypeError. `start`: where the msgpack begins. */
export function checkShape(bytes: Uint8Array, start: number): void {
  const { length } = bytes;
  let at = start;
  let items = 0;
  const read = (size: number): number => {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (bytes[at + i] ?? 0);
    at += size;
    return value;
  };
  const skip = (size: number): void => {
    at += size;
  };
  const extension = (size: number): void => {
    const type = read(1);
    if (!known.has(type) || (type === extensions.bytes && bytes[at] !== uint8))
      throw new TypeError(`has an extension of type ${type}`);
    if (!holdsValues.has(type)) at += size;
  };
  while (at < length) {
    const token = bytes[at++] ?? 0;
    if (token < 0x80 || token >= 0xe0) continue;
    if (token < 0x90) items += 2 * (token & 0x0f);
    else if (token < 0xa0) items += token & 0x0f;
    else if (token < 0xc0) at += token & 0x1f;
    else if (fixed[token - 0xc0] !== undefined) at += fixed[token - 0xc0] ?? 0;
    else if (token >= 0xc4 && token <= 0xc6) skip(read(1 << (token - 0xc4)));
    else if (token >= 0xc7 && token <= 0xc9) extension(read(1 << (token - 0xc7)));
    else if (token >= 0xd4 && token <= 0xd8) extension(1 << (token - 0xd4));
    else if (token >= 0xd9 && token <= 0xdb) skip(read(1 << (token - 0xd9)));
    else if (token === 0xdc || token === 0xdd) items += read(token === 0xdc ? 2 : 4);
    else if (token >= 0xde) items += 2 * read(token === 0xde ? 2 : 4);
    else throw new TypeError(`has an unused token 0x${token.toString(16)}`);
    if (items > length) throw new RangeError('announces more items than there are bytes');
  }
  if (at > length) throw new RangeError('ends in the middle of a value');
}
