/**
 * What can go wrong between a call and its answer, as typed errors that say whether the call may have been applied.
 *
 * A reply that is an error was given before the script's first write (the scripts check first and write last), so nothing
 * was applied. No reply at all means: unknown. Calling again with the same token is always safe, and of no use when the
 * error is about what the keys hold.
 */
import { PawlError, UnavailableError } from '../core/errors.ts';
import { isDamage, unlocatedDamage } from './damage.ts';

/** Error replies of a server that will take the same call later. */
const refusals =
  /^(LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|UNBLOCKED)\b/;
/** Redis, and Valkey, word it otherwise when a script is refused a command or a key. */
const forbidden =
  /^(NOAUTH|WRONGPASS|NOPERM)\b|The user executing the script can't|ACL failure in script/;

/** What TLS says of a certificate or a server that will be the same at the next try. */
const untrusted =
  /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** An error of ioredis carries the command with its arguments: payloads, and passwords of AUTH. They are cut out of it. */
export function withoutArguments(error: unknown, depth = 4): unknown {
  if (!(error instanceof Error) || depth === 0) return error;
  const shown = error as Error & Record<string, unknown>;
  const { command } = shown as { command?: { readonly name?: unknown } | null };
  if (typeof command === 'object' && command !== null) shown['command'] = { name: command.name };
  // Redis repeats the arguments of a command it does not know.
  const args = /,? with args beginning with:[^\n]*/;
  shown.message = shown.message.replace(args, '');
  if (shown.stack !== undefined) shown.stack = shown.stack.replace(args, '');
  withoutArguments(shown['lastNodeError'], depth - 1);
  withoutArguments(shown.cause, depth - 1);
  const { previousErrors } = shown as { previousErrors?: unknown };
  if (Array.isArray(previousErrors)) {
    for (const one of previousErrors) withoutArguments(one, depth - 1);
  }
  return error;
}

/** The error for a failed connection that will not be better at the next try; undefined when it may be. */
export function refusedConnection(error: Error): PawlError | undefined {
  const last: unknown = 'lastNodeError' in error ? error.lastNodeError : undefined;
  const reason = last instanceof Error ? last : error;
  const code = 'code' in reason ? String(reason.code) : '';
  const certificate = untrusted.test(code);
  if (!certificate && !forbidden.test(reason.message)) return undefined;
  return new PawlError(
    'PAWL_REDIS_CONFIG',
    `Redis was not connected to: ${
      certificate
        ? `TLS failed (${code}: ${reason.message}). Check the certificate, its authority (tls.ca) and its host name`
        : `it refused this user (${reason.message}). Check user and password`
    }. Nothing was written.`,
    { cause: withoutArguments(error) },
  );
}

export function toFault(error: unknown, call: string): PawlError {
  if (PawlError.is(error)) return error;
  withoutArguments(error);
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
  if (name === 'ReplyError' && isDamage(message)) return unlocatedDamage(call, error);
  if (name === 'ReplyError') return new UnavailableError(call, 'not-applied', error);
  return new UnavailableError(call, 'unknown', error);
}

export function closedError(): PawlError {
  return new PawlError('PAWL_CLOSED', 'The store is closed; open a new one.');
}
