/** Values as a page shows them: escaped by the template, with nothing in them that a reader cannot see, and cut. */
import { toTagged } from '../core/tagged-json.ts';

const previewLength = 2_000;

/** Characters that turn the direction of text around, or stand nowhere: they would let one name look like another. */
const unseen =
  // oxlint-disable-next-line no-control-regex -- control characters are what is made visible
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with every character that is not seen written as its number. */
export function visible(text: unknown): string {
  return String(text).replaceAll(
    unseen,
    (one) => `⟨U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** A payload as JSON; `isCut` when there is more of it than is shown. */
export function preview(value: unknown): { readonly text: string; readonly isCut: boolean } {
  return asJson(value, previewLength, 2);
}

/** A payload in one line of so many characters. */
export function inLine(value: unknown, length: number): string {
  return asJson(value, length).text;
}

function asJson(
  value: unknown,
  length: number,
  indent?: number,
): { readonly text: string; readonly isCut: boolean } {
  const room: Room = { left: length, isCut: false };
  const said = readable(untagged(begun(value, room)));
  const text = JSON.stringify(said, undefined, indent) ?? '';
  const isCut = room.isCut || text.length > length;
  return { text: visible(isCut ? `${text.slice(0, length)}…` : text), isCut };
}

/** What a preview may still take: a page must not stall on megabytes of which it shows a line. */
interface Room {
  left: number;
  isCut: boolean;
}

/** The beginning of a value. */
function begun(value: unknown, room: Room): unknown {
  room.left -= 1;
  if (typeof value === 'string') {
    if (value.length <= room.left) {
      room.left -= value.length;
      return value;
    }
    room.isCut = true;
    const start = value.slice(0, Math.max(0, room.left));
    room.left = 0;
    return start;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return [...taken(value, room)];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    [...some(Object.entries(value), room)].map(([key, item]) => [key, begun(item, room)]),
  );
}

function* taken(items: readonly unknown[], room: Room): Generator {
  for (const item of some(items, room)) yield begun(item, room);
}

function* some<One>(items: readonly One[], room: Room): Generator<One> {
  for (const item of items) {
    if (room.left <= 0) {
      room.isCut = true;
      return;
    }
    yield item;
  }
}

/** What JSON cannot say, as people say it: a date as its time, a map as its entries. */
function readable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(readable);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0].startsWith('$') === true) return readableTag(first);
  return Object.fromEntries(entries.map(([key, item]) => [key, readable(item)]));
}

function readableTag([tag, body]: readonly [string, unknown]): unknown {
  switch (tag) {
    case '$undefined':
      return 'undefined';
    case '$date':
      return body ?? 'an invalid date';
    case '$bigint':
    case '$number':
      return String(body);
    case '$bytes':
      return `${size(Math.floor((String(body).length * 3) / 4))} of binary: ${String(body).slice(0, 60)}`;
    case '$map':
    case '$set':
    case '$object':
      return { [tag.slice(1)]: readable(body) };
    default:
      return { [tag]: readable(body) };
  }
}

/** As JSON can say it; stored results are shown by what they say. */
export function untagged(value: unknown): unknown {
  return unwrap(toTagged(value));
}

export function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unwrap);
  if ('$encoded' in value) return unwrap(value.$encoded);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrap(item)]));
}

const kilo = 1_000;

export function size(bytes: number): string {
  if (bytes < kilo) return `${bytes} B`;
  if (bytes < kilo * kilo) return `${(bytes / kilo).toFixed(1)} kB`;
  return `${(bytes / kilo / kilo).toFixed(1)} MB`;
}
