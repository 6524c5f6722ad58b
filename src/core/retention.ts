/** How long things are kept, as people say it. */
import { type Duration, toMilliseconds } from './duration.ts';
import { DefinitionError } from './errors.ts';
import { defaults } from './limits.ts';
import { duration, either, flag, optionsOf, type Rule, wholeNumber } from './option-rules.ts';

/** How long a run is kept after it has ended, by how it ended. `forever`: until somebody deletes it. */
export interface RetentionTimes {
  /** Default: `keepMs` of the worker, which is 7 days. */
  readonly completed?: Duration | 'forever';
  /** Default: `keepMs` of the worker. A failed run can be resumed for as long as it is kept. */
  readonly failed?: Duration | 'forever';
  /** Default: `keepMs` of the worker, which is 7 days. */
  readonly cancelled?: Duration | 'forever';
}

export type EndStatus = keyof RetentionTimes;

/**
 * Which checkpoints of a run expire: those that are neither among the newest `keepNewest` nor younger than `olderThan`.
 * With one of the two, that one decides.
 */
export interface CheckpointExpiry {
  /** So many of the newest checkpoints stay. */
  readonly keepNewest?: number;
  /** Only checkpoints of at least this age expire. */
  readonly olderThan?: Duration;
  /** Those with a label stay, and do not count. */
  readonly unlabelledOnly?: boolean;
}

/** A hundred years: a time that Redis can count with. */
const foreverMs = 100 * 365 * 86_400_000;

/** The first of the policies that says something of this end decides. */
export function keepMsOf(
  status: EndStatus,
  policies: readonly (RetentionTimes | undefined)[],
  otherwise: number = defaults.keepMs,
): number {
  for (const policy of policies) {
    const time = policy?.[status];
    if (time === 'forever') return foreverMs;
    if (time !== undefined) return toMilliseconds(time, `retention.${status}`);
  }
  return otherwise;
}

const howLong = either((value) => value === 'forever', duration);

/** @throws InvalidError naming the field. */
export const checkRetentionTimes: Rule = optionsOf<RetentionTimes>({
  completed: howLong,
  failed: howLong,
  cancelled: howLong,
});

const checkExpiryOptions = optionsOf<CheckpointExpiry>({
  keepNewest: wholeNumber(0),
  olderThan: duration,
  unlabelledOnly: flag,
});

/** @throws InvalidError, or DefinitionError when it would never keep or drop anything. */
export const checkExpiry: Rule = (expiry, field) => {
  checkExpiryOptions(expiry, field);
  const { keepNewest, olderThan } = (expiry ?? {}) as CheckpointExpiry;
  if (keepNewest === undefined && olderThan === undefined) {
    throw new DefinitionError(`${field} needs keepNewest, olderThan, or both.`);
  }
};
