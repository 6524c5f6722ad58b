/** Lengths of time as people write them: `'30s'`, `'5m'`, `'2h'`, `'3d'`, `'1.5h'`, or a number of milliseconds. */
import { InvalidError } from './errors.ts';

/**
 * A length of time: milliseconds as a number, or a text such as `'30s'`, `'5m'`, `'2h'`, `'3d'`, `'1.5h'`. At most 1,000
 * years.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest that a timer of the platform can last, 24.8 days; a longer one would be over at once. */
export const timerMsMax = 2 ** 31 - 1;

/** A thousand years: a time so far away is still a date. */
export const longestMs = 1_000 * 365 * unitMs.d;

/** @throws InvalidError naming `field`. */
export function toMilliseconds(duration: Duration, field: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration));
  const unit = match?.[2] as keyof typeof unitMs | undefined;
  const ms = typeof duration === 'number' ? duration : unit && Number(match?.[1]) * unitMs[unit];
  if (ms !== undefined && ms > longestMs) {
    throw new InvalidError(field, `must not be longer than ${longestMs / unitMs.d} days.`);
  }
  if (ms !== undefined && ms >= 0) return Math.round(ms);
  throw new InvalidError(
    field,
    `must be milliseconds or a text such as 30s, 5m, 2h, 3d; it is ${JSON.stringify(duration)}.`,
  );
}
