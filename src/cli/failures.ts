/** What went wrong, for a person and for a shell. */
import { CommanderError } from 'commander';
import { type ErrorCode, PawlError } from '../core/errors.ts';

/** The command line asks for something that cannot be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was asked about is not there. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** Nothing was done, and nothing is wrong. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

export const checkFailed = 6;

const byCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  PAWL_INVALID: 2,
  PAWL_DEFINITION: 2,
  PAWL_LIMIT: 2,
  PAWL_UNSTORABLE: 2,
  PAWL_RUN_NOT_FOUND: 3,
  PAWL_RUN_EXISTS: 4,
  PAWL_RUN_ENDED: 4,
  PAWL_RUN_ACTIVE: 4,
  PAWL_ANSWERED: 4,
  PAWL_FENCED: 4,
  PAWL_CONFLICT: 4,
  PAWL_UNAVAILABLE: 5,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) return 2;
  if (error instanceof NotFoundError) return 3;
  if (error instanceof RefusedError) return 4;
  return PawlError.is(error) ? (byCode[error.code] ?? 1) : 1;
}

const nextStep: Readonly<Partial<Record<ErrorCode, string>>> = {
  PAWL_RUN_NOT_FOUND: 'pawl runs list shows the runs that are there.',
  PAWL_RUN_ENDED: 'pawl runs show tells how it ended; pawl runs fork starts a new one from it.',
  PAWL_ANSWERED: 'pawl inbox tells what is still waited for.',
  PAWL_RUN_ACTIVE: 'pawl runs cancel ends it first.',
  PAWL_UNAVAILABLE: 'pawl doctor tells which Redis is meant, and where that setting comes from.',
};

/** An error as data, for `--json`. */
export function errorDocument(error: unknown): object {
  const message =
    error instanceof CommanderError
      ? error.message.replace(/^error: /, '')
      : error instanceof Error
        ? error.message
        : String(error);
  const code = PawlError.is(error) ? error.code : (byClass.get(className(error)) ?? 'FAILED');
  const next = PawlError.is(error) ? nextStep[error.code] : undefined;
  return { error: { code, message, ...(next === undefined ? {} : { next }) } };
}

const byClass: ReadonlyMap<string, string> = new Map([
  ['CommanderError', 'USAGE'],
  ['UsageError', 'USAGE'],
  ['NotFoundError', 'NOT_FOUND'],
  ['RefusedError', 'REFUSED'],
]);

function className(error: unknown): string {
  if (error instanceof CommanderError) return 'CommanderError';
  return error instanceof Error ? error.name : '';
}

/** The message, the code and what to do next; undefined when everything has been said. */
export function explain(error: unknown): string | undefined {
  // Commander has said it itself.
  if (error instanceof CommanderError) return undefined;
  if (!PawlError.is(error)) return error instanceof Error ? error.message : String(error);
  const next = nextStep[error.code];
  const said = error.message.includes(error.code)
    ? error.message
    : `${error.message} (${error.code})`;
  return next === undefined ? said : `${said}\n${next}`;
}
