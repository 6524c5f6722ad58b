/** The fields of a line as an importer needs them: each checked, and named with its line when it does not fit. */
import { InvalidError, PawlError } from '../../core/errors.ts';
import { fromPortable, type Line } from './portable.ts';

/** Fences, seqs and counts stay far below what a number can hold, so that one more is another one. */
const integerMax = 2 ** 52;
/** What a text is cut to in a message. */
const shownLength = 60;
/** No payload that pawl writes comes near it, and Redis takes none of eight times the size. */
const payloadBytesMax = 64 * 1024 * 1024;

export class LineFields {
  readonly number: number;
  readonly #line: Line;
  readonly #read = new Set(['kind', 'run']);

  constructor(line: Line, number: number) {
    this.#line = line;
    this.number = number;
  }

  problem(what: string, cause?: unknown): InvalidError {
    return new InvalidError(
      `line ${this.number}`,
      `${what}; nothing of this run was imported.`,
      cause,
    );
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#line, name);
  }

  text(name: string, length: number): string {
    const value = this.#take(name);
    if (typeof value === 'string' && value.length <= length) return value;
    throw this.#misfit(name, value, `a text of at most ${length} characters`);
  }

  optionalText(name: string, length: number): string | undefined {
    return this.has(name) ? this.text(name, length) : undefined;
  }

  /** A text that a check of its own accepts. */
  checked(name: string, check: (value: unknown) => void): string {
    const value = this.#take(name);
    this.attempt(name, () => check(value));
    return value as string;
  }

  integer(
    name: string,
    { min = 0, max = integerMax }: { min?: number; max?: number } = {},
  ): number {
    const value = this.#take(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
      return value;
    throw this.#misfit(name, value, `a whole number from ${min} to ${max}`);
  }

  flag(name: string): boolean {
    const value = this.has(name) ? this.#take(name) : false;
    if (typeof value === 'boolean') return value;
    throw this.#misfit(name, value, 'true or false');
  }

  /** Milliseconds since 1970 of a time in ISO 8601, written as an export writes it. */
  time(name: string): number {
    const value = this.#take(name);
    const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    if (at >= 0 && new Date(at).toISOString() === value) return at;
    throw this.#misfit(name, value, 'a time such as 2026-01-31T12:00:00.000Z');
  }

  optionalTime(name: string): number | undefined {
    return this.has(name) ? this.time(name) : undefined;
  }

  texts(name: string, length: number): readonly string[] {
    const value = this.#take(name);
    const isRight = (item: unknown): boolean => typeof item === 'string' && item.length <= length;
    if (Array.isArray(value) && value.every(isRight)) return value as string[];
    throw this.#misfit(name, value, `a list of texts of at most ${length} characters`);
  }

  list(name: string, length: number): readonly unknown[] {
    const value = this.#take(name);
    if (Array.isArray(value) && value.length <= length) return value;
    throw this.#misfit(name, value, `a list of at most ${length} items`);
  }

  object(name: string): Readonly<Record<string, unknown>> {
    const value = this.#take(name);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    throw this.#misfit(name, value, 'an object');
  }

  payload(name: string): Uint8Array {
    if (!this.has(name)) throw this.#misfit(name, undefined, 'a value');
    return this.encoded(name, this.#take(name));
  }

  optionalPayload(name: string): Uint8Array | undefined {
    return this.has(name) ? this.payload(name) : undefined;
  }

  encoded(name: string, json: unknown): Uint8Array {
    const bytes = this.attempt(name, () => fromPortable(json));
    if (bytes.length <= payloadBytesMax) return bytes;
    throw this.problem(
      `has a field ${shown(name)} of ${bytes.length} bytes; at most ${payloadBytesMax} are taken`,
    );
  }

  /** What `work` throws is the line's fault. */
  attempt<T>(name: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      // RangeError is a value nested so deep that the stack ends.
      const isExpected =
        PawlError.is(error) ||
        error instanceof TypeError ||
        error instanceof RangeError ||
        error instanceof SyntaxError;
      if (!isExpected) throw error;
      throw this.problem(`has no usable field ${shown(name)} (${error.message})`, error);
    }
  }

  /** Refuses what nobody has asked for: it would be lost without a word. */
  end(): void {
    const unknown = Object.keys(this.#line).find((name) => !this.#read.has(name));
    if (unknown !== undefined) {
      throw this.problem(`has a field ${shown(unknown)} that this version does not know`);
    }
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.has(name) ? this.#line[name] : undefined;
  }

  #misfit(name: string, value: unknown, wanted: string): InvalidError {
    const found = value === undefined ? 'is absent' : `is ${shown(value)}`;
    return this.problem(`needs ${wanted} as ${name}, which ${found}`);
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
