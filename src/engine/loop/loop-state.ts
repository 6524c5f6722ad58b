/**
 * The state of somebody's own loop as snapshot fields: one per top-level field, so that a save sends only what changed.
 *
 * Who brings a loop of their own may change their state in place, so an object is encoded at each save, and compared by its
 * bytes. What cannot change is not: a text, a number, or an object that is frozen all the way down. When the same one comes
 * again, its bytes are those of the save before. So a save costs what has changed, and a look at each of the other fields.
 *
 * Nothing here is stored, and a crash leaves nothing.
 */
import { decode, encodeLent } from '../../core/codec.ts';
import { InvalidError, LimitError } from '../../core/errors.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import type { Snapshot } from '../../core/store.ts';
import { stateField, stateKey } from '../payloads.ts';

/** The bytes of a field. */
interface Cell {
  readonly bytes: Uint8Array;
  /** What they were made of, when that cannot change; else `changeable`. */
  readonly source: unknown;
}

const changeable = Symbol('changeable');

/** The one field of a state that is no object: a list, a number. */
const wholeField = 'state';

/** The names of the fields, in their order. States that follow each other nearly always share one. */
class Layout {
  readonly keys: readonly string[];
  readonly isWhole: boolean;
  readonly #fields: string[] = [];
  #places: Map<string, number> | undefined;

  constructor(keys: readonly string[], isWhole = false) {
    this.keys = keys;
    this.isWhole = isWhole;
  }

  /** The name of a snapshot field. */
  field(place: number): string {
    return (this.#fields[place] ??= this.isWhole ? wholeField : stateField(this.keys[place] ?? ''));
  }

  /** Where a field is; looks at `place` first. Undefined when it is none. */
  placeOf(key: string, place: number): number | undefined {
    if (this.keys[place] === key) return place;
    this.#places ??= new Map(this.keys.map((known, i) => [known, i]));
    return this.#places.get(key);
  }
}

const whole = new Layout([wholeField], true);
const noFields = new Layout([]);

/** Of fewer fields, a store saves little when it takes them as a whole. */
const fullMin = 8;

/** The first piece of a room; each further one is twice as large. */
const roomMin = 4096;
/** So few bytes V8 keeps in the heap, where memory of their own costs less than a part of a room. */
const smallMax = 64;
/** How many times the bytes of its fields a state may keep alive, before they move to one room. */
const heldMax = 4;

/** What must be written so that one state becomes another one. */
interface Changes {
  readonly set: ReadonlyMap<string, Uint8Array>;
  readonly remove: readonly string[];
  /** `set` has all fields that there are then, so the store need not tell them apart. */
  readonly full: boolean;
}

/** Where a state differs from the one that it was made of; both have the same layout. */
interface Difference {
  /** The number of that state. */
  readonly from: number;
  readonly places: readonly number[];
}

/** Some fields of a state that are to be changed. */
export class FieldPatch {
  readonly cells: ReadonlyMap<string, Cell>;

  constructor(cells: ReadonlyMap<string, Cell>) {
    this.cells = cells;
  }
}

let statesMade = 0;

/**
 * Memory for the fields of one save that has many of them: a piece for many costs a third of one for each. A piece lives as
 * long as any field in it, so a state counts what its fields keep alive.
 */
class Room {
  #piece = new Uint8Array(0);
  #used = 0;
  /** Of all its pieces. */
  bytes = 0;

  /** A copy that stays. */
  keep(lent: Uint8Array): Uint8Array {
    const { length } = lent;
    if (this.#used + length > this.#piece.length) {
      this.#piece = new Uint8Array(Math.max(length, 2 * this.#piece.length, roomMin));
      this.#used = 0;
      this.bytes += this.#piece.length;
    }
    this.#piece.set(lent, this.#used);
    this.#used += length;
    return this.#piece.subarray(this.#used - length, this.#used);
  }
}

/** A state, encoded. */
export class LoopState {
  /** Of all fields together. */
  readonly bytes: number;
  /** Of the rooms that its fields are in. */
  #held = 0;
  readonly #layout: Layout;
  readonly #cells: readonly Cell[];
  /** By it another state says that it was made of this one, and keeps nothing of it. */
  readonly #number = ++statesMade;
  readonly #difference: Difference | undefined;

  private constructor(
    layout: Layout,
    cells: readonly Cell[],
    bytes = sizeOf(cells),
    difference?: Difference,
  ) {
    this.#layout = layout;
    this.#cells = cells;
    this.bytes = bytes;
    this.#difference = difference;
  }

