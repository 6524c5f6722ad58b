/** What each axis of growth measures, and how one operation is timed. */
import { median } from '../statistics.ts';

export interface Field {
  readonly url: string;
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

export interface Curve {
  /** The name of its picture in docs/. */
  readonly name: string;
  readonly title: string;
  /** What grows. */
  readonly x: string;
  readonly unit: string;
  /** The values are drawn on a log axis. */
  readonly log?: true;
  readonly points: readonly {
    readonly at: number;
    readonly values: Readonly<Record<string, number>>;
  }[];
}

/** The median time of one call in milliseconds, each awaited; a few calls before them are not counted. */
export async function timeOf(count: number, operation: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  const warmUp = Math.ceil(count / 5);
  for (let i = -warmUp; i < count; i++) {
    const before = performance.now();
    await operation();
    if (i >= 0) times.push(performance.now() - before);
  }
  return median(times);
}

/** The first size twice: the first time it warms code, connections and scripts up, and its point is left out. */
export function warmedUp(sizes: readonly number[]): readonly number[] {
  return [...sizes.slice(0, 1), ...sizes];
}
