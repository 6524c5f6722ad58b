/** What a run of the benchmark found, as it is printed by `--json` and read back by `--from`. */
import { median, pairedRatio, quantile } from './statistics.ts';
import type { Figure, Samples, Workload } from './workload.ts';

export type Fsync = 'everysec' | 'always';

export interface Row {
  readonly workload: string;
  readonly title: string;
  readonly fsync: Fsync;
  readonly contender: string;
  readonly figure: string;
  readonly unit: string;
  readonly better: Figure['better'];
  /** Of the rounds' medians. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Of all samples of all rounds. */
  readonly p99: number;
  readonly rounds: number;
  /** Each round's median. */
  readonly perRound: readonly number[];
  readonly baseline: string;
  /** The median of the ratios to the baseline inside each round; null when the baseline has no such figure. */
  readonly ratioToRaw: number | null;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly loadAtStart: number;
  readonly loadAtEnd: number;
  readonly node: string;
  readonly redis: string;
  readonly ioredis: string;
  readonly bullmq: string;
  readonly pawl: string;
  /** A plus: with changes that are not committed. */
  readonly commit: string;
}

export interface Result {
  readonly rows: readonly Row[];
  readonly machine: Machine;
  readonly quick: boolean;
  readonly seconds: number;
  readonly at: string;
}

/** The rows of one workload; `found` holds the samples of each contender, round by round. */
export function toRows(
  workload: Workload,
  fsync: Fsync,
  found: ReadonlyMap<string, readonly Samples[]>,
): Row[] {
  return workload.figures.flatMap((figure) => {
    const medians = (contender: string): number[] =>
      (found.get(contender) ?? []).flatMap((samples) => {
        const values = samples[figure.name];
        return values === undefined ? [] : [median(values)];
      });
    const baseline = medians(workload.baseline);
    return workload.contenders.flatMap(({ name }): Row[] => {
      const perRound = medians(name);
      if (perRound.length === 0) return [];
      const all = (found.get(name) ?? []).flatMap((samples) => samples[figure.name] ?? []);
      const { unit, better } = figure;
      return [
        {
          workload: workload.name,
          title: workload.title,
          fsync,
          contender: name,
          figure: figure.name,
          unit,
          better,
          median: median(perRound),
          min: Math.min(...perRound),
          max: Math.max(...perRound),
          p99: quantile(all, 0.99),
          rounds: perRound.length,
          perRound,
          baseline: workload.baseline,
          ratioToRaw: baseline.length === 0 ? null : pairedRatio(perRound, baseline),
        },
      ];
    });
  });
}
