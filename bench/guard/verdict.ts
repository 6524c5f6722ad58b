/**
 * What pairs of measurements say. Each pair is a build's speed over that of the one it is held to, measured one right after
 * the other, so that the machine's moods hit both. The median of all pairs lies between two of them, sorted, with a
 * probability that follows from their number alone, however wild single pairs are. So a noisy machine needs more pairs, and
 * does not need another threshold.
 */

/** A build below this share of the speed has become slower. A fifth more time is 0.83 of the speed. */
const allowed = 0.9;
/** That the true median is outside of the interval has less than this probability, at each look. */
const doubt = 0.01;

export interface Verdict {
  /** `open`: the interval has the threshold inside. */
  readonly outcome: 'as fast' | 'slower' | 'open';
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function judge(pairs: readonly number[]): Verdict {
  const sorted = pairs.toSorted((a, b) => a - b);
  const cut = cutOff(sorted.length);
  const at = (place: number): number => sorted[place] ?? Number.NaN;
  const [low, high] = cut === 0 ? [0, Infinity] : [at(cut - 1), at(sorted.length - cut)];
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  const outcome = low >= allowed ? 'as fast' : high < allowed ? 'slower' : 'open';
  return { outcome, median, low, high };
}

/** When nothing more is measured: an open verdict goes by the median. */
export function decide(verdict: Verdict): Verdict {
  if (verdict.outcome !== 'open') return verdict;
  return { ...verdict, outcome: verdict.median < allowed ? 'slower' : 'as fast' };
}

/** Between the nth of the sorted pairs from below and the nth from above is the median, but for a doubt; 0: too few. */
function cutOff(count: number): number {
  // The probability that so many pairs of `count` are below the true median, as of so many heads of a fair coin.
  let term = 0.5 ** count;
  let below = term;
  let cut = 0;
  while (2 * below <= doubt && cut < count / 2) {
    cut += 1;
    term *= (count - cut + 1) / cut;
    below += term;
  }
  return cut;
}
