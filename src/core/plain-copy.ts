/**
 * Copies of what somebody else has made, in bounded room: what is plain data is copied, what is not is left out.
 *
 * For values that cannot be refused, such as the fields of an error. What must be stored as it is goes through `codec.ts`,
 * which refuses instead.
 */

const depthMax = 4;
const itemsMax = 100;
const textLength = 1000;
/** Larger numbers are nobody's id. */
const bigintBits = 512;
/** What a value takes at least, encoded. */
const entryBytes = 8;
export const loneSurrogates =
  /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Bytes that may still be taken. */
export class Room {
  #left: number;
  readonly #around: Room | undefined;

  constructor(bytes: number, around?: Room) {
    this.#left = bytes;
    this.#around = around;
  }

  get left(): number {
    return Math.min(this.#left, this.#around?.left ?? Infinity);
  }

  /** Nothing of use fits any more. */
  get isFull(): boolean {
    return this.left < 64;
  }

  /** Room inside of this one. */
  part(bytes: number): Room {
    return new Room(bytes, this);
  }

  /** Takes as much of a text as fits, at most `length` characters. */
  text(text: string, length: number): string {
    const most = Math.max(0, Math.min(length, this.left - entryBytes));
    let cut = text.length <= most ? text : `${text.slice(0, most)}…`;
    let bytes = Buffer.byteLength(cut);
    if (bytes > this.left) {
      // Characters take up to three bytes: as many as surely fit.
      cut = `${text.slice(0, Math.floor(most / 3))}…`;
      bytes = Buffer.byteLength(cut);
    }
    this.take(bytes + entryBytes);
    return cut.replaceAll(loneSurrogates, '\ufffd');
  }

  /** True when there is room for an entry of this name, which is taken. */
  has(name = ''): boolean {
    const bytes = Buffer.byteLength(name) + entryBytes;
    if (this.left < bytes) return false;
    this.take(bytes);
    return true;
  }

  take(bytes: number): void {
    this.#left -= bytes;
    this.#around?.take(bytes);
  }
}

export interface PlainCopy {
  readonly value: unknown;
  /** It is all there was. */
  readonly isWhole: boolean;
}

/** A getter may throw, and so may every trap of a proxy. */
export function readField(target: object, key: string): unknown {
  try {
    return (target as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** Undefined when nothing of it can be kept. Never throws. */
export function copyPlain(value: unknown, room: Room, depth = 0): PlainCopy | undefined {
  try {
    return copy(value, room, depth);
  } catch {
    return undefined;
  }
}

function copy(value: unknown, room: Room, depth: number): PlainCopy | undefined {
  switch (typeof value) {
    case 'string':
      return copyText(value, room);
    case 'number':
    case 'boolean':
    case 'undefined':
      return whole(value);
    case 'bigint':
      room.take(bigintBits / 8);
      return BigInt.asIntN(bigintBits, value) === value ? whole(value) : undefined;
    case 'object':
      return value === null ? whole(null) : copyObject(value, room, depth);
    case 'function':
    case 'symbol':
      return undefined;
  }
}

function copyText(value: string, room: Room): PlainCopy | undefined {
  if (room.isFull) return undefined;
  const text = room.text(value, textLength);
  return { value: text, isWhole: text === value };
}

function copyObject(value: object, room: Room, depth: number): PlainCopy | undefined {
  if (value instanceof Date) return whole(new Date(value.getTime()));
  if (depth >= depthMax) return undefined;
  if (Array.isArray(value)) return copyItems(value, room, depth);
  if (value instanceof Uint8Array) return copyBytes(value, room);
  if (value instanceof Set) {
    const items = copyItems(firstOf(value), room, depth);
    return { value: new Set(items.value), isWhole: items.isWhole };
  }
  if (value instanceof Map) {
    const entries = copyItems(firstOf(value), room, depth);
    return { value: new Map(entries.value as [unknown, unknown][]), isWhole: entries.isWhole };
  }
  if (value instanceof Error) {
    const said = { name: value.name, message: value.message };
    return { ...copyFields(Object.assign(said, value), room, depth), isWhole: false };
  }
  return isPlainObject(value) ? copyFields(value, room, depth) : undefined;
}

/** An object literal, of whatever realm. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** One more than is copied, so that it is seen when there are more. */
function firstOf(items: Iterable<unknown>): unknown[] {
  const first: unknown[] = [];
  for (const item of items) {
    if (first.push(item) > itemsMax) break;
  }
  return first;
}

function copyBytes(value: Uint8Array, room: Room): PlainCopy | undefined {
  if (value.length + entryBytes > room.left) return undefined;
  room.take(value.length + entryBytes);
  return whole(Uint8Array.from(value));
}

function copyItems(
  items: readonly unknown[],
  room: Room,
  depth: number,
): { readonly value: unknown[]; readonly isWhole: boolean } {
  const copies: unknown[] = [];
  let isWhole = items.length <= itemsMax;
  for (const item of items.slice(0, itemsMax)) {
    if (!room.has()) return { value: copies, isWhole: false };
    const one = copyPlain(item, room, depth + 1);
    // Its place is kept.
    copies.push(one?.value);
    isWhole &&= one?.isWhole === true;
  }
  return { value: copies, isWhole };
}

/** What is plain comes first: whatever room there is, is not used up by what is deep. */
function copyFields(fields: object, room: Room, depth: number): PlainCopy {
  const copies: Record<string, unknown> = {};
  let isWhole = true;
  const add = (key: string, value: unknown): void => {
    const one = room.has(key) ? copyPlain(value, room, depth + 1) : undefined;
    if (one !== undefined && key !== '__proto__') copies[key] = one.value;
    isWhole &&= one?.isWhole === true && key !== '__proto__';
  };
  const deep: [string, unknown][] = [];
  for (const key of Object.keys(fields).slice(0, itemsMax)) {
    const value = readField(fields, key);
    if (typeof value === 'object' && value !== null) deep.push([key, value]);
    else add(key, value);
  }
  for (const [key, value] of deep) add(key, value);
  return { value: copies, isWhole: isWhole && Object.keys(fields).length <= itemsMax };
}

function whole(value: unknown): PlainCopy {
  return { value, isWhole: true };
}
