/**
 * What two threads send each other: calls, and what has become of them.
 *
 * A structured clone carries all that the contracts of stores and queues have, but not functions, and of an error not its
 * class. So functions travel as numbers, each with the place where it belongs, and errors as records.
 */
import { SweptError } from '../core/blobs.ts';
import { recordError, reviveError } from '../core/error-record.ts';
import type { ErrorRecord } from '../core/errors.ts';

/** Gives another thread what it calls to call back. */
export type Callable = (...args: readonly unknown[]) => unknown;

/** A value without its functions, and where they were. */
export interface Packed {
  readonly value: unknown;
  readonly functions: readonly { readonly path: readonly string[]; readonly number: number }[];
}

/** Name of a method, or number of a function that the other side has given. */
export type Target = string | number;

export interface FailureRecord {
  readonly record: ErrorRecord;
  /** The one error of the contracts that is neither JavaScript's nor a PawlError. */
  readonly isSwept: boolean;
}

export type ThreadMessage =
  | { readonly kind: 'call'; readonly call: number; readonly target: Target; readonly args: Packed }
  | { readonly kind: 'result'; readonly call: number; readonly result: Packed }
  | { readonly kind: 'failure'; readonly call: number; readonly failure: FailureRecord };

type Fields = Readonly<Record<string, unknown>>;

const isPlain = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Takes the functions out of a value. */
export function pack(value: unknown, numberOf: (fn: Callable) => number): Packed {
  const functions: { path: readonly string[]; number: number }[] = [];
  const without = (part: unknown, path: readonly string[]): unknown => {
    if (typeof part === 'function') {
      functions.push({ path, number: numberOf(part as Callable) });
      return undefined;
    }
    if (ArrayBuffer.isView(part)) return compact(part);
    if (Array.isArray(part)) return part.map((one, i) => without(one, [...path, `${i}`]));
    if (part instanceof Map) {
      return new Map([...part].map(([key, one]) => [key, without(one, [])]));
    }
    if (!isPlain(part)) return part;
    const entries = Object.entries(part);
    return Object.fromEntries(entries.map(([key, one]) => [key, without(one, [...path, key])]));
  };
  return { value: without(value, []), functions };
}

/** Of a view, a clone carries the whole buffer that it looks into: often one that many small values share. */
function compact(view: ArrayBufferView): unknown {
  const isWhole = view.byteLength === view.buffer.byteLength;
  return view instanceof Uint8Array && !isWhole ? Uint8Array.prototype.slice.call(view) : view;
}

/** Puts functions back where they were. */
export function unpack(
  { value, functions }: Packed,
  toCall: (number: number) => Callable,
): unknown {
  const holder: { whole: unknown } = { whole: value };
  for (const { path, number } of functions) {
    const way = ['whole', ...path];
    const last = way.pop() ?? '';
    let at = holder as Record<string, unknown>;
    for (const part of way) at = at[part] as Record<string, unknown>;
    at[last] = toCall(number);
  }
  return holder.whole;
}

export function toFailure(error: unknown): FailureRecord {
  return { record: recordError(error), isSwept: error instanceof SweptError };
}

/** An error as it was thrown in the other thread, of the same class. */
export function toError({ record, isSwept }: FailureRecord): unknown {
  const error = reviveError(record);
  if (isSwept && error instanceof Error) Object.setPrototypeOf(error, SweptError.prototype);
  return error;
}
