/**
 * Plain data as JSON that people can read and that loses nothing. What JSON cannot say is an object with one field:
 *
 *   {"$date": "2026-01-31T12:00:00.000Z"}      a date; null in it is an invalid one
 *   {"$bigint": "12"}                          a bigint
 *   {"$bytes": "AAEC"}                         binary, base64
 *   {"$map": [[key, value], …]}                a map
 *   {"$set": [item, …]}                        a set
 *   {"$number": "NaN"}                         NaN, Infinity, -Infinity, -0
 *   {"$undefined": true}                       undefined
 *   {"$encoded": value}                        binary that is a value encoded by `codec.ts`, such as the result of a step
 *   {"$object": {…}}                           an object whose only field begins with $: so that it is not taken for a tag
 *
 * Reading constructs nothing but these; an object with one field that begins with $ and is none of them is refused.
 */
import { decode, encode } from './codec.ts';

/** The value as JSON can say it. Only plain data, checked before. */
export function toTagged(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $bigint: String(value) };
    case 'undefined':
      return { $undefined: true };
    case 'number':
      if (Object.is(value, -0)) return { $number: '-0' };
      return Number.isFinite(value) ? value : { $number: String(value) };
    case 'object':
      return value === null ? null : toTaggedObject(value);
    default:
      return value;
  }
}

function toTaggedObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(toTagged);
  if (value instanceof Date) {
    return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() };
  }
  if (value instanceof Uint8Array) {
    const encoded = decoded(value);
    return encoded === undefined
      ? { $bytes: toBase64(value) }
      : { $encoded: toTagged(encoded.value) };
  }
  if (value instanceof Map) {
    return { $map: [...value].map(([key, item]) => [toTagged(key), toTagged(item)]) };
  }
  if (value instanceof Set) return { $set: [...value].map(toTagged) };
  const entries = Object.entries(value).map(([key, item]) => [key, toTagged(item)] as const);
  const object = Object.fromEntries(entries);
  return entries.length === 1 && entries[0]?.[0].startsWith('$') === true
    ? { $object: object }
    : object;
}

/** The inverse of `toTagged`. @throws TypeError for what it did not write. */
export function fromTagged(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromTagged);
  const entries = Object.entries(json);
  const [first] = entries;
  if (entries.length === 1 && first?.[0].startsWith('$') === true) {
    return fromTag(first[0], first[1]);
  }
  return fromFields(json);
}

function fromFields(json: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(json).map(([key, item]) => {
      if (key === '__proto__') throw new TypeError('a field is named __proto__');
      return [key, fromTagged(item)];
    }),
  );
}

function fromTag(tag: string, body: unknown): unknown {
  switch (tag) {
    case '$date':
      return new Date(body === null ? Number.NaN : text(body));
    case '$bigint':
      return BigInt(text(body));
    case '$bytes':
      return fromBase64(text(body));
    case '$encoded':
      return encode(fromTagged(body), '$encoded', Infinity);
    case '$number':
      return Number(text(body));
    case '$undefined':
      return undefined;
    case '$set':
      return new Set(list(body).map(fromTagged));
    case '$map':
      return new Map(
        list(body).map((entry) => {
          const [key, item] = list(entry);
          return [fromTagged(key), fromTagged(item)];
        }),
      );
    case '$object':
      if (typeof body === 'object' && body !== null) return fromFields(body);
      throw new TypeError('$object is no object');
    default:
      throw new TypeError(`${tag} is no known tag`);
  }
}

function text(body: unknown): string {
  if (typeof body === 'string') return body;
  throw new TypeError('the value of a tag is no text');
}

function list(body: unknown): readonly unknown[] {
  if (Array.isArray(body)) return body;
  throw new TypeError('the value of a tag is no list');
}

/** What bytes are the encoding of; undefined unless encoding it again gives the very same bytes. */
function decoded(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const value = decode(bytes, { key: 'bytes' });
    const again = encode(value, 'bytes', Infinity);
    const same = again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
    return same ? { value } : undefined;
  } catch {
    return undefined;
  }
}

export function toBase64(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

export function fromBase64(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}
