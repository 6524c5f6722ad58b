/** What a line of a log tells of an error: what it is, what caused it, and where in the user's code it came up. */
import { recordError } from './error-record.ts';
import type { ErrorRecord } from './errors.ts';

export interface ErrorWords {
  readonly error: string;
  readonly code?: string;
  /** What the error itself does not say already. */
  readonly cause?: string;
  /** File and line. */
  readonly at?: string;
}

/** Never throws. */
export function errorWords(thrown: unknown): ErrorWords {
  const record = recordError(thrown);
  const causes: ErrorRecord[] = [];
  for (let { cause } = record; cause !== undefined; { cause } = cause) causes.push(cause);
  const unsaid = causes.filter(({ message }) => !record.message.includes(message));
  // The innermost one is where it began.
  const at = [...causes.toReversed(), record].map(placeOf).find((place) => place !== undefined);
  return {
    error: wordsOf(record),
    ...(record.code === undefined ? {} : { code: record.code }),
    ...(unsaid.length === 0 ? {} : { cause: unsaid.map(wordsOf).join(' < ') }),
    ...(at === undefined ? {} : { at }),
  };
}

function wordsOf({ name, message, thrown }: ErrorRecord): string {
  return thrown === undefined ? `${name}: ${message}` : message;
}

/** The first line of the stack that is neither Node's nor a package's. */
function placeOf({ stack }: ErrorRecord): string | undefined {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = frames.find((frame) => !/node:|node_modules|<anonymous>|\(native/.test(frame));
  return own === undefined ? undefined : /\(?(?:file:\/\/)?([^\s()]+:\d+:\d+)\)?$/.exec(own)?.[1];
}
