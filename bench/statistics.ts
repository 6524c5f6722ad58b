/** The few statistics that the report needs. */

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The median of the ratios inside each round: what slowed a whole round down does not count. */
export function pairedRatio(rounds: readonly number[], baseline: readonly number[]): number {
  return median(rounds.map((value, round) => value / (baseline[round] ?? Number.NaN)));
}

/** A random order, new for each round, so that nobody always comes behind the same neighbour. */
export function shuffle<T>(items: readonly T[]): T[] {
  const left = [...items];
  const mixed: T[] = [];
  while (left.length > 0) {
    mixed.push(...left.splice(Math.floor(Math.random() * left.length), 1));
  }
  return mixed;
}
