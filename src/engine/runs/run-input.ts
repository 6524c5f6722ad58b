/** Inputs of runs: validated once, and known again when the same start is repeated. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { decode, encode } from '../../core/codec.ts';
import { PawlError } from '../../core/errors.ts';
import { givenOf, withGiven } from '../../core/given.ts';
import type { Limits } from '../../core/limits.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { validate } from '../../core/schema.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';

/**
 * What a caller gives, as it is stored: what the schema makes of it, and the digest of what it was where that is not the
 * same.
 * @throws InvalidError, DefinitionError, UnstorableError, LimitError.
 */
export function encodeInput(workflow: AnyWorkflow, given: unknown, limits: Limits): Uint8Array {
  const schema = workflow.definition.input;
  const valid: unknown = schema === undefined ? given : validate(schema, given, 'input');
  const bytes = encode(valid, 'input', limits.inputBytes);
  const digest = isDeepStrictEqual(valid, given) ? undefined : digestOf(given);
  return digest === undefined ? bytes : withGiven(bytes, digest);
}

/** True when two stored inputs are of the same start: what was given is the same, or what was made of it. */
export function isSameInput(stored: Uint8Array, again: Uint8Array, run: string): boolean {
  const before: unknown = decode(stored, { key: `run ${run}, input` });
  const now: unknown = decode(again, { key: 'input' });
  if (isDeepStrictEqual(before, now)) return true;
  const [givenBefore, givenNow] = [
    givenOf(stored) ?? digestOf(before),
    givenOf(again) ?? digestOf(now),
  ];
  return givenBefore !== undefined && isDeepStrictEqual([...givenBefore], [...(givenNow ?? [])]);
}

/** The same for the same value, in whatever order its fields are; undefined for what cannot be stored. */
function digestOf(given: unknown): Uint8Array | undefined {
  try {
    const bytes = encode(ordered(given), 'input', Infinity);
    return createHash('sha256').update(bytes).digest().subarray(0, 16);
  } catch (error) {
    if (PawlError.is(error)) return undefined;
    throw error;
  }
}

/** With the fields of objects in the order of their names. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [ordered(key), ordered(item)]));
  }
  if (value instanceof Set) return new Set([...value].map(ordered));
  if (!isPlainObject(value)) return value;
  const fields = Object.keys(value).toSorted();
  return Object.fromEntries(fields.map((field) => [field, ordered(value[field])]));
}
