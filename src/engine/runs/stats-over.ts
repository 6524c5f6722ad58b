/** How many runs were created when, and how they stand now: what a chart is made of. Nothing is written for it. */
import { InvalidError } from '../../core/errors.ts';
import type { RunCounts } from '../../core/run-stats.ts';
import type { RunStore } from '../../core/store.ts';

/** Which stretches of time are counted. */
export interface StatsOverOptions {
  /** The begin of the first stretch: a Date, or milliseconds since 1970. */
  readonly since: Date | number;
  /** The end of the last one. Default: now, on the store's clock. */
  readonly until?: Date | number;
  /** How many stretches of the same length: 1–200, default 60. */
  readonly parts?: number;
}

/** The runs that were created in one stretch of time. */
export interface StatsPart {
  /** The begin of the stretch; the next one begins where it ends. */
  readonly from: Date;
  /** How many of them have each status now. */
  readonly runs: RunCounts;
}

const partsDefault = 60;
export const statsPartsMax = 200;

/** @throws InvalidError when the end is not after the begin. */
export async function statsOver(
  { observation }: Pick<RunStore, 'observation'>,
  { since, until, parts = partsDefault }: StatsOverOptions,
): Promise<readonly StatsPart[]> {
  const begin = Number(since);
  const end = until === undefined ? await observation.now() : Number(until);
  if (end - begin < parts) {
    throw new InvalidError(
      'stats options.until',
      `must be at least ${parts} ms after since: one for each part.`,
    );
  }
  const bounds = Array.from({ length: parts + 1 }, (_, i) =>
    Math.round(begin + ((end - begin) * i) / parts),
  );
  const counts = await observation.statsOver(bounds);
  return counts.map((runs, i) => ({ from: new Date(bounds[i] ?? begin), runs }));
}
