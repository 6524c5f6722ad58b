/**
 * What can be told of a schema of zod by looking at what it is made of: of zod 4, its smaller sibling, and zod 3. Nothing
 * is imported from it, so that any copy of it will do. Of a schema of another library nothing is known.
 */
import type { Schema } from '../../core/schema.ts';

/** What a schema is made of: `def` of zod 4, `_def` of zod 3. */
type Parts = Readonly<Record<string, unknown>>;

interface Change {
  readonly path: string;
  /** In words, such as: has a transform. */
  readonly what: string;
}

/** Values that tell whether a function that normalises leaves its own output alone. */
const samples: readonly unknown[] = ['', ' Äb  Cd ', 'x-1', 0, 1, -2.5, 1e6, 7n, true, false];

function partsOf(schema: unknown): Parts | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const { _zod: inner, _def } = schema as { _zod?: { def?: unknown }; _def?: unknown };
  const parts = inner?.def ?? _def;
  return typeof parts === 'object' && parts !== null ? (parts as Parts) : undefined;
}

/** The first place in a schema that changes what it is given; undefined when there is none that can be seen. */
export function findChange(
  schema: unknown,
  path: string,
  seen: Set<unknown> = new Set(),
): Change | undefined {
  const parts = partsOf(schema);
  if (parts === undefined || seen.has(schema)) return undefined;
  seen.add(schema);
  const what = changeOf(parts);
  if (what !== undefined) return { path, what };
  for (const [name, inner] of insideOf(parts)) {
    const found = findChange(inner, path + name, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

function changeOf(parts: Parts): string | undefined {
  const { type, typeName, effect, coerce, transform, checks } = parts;
  if (coerce === true) return 'is coerced';
  if (type === 'transform' || (type === 'pipe' && transform !== undefined))
    return 'has a transform';
  if (type === 'success') return 'says only whether something fits';
  const { type: effectType } = (effect ?? {}) as { readonly type?: unknown };
  const isEffect = typeName === 'ZodEffects' && effectType !== 'refinement';
  if (isEffect) return `has a ${String(effectType)}`;
  const isOverwritten = Array.isArray(checks) && checks.some(overwrites);
  return isOverwritten ? 'is overwritten by something else each time' : undefined;
}

/** `trim` and the like leave alone what they have made; a function of the workflow's own may not. */
function overwrites(check: unknown): boolean {
  const { check: kind, tx } = partsOf(check) ?? {};
  if (kind !== 'overwrite' || typeof tx !== 'function') return false;
  return samples.some((sample) => {
    try {
      const once: unknown = tx(sample);
      return typeof once === typeof sample && !Object.is(tx(once), once);
    } catch {
      return false;
    }
  });
}

/** Parts that hold values, or make them when they are read. */
const noSchemas = new Set(['defaultValue', 'catchValue', 'values', 'entries']);

/** The schemas inside of one, each with what the path to it gains. */
function* insideOf(parts: Parts): Iterable<readonly [string, unknown]> {
  for (const name of Object.keys(parts)) {
    if (noSchemas.has(name)) continue;
    const value = parts[name];
    if (name === 'shape') {
      const shape: unknown = typeof value === 'function' ? value() : value;
      for (const [field, schema] of Object.entries(shape ?? {})) yield [`.${field}`, schema];
    } else if (name === 'getter' && typeof value === 'function') {
      yield ['', value()];
    } else if (Array.isArray(value)) {
      for (const schema of value) yield ['', schema];
    } else {
      yield ['', value];
    }
  }
}

/**
 * The fields of an object's schema, when the object fits if each of its fields does; undefined when there is more to it, or
 * nothing is known.
 */
export function shapeOf(schema: unknown): ReadonlyMap<string, Schema> | undefined {
  const { type, shape, checks, catchall } = partsOf(schema) ?? {};
  const isAll = type === 'object' && !(Array.isArray(checks) && checks.length > 0);
  if (!isAll || catchall !== undefined || typeof shape !== 'object' || shape === null)
    return undefined;
  return new Map(Object.entries(shape));
}

/** What a person would fill in for a value: a text, a number, a yes or no, one of several texts, or anything as JSON. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'json' | readonly string[];

/** Schemas that stand around another one. */
const around = /^(Zod)?(optional|nullable|default|prefault|nonoptional|catch|readonly|branded)$/i;
const unwrapMax = 20;

/** The fields of an object's schema, for a form; undefined when it is none, or nothing is known. */
export function formFields(schema: unknown): ReadonlyMap<string, FieldKind> | undefined {
  const parts = partsOf(unwrapped(schema));
  if (parts?.['type'] !== 'object' && parts?.['typeName'] !== 'ZodObject') return undefined;
  const { shape } = parts;
  const fields: unknown = typeof shape === 'function' ? shape() : shape;
  if (typeof fields !== 'object' || fields === null) return undefined;
  return new Map(Object.entries(fields).map(([name, field]) => [name, kindOf(field)]));
}

function unwrapped(schema: unknown): unknown {
  let inner = schema;
  for (let i = 0; i < unwrapMax; i++) {
    const parts = partsOf(inner);
    if (!around.test(nameOf(parts)) || parts?.['innerType'] === undefined) return inner;
    inner = parts['innerType'];
  }
  return inner;
}

function nameOf(parts: Parts | undefined): string {
  const name = parts?.['typeName'] ?? parts?.['type'];
  return typeof name === 'string' ? name : '';
}

function kindOf(schema: unknown): FieldKind {
  const parts = partsOf(unwrapped(schema)) ?? {};
  const kind = nameOf(parts).replace(/^Zod/, '').toLowerCase();
  if (kind === 'string') return 'text';
  if (kind === 'number' || kind === 'boolean') return kind;
  const options: readonly unknown[] =
    kind === 'literal'
      ? [parts['values'] ?? parts['value']].flat()
      : kind === 'enum' || kind === 'nativeenum'
        ? Object.values(parts['entries'] ?? parts['values'] ?? {})
        : [];
  return options.length > 0 && options.every((one) => typeof one === 'string') ? options : 'json';
}