  /** As a store has it; one that was never saved has no fields. */
  static of(snapshot: Snapshot | undefined): LoopState {
    if (snapshot === undefined) return new LoopState(noFields, []);
    const { fields } = snapshot;
    const state = fields.get(wholeField);
    if (state !== undefined) return new LoopState(whole, [toCell(state)]);
    const keys = [...fields.keys()].map((field) => stateKey(field) ?? field);
    return new LoopState(new Layout(keys), [...fields.values()].map(toCell));
  }

  /** Encodes a state that comes after this one. @throws UnstorableError with the path; LimitError when it is too large. */
  followedBy(state: unknown, limit: number): LoopState {
    if (!hasFields(state)) return checked(this.#followedByWhole(state, limit), limit);
    const keys = Object.keys(state);
    const isSame = !this.#layout.isWhole && isEqualList(keys, this.#layout.keys);
    const next = isSame
      ? this.#withValues(state, limit)
      : this.#withOtherFields(state, keys, limit);
    return checked(next, limit);
  }

  /** @throws InvalidError when the state has no fields; LimitError when the whole is too large. */
  patched({ cells }: FieldPatch, limit: number): LoopState {
    const layout = this.#layout;
    if (layout.isWhole) {
      throw new InvalidError('patch', 'needs a state that is an object. Save this one as a whole.');
    }
    const after = [...this.#cells];
    const places: number[] = [];
    const added: string[] = [];
    let { bytes } = this;
    for (const [key, cell] of cells) {
      const place = layout.placeOf(key, -1);
      const known = place === undefined ? undefined : after[place];
      bytes += cell.bytes.length - (known?.bytes.length ?? 0);
      if (place === undefined) {
        added.push(key);
        after.push(cell);
      } else {
        if (known === undefined || !isEqual(known.bytes, cell.bytes)) places.push(place);
        after[place] = cell;
      }
    }
    const next =
      added.length === 0
        ? new LoopState(layout, after, bytes, { from: this.#number, places })
        : new LoopState(new Layout([...layout.keys, ...added]), after, bytes);
    next.#held = this.#held;
    return checked(next, limit);
  }

  /** What must be written so that this one becomes `next`. */
  changesTo(next: LoopState): Changes {
    const set = new Map<string, Uint8Array>();
    const known = next.#difference;
    const { places } = known?.from === this.#number ? known : this.#compare(next);
    for (const place of places) {
      const cell = next.#cells[place];
      if (cell !== undefined) set.set(next.#layout.field(place), cell.bytes);
    }
    // Fields that are gone are dropped by it as well.
    const full = set.size >= fullMin && set.size === next.#cells.length;
    return { set, remove: full ? [] : this.#goneIn(next), full };
  }

  #compare(next: LoopState): { readonly places: readonly number[] } {
    const isLike = this.#layout.isWhole === next.#layout.isWhole;
    const places: number[] = [];
    for (const [place, cell] of next.#cells.entries()) {
      const known = isLike ? this.#cell(next.#layout.keys[place] ?? '', place) : undefined;
      if (known === undefined || !isEqual(known.bytes, cell.bytes)) places.push(place);
    }
    return { places };
  }

  /** Snapshot fields that the other one has no more. */
  #goneIn(next: LoopState): string[] {
    if (this.#layout === next.#layout) return [];
    const isLike = this.#layout.isWhole === next.#layout.isWhole;
    const isGone = (key: string, place: number): boolean =>
      !isLike || next.#layout.placeOf(key, place) === undefined;
    return this.#layout.keys.flatMap((key, place) =>
      isGone(key, place) ? [this.#layout.field(place)] : [],
    );
  }

  #followedByWhole(state: unknown, limit: number): LoopState {
    const known = this.#layout.isWhole ? this.#cells[0] : undefined;
    return new LoopState(whole, [nextCell(known, state, wholeField, limit)]);
  }

  /** The same names in the same order: nearly always. What has not changed may cost no more than a look. */
  #withValues(state: Record<string, unknown>, limit: number): LoopState {
    const { keys } = this.#layout;
    const before = this.#cells;
    const cells = before.slice();
    const places: number[] = [];
    let room: Room | undefined;
    let { bytes } = this;
    for (let place = 0; place < keys.length; place++) {
      const key = keys[place] as string;
      const known = before[place] as Cell;
      const value = state[key];
      if (Object.is(known.source, value)) continue;
      if (places.length === fullMin) room ??= new Room();
      const cell = nextCell(known, value, `state.${key}`, limit, room);
      cells[place] = cell;
      if (cell.bytes === known.bytes) continue;
      bytes += cell.bytes.length - known.bytes.length;
      places.push(place);
    }
    const next = new LoopState(this.#layout, cells, bytes, { from: this.#number, places });
    next.#held = (places.length === cells.length ? 0 : this.#held) + (room?.bytes ?? 0);
    return next.#held > heldMax * bytes + roomMin ? next.#inOneRoom() : next;
  }

  /** The same, with nothing kept alive beside it. */
  #inOneRoom(): LoopState {
    const all = Buffer.concat(this.#cells.map(({ bytes }) => bytes));
    let place = 0;
    const cells = this.#cells.map(({ bytes, source }): Cell => {
      place += bytes.length;
      return { bytes: all.subarray(place - bytes.length, place), source };
    });
    const moved = new LoopState(this.#layout, cells, this.bytes, this.#difference);
    moved.#held = this.bytes;
    return moved;
  }

  #withOtherFields(
    state: Record<string, unknown>,
    keys: readonly string[],
    limit: number,
  ): LoopState {
    const isLike = !this.#layout.isWhole;
    const cells = keys.map((key, place) => {
      const known = isLike ? this.#cell(key, place) : undefined;
      const value = state[key];
      if (known !== undefined && Object.is(known.source, value)) return known;
      return nextCell(known, value, `state.${key}`, limit);
    });
    return new LoopState(new Layout(keys), cells);
  }

  #cell(key: string, place: number): Cell | undefined {
    const found = this.#layout.placeOf(key, place);
    return found === undefined ? undefined : this.#cells[found];
  }
}

/** Encodes fields that are to be changed. @throws UnstorableError with the path; LimitError. */
export function packFields(fields: object, limit: number): FieldPatch {
  if (!hasFields(fields)) throw new InvalidError('patch', 'must be an object.');
  const cells = Object.entries(fields).map(
    ([key, value]) => [key, nextCell(undefined, value, `state.${key}`, limit)] as const,
  );
  return new FieldPatch(new Map(cells));
}

/** @throws CorruptionError naming the field. */
export function unpackState(snapshot: Snapshot | undefined, key: string): unknown {
  if (snapshot === undefined) return undefined;
  const state = snapshot.fields.get(wholeField);
  if (state !== undefined) return decode(state, { key: `${key}, snapshot` });
  const entries = [...snapshot.fields].map(([field, bytes]) => [
    stateKey(field) ?? field,
    decode(bytes, { key: `${key}, snapshot field ${field}` }),
  ]);
  return Object.fromEntries(entries);
}

function toCell(bytes: Uint8Array): Cell {
  return { bytes, source: changeable };
}

/** Of the bytes that are there already, when they are the same. */
function nextCell(
  known: Cell | undefined,
  value: unknown,
  what: string,
  limit: number,
  room?: Room,
): Cell {
  const lent = encodeLent(value, what, limit);
  const source = isConstant(value) ? value : changeable;
  if (known !== undefined && isEqual(known.bytes, lent)) return { bytes: known.bytes, source };
  const isLone = room === undefined || lent.length <= smallMax;
  return { bytes: isLone ? ownCopy(lent) : room.keep(lent), source };
}

function ownCopy(lent: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(lent.length);
  bytes.set(lent);
  return bytes;
}

/** It is the same for ever: no part of it can be changed, not even by whoever has made it. */
function isConstant(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (!Object.isFrozen(value) || !(Array.isArray(value) || isPlainObject(value))) return false;
  // A getter may give something else each time.
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (property: PropertyDescriptor) => 'value' in property && isConstant(property.value),
  );
}

function sizeOf(cells: readonly Cell[]): number {
  let bytes = 0;
  for (const cell of cells) bytes += cell.bytes.length;
  return bytes;
}

function isEqualList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function checked(state: LoopState, limit: number): LoopState {
  if (state.bytes > limit) throw new LimitError('state (encoded bytes)', limit, state.bytes);
  return state;
}

function hasFields(state: unknown): state is Record<string, unknown> {
  if (typeof state !== 'object' || state === null) return false;
  // A field of this name cannot be stored; the codec says so.
  if (Object.hasOwn(state, '__proto__')) return false;
  const prototype: unknown = Object.getPrototypeOf(state);
  return prototype === Object.prototype || prototype === null;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}
