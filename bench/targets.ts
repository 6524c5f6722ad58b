/** What pawl is to reach, as ratios inside one result, and what a result says about it. */
import type { Fsync, Result, Row } from './result.ts';
import { pairedRatio } from './statistics.ts';

interface Target {
  readonly title: string;
  readonly workload: string;
  readonly figure: string;
  readonly fsync?: Fsync;
  readonly contender?: string;
  /** The contender it is divided by, round by round; without one the figure itself is judged. */
  readonly against?: string;
  readonly take?: 'median' | 'p99';
  readonly atLeast?: number;
  readonly atMost?: number;
}

const targets: readonly Target[] = [
  {
    title: 'append, one run, each awaited',
    workload: 'append-one',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.85,
  },
  { title: 'append, 64 runs', workload: 'append-64', figure: 'rate', against: 'raw', atLeast: 0.9 },
  {
    title: 'append, 64 runs, wished of group commit',
    workload: 'append-64',
    figure: 'rate',
    against: 'raw',
    atLeast: 1.2,
  },
  {
    title: 'append many in one call',
    workload: 'append-batch',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  {
    title: 'append, 64 runs, fsync always',
    workload: 'append-64',
    figure: 'rate',
    fsync: 'always',
    against: 'raw',
    atLeast: 1.2,
  },
  {
    title: 'save one key of 200, 100 KB',
    workload: 'save-one-100kb',
    figure: 'rate',
    against: 'raw, one field',
    atLeast: 0.7,
  },
  {
    title: 'save one key of 200, 100 KB: bytes sent',
    workload: 'save-one-100kb',
    figure: 'sent',
    atMost: 900,
  },
  {
    title: 'save one key of 200, 1 MB',
    workload: 'save-one-1mb',
    figure: 'rate',
    against: 'raw, one field',
    atLeast: 0.7,
  },
  {
    title: 'save one key of 200, 1 MB: bytes sent',
    workload: 'save-one-1mb',
    figure: 'sent',
    atMost: 5_700,
  },
  {
    title: 'save, all keys changed, 100 KB',
    workload: 'save-all-100kb',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  {
    title: 'load 100 KB and 1,000 events (time)',
    workload: 'load',
    figure: 'latency',
    against: 'raw',
    atMost: 1,
  },
  {
    title: '200 runs of 20 steps, against BullMQ',
    workload: 'steps',
    figure: 'rate',
    against: 'bullmq',
    atLeast: 1,
  },
  {
    title: '200 runs of 20 steps, against raw',
    workload: 'steps',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.75,
  },
  {
    title: 'start to first step, idle',
    workload: 'first-step',
    figure: 'latency',
    against: 'bullmq',
    atMost: 1.5,
  },
  { title: 'SIGKILL to next step, p50 (ms)', workload: 'recovery', figure: 'latency', atMost: 80 },
  {
    title: 'SIGKILL to next step, p99 (ms)',
    workload: 'recovery',
    figure: 'latency',
    take: 'p99',
    atMost: 300,
  },
  {
    title: 'resume after 100,000 events against 100',
    workload: 'resume',
    figure: 'latency',
    contender: 'after 100,000 events',
    against: 'after 100 events',
    atMost: 1.5,
  },
  {
    title: 'memory per payload byte, 1,000 steps of 200 B, compacted',
    workload: 'memory',
    contender: 'pawl, compacted',
    figure: 'per payload byte',
    atMost: 1.5,
  },
  { title: 'scripts per commit', workload: 'commands', figure: 'scripts per commit', atMost: 1 },
];

export interface Verdict {
  readonly title: string;
  readonly wanted: string;
  readonly found: number;
  readonly met: boolean;
}

/** The targets that a result has figures for. */
export function judge(result: Result): Verdict[] {
  return targets.flatMap((target) => {
    const found = valueOf(target, result.rows);
    if (found === undefined) return [];
    const { title, atLeast, atMost, against } = target;
    const sign = atLeast === undefined ? '≤' : '≥';
    const wanted = `${sign} ${atLeast ?? atMost}${against === undefined ? '' : ` × ${against}`}`;
    const met = found >= (atLeast ?? -Infinity) && found <= (atMost ?? Infinity);
    return [{ title, wanted, found, met }];
  });
}

function valueOf(target: Target, rows: readonly Row[]): number | undefined {
  const find = (contender: string): Row | undefined =>
    rows.find(
      (row) =>
        row.workload === target.workload &&
        row.figure === target.figure &&
        row.fsync === (target.fsync ?? 'everysec') &&
        row.contender === contender,
    );
  const row = find(target.contender ?? 'pawl');
  if (row === undefined) return undefined;
  if (target.against === undefined) return row[target.take ?? 'median'];
  const against = find(target.against);
  return against === undefined ? undefined : pairedRatio(row.perRound, against.perRound);
}
