/** What falls into each bar of a chart over time. A bar has its begin, and not its end: there the next one begins. */
import type { StatsPart } from '../../engine/runs/stats-over.ts';

/** The items of each bar; those before the first one and after the last one are in none. */
export function inBars<Item>(
  parts: readonly StatsPart[],
  items: readonly Item[],
  timeOf: (item: Item) => number,
): Item[][] {
  const barMs = spanOf(parts) / Math.max(1, parts.length);
  return parts.map(({ from }) => {
    const begin = from.getTime();
    return items.filter((item) => timeOf(item) >= begin && timeOf(item) < begin + barMs);
  });
}

/** From the begin of the first to the end of the last. */
export function spanOf(parts: readonly StatsPart[]): number {
  const [first, second] = parts;
  if (first === undefined || second === undefined) return 1;
  return (second.from.getTime() - first.from.getTime()) * parts.length;
}
