/** Decisions as pure functions: when to take a snapshot, whether to try again, how long to wait before it. */
import { type Duration, longestMs, toMilliseconds } from './duration.ts';
import { recordError, textOfThrown } from './error-record.ts';
import { DefinitionError, type ErrorRecord } from './errors.ts';
import { isThenable, letGo } from './thenable.ts';

export interface ReplayCost {
  /** Events after the last snapshot. */
  readonly events: number;
  /** Their encoded bytes. */
  readonly bytes: number;
  /** What the workflow's own reducers took for them, in milliseconds. */
  readonly reduceMs: number;
}

/** Reading, decoding and folding one small event, and one byte of payload, as measured on a slow two-core machine. */
const msPerEvent = 0.01;
const msPerByte = 5e-6;
/** Bytes of events that pay for one byte of snapshot. */
const amortisation = 0.5;

/** What a resume would spend on the events after the snapshot, in milliseconds. */
export function predictReplayMs(tail: ReplayCost): number {
  return tail.events * msPerEvent + tail.bytes * msPerByte + tail.reduceMs;
}

/**
 * True when the tail has become too expensive to replay and is large enough to pay for writing the snapshot, so that the
 * bytes written for snapshots stay within a small factor of the bytes of events, however large the state is.
 */
export function isSnapshotDue(
  tail: ReplayCost,
  options: { readonly budgetMs: number; readonly lastSnapshotBytes: number },
): boolean {
  return (
    predictReplayMs(tail) > options.budgetMs &&
    tail.bytes >= options.lastSnapshotBytes * amortisation
  );
}

/**
 * How a body that throws is tried again. Default: it is tried once. The wait before an attempt is shortened by chance,
 * by up to a half, so that many runs do not try again at one moment. Throw a `NonRetryableError` for what no attempt can
 * mend.
 */
export interface RetryPolicy {
  /** How often the body is tried, the first time included. */
  readonly attempts?: number;
  /** Wait before the second attempt, such as `'5s'`; doubled for each later one. Default: 100 ms. */
  readonly delay?: Duration;
  /** Longest wait between two attempts, or Infinity. Default: 30 s, or `delay` where that is longer. */
  readonly maxDelay?: Duration;
  /** Errors for which this returns false are not tried again. */
  readonly retryIf?: (error: unknown) => boolean;
}

/** Codes of errors that only pass on why something in a run has failed. */
const passedOn: ReadonlySet<string | undefined> = new Set(['PAWL_STEP_FAILED', 'PAWL_RUN_FAILED']);

/** The class that a user throws, and the one of BullMQ with the same meaning. */
const finalNames: ReadonlySet<string | undefined> = new Set([
  'NonRetryableError',
  'UnrecoverableError',
]);

/**
 * What says that nothing is to be tried again: a `NonRetryableError`, one of a class of its own that extends it, or an
 * error named as BullMQ's. It was thrown by a handler, or by a step whose failure a handler has let through. One that was
 * wrapped in another error was caught, and the other one counts. Never throws.
 */
export function unrecoverableIn(thrown: unknown): ErrorRecord | undefined {
  let error: ErrorRecord | undefined = recordError(thrown);
  while (error !== undefined && !finalNames.has(error.name) && !finalNames.has(error.base)) {
    error = passedOn.has(error.code) ? error.cause : undefined;
  }
  return error;
}

/**
 * True when the policy wants another attempt after this error, as long as attempts are left.
 * @throws DefinitionError when `retryIf` throws, or answers with a promise: nobody knows then, and nothing is tried again.
 */
export function shouldRetry({ retryIf }: RetryPolicy, error: unknown): boolean {
  if (unrecoverableIn(error) !== undefined) return false;
  if (retryIf === undefined) return true;
  let answer: unknown;
  try {
    answer = retryIf(error);
  } catch (thrown) {
    throw undecided(`threw "${textOfThrown(thrown)}"`, error, thrown);
  }
  if (!isThenable(answer)) return Boolean(answer);
  letGo(answer);
  throw undecided('answered with a promise', error, error);
}

/** Whether `attempt`, which has failed, is followed by another one, and what to say it has failed of. Never throws. */
export function retryAfter(
  policy: RetryPolicy,
  attempt: number,
  error: unknown,
): { readonly again: boolean; readonly reason: unknown } {
  if (attempt >= (policy.attempts ?? 1)) return { again: false, reason: error };
  try {
    return { again: shouldRetry(policy, error), reason: error };
  } catch (undecidedError) {
    return { again: false, reason: undecidedError };
  }
}

function undecided(what: string, error: unknown, cause: unknown): DefinitionError {
  return new DefinitionError(
    `retryIf ${what} when it was asked about "${textOfThrown(error)}". It must return true or false for whatever can be thrown; nothing was tried again.`,
    cause,
  );
}

/** Wait before attempt `attempt` (2, 3, …): exponential, with the upper half left to chance so that crowds spread out. */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const base = toMilliseconds(policy.delay ?? 100, 'delay');
  const longest = policy.maxDelay ?? Math.max(base, 30_000);
  const most = longest === Infinity ? longestMs : toMilliseconds(longest, 'maxDelay');
  const delay = Math.min(base * 2 ** Math.max(0, attempt - 2), most);
  return Math.ceil(delay / 2 + (delay / 2) * random);
}
