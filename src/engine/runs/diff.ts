/**
 * What differs between two states, place by place.
 *
 * Own code, because states are more than JSON: the small libraries for this compare maps, sets, binary and bigints by
 * identity or as empty objects, and so find differences where there are none, or none where there are.
 */
import { isDeepStrictEqual } from 'node:util';
import { toTagged } from '../../core/tagged-json.ts';

/** One place at which two states differ. */
export interface Difference {
  /**
   * From the state's top: names of fields, places in lists, keys of maps and members of sets. Keys and members that are no
   * text stand as their JSON. The place of something removed is where it was before.
   */
  readonly path: readonly (string | number)[];
  /**
   * `added`: only the later state has the place. `removed`: only the earlier one. `changed`: both, with other values.
   */
  readonly kind: 'added' | 'removed' | 'changed';
  /** Absent when added. */
  readonly before?: unknown;
  /** Absent when removed. */
  readonly after?: unknown;
}

type Path = readonly (string | number)[];

/** The smallest parts that differ, in the order of the first value; none when the values are equal. */
export function diffStates(before: unknown, after: unknown): Difference[] {
  return [...differences([], before, after)];
}

function* differences(
  path: Path,
  before: unknown,
  after: unknown,
): Generator<Difference, void, undefined> {
  if (isDeepStrictEqual(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    yield* ofLists(path, before, after);
  } else if (before instanceof Map && after instanceof Map) {
    yield* ofEntries(path, byText(before), byText(after));
  } else if (before instanceof Set && after instanceof Set) {
    yield* ofEntries(path, membersByText(before), membersByText(after));
  } else if (isFields(before) && isFields(after)) {
    yield* ofEntries(path, new Map(Object.entries(before)), new Map(Object.entries(after)));
  } else {
    yield { path, kind: 'changed', before, after };
  }
}

function* ofEntries(
  path: Path,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Generator<Difference, void, undefined> {
  for (const [key, value] of before) {
    const at = [...path, key];
    if (after.has(key)) yield* differences(at, value, after.get(key));
    else yield { path: at, kind: 'removed', before: value };
  }
  for (const [key, value] of after) {
    if (!before.has(key)) yield { path: [...path, key], kind: 'added', after: value };
  }
}

/**
 * What both lists begin and end with is left out, so that an item put in at any place is one difference; what is between
 * is compared item by item.
 */
function* ofLists(
  path: Path,
  before: readonly unknown[],
  after: readonly unknown[],
): Generator<Difference, void, undefined> {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isDeepStrictEqual(before[start], after[start])) start += 1;
  let end = 0;
  while (end < shorter - start && isDeepStrictEqual(before.at(-1 - end), after.at(-1 - end))) {
    end += 1;
  }
  const both = shorter - end;
  for (let i = start; i < both; i++) yield* differences([...path, i], before[i], after[i]);
  for (let i = both; i < before.length - end; i++) {
    yield { path: [...path, i], kind: 'removed', before: before[i] };
  }
  for (let i = both; i < after.length - end; i++) {
    yield { path: [...path, i], kind: 'added', after: after[i] };
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function byText(map: ReadonlyMap<unknown, unknown>): Map<string, unknown> {
  return new Map([...map].map(([key, value]) => [textOf(key), value]));
}

function membersByText(set: ReadonlySet<unknown>): Map<string, unknown> {
  return new Map([...set].map((member) => [textOf(member), member]));
}

/** Text that two keys share only when they are equal; a text that could be taken for JSON of another key is quoted. */
function textOf(key: unknown): string {
  if (typeof key !== 'string') return JSON.stringify(toTagged(key));
  return /^[\d"[{-]|^(true|false|null)$/.test(key) ? JSON.stringify(key) : key;
}
