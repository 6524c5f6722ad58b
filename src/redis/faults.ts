/**
 * What can go wrong between a call and its answer, as typed errors that say whether the call may have been applied.
 *
 * A reply that is an error was given before the script's first write (the scripts check first and write last), so nothing
 * was applied. No reply at all means: unknown. Calling again with the same token is always safe.
 */
import { PawlError, UnavailableError } from '../core/errors.ts';

/** Error replies of a server that will take the same call later. */
const refusals =
  /^(LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|UNBLOCKED)\b/;
/** Redis, and Valkey, word it otherwise when a script is refused a command or a key. */
const forbidden =
  /^(NOAUTH|WRONGPASS|NOPERM)\b|The user executing the script can't|ACL failure in script/;

export function toFault(error: unknown, call: string): PawlError {
  if (PawlError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error ? error.name : '';
  if (/\bOOM\b/.test(message)) {
    return new PawlError(
      'PAWL_REDIS_FULL',
      `${call}: Redis is at its memory limit and refused the write; nothing was written. Free memory or raise maxmemory.`,
      { cause: error, retryable: true },
    );
  }
  if (forbidden.test(message)) {
    return new PawlError(
      'PAWL_REDIS_CONFIG',
      `${call}: Redis refused this user (${message}); nothing was written. Check user, password and access rules.`,
      { cause: error },
    );
  }
  if (refusals.test(message)) return new UnavailableError(call, 'not-applied', error);
  if (name === 'ReplyError') return new UnavailableError(call, 'not-applied', error);
  return new UnavailableError(call, 'unknown', error);
}
