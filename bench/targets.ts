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
  /** Of a time: how often it is done while the other does it once. */
  readonly inverse?: true;
}

const sizes: Readonly<Record<string, string>> = { '1kb': '1 KB', '100kb': '100 KB', '1mb': '1 MB' };

const targets: readonly Target[] = [
  // What users with a loop of their own call.
  {
    title: 'saveEvent, one run, each awaited',
    workload: 'append-one',
    contender: 'pawl, claim.saveEvent',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.85,
  },
  {
    title: 'saveEvent, 64 runs',
    workload: 'append-64',
    contender: 'pawl, claim.saveEvent',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  {
    title: 'saveEvents, 100 in one call',
    workload: 'append-batch',
    contender: 'pawl, claim.saveEvents',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  ...['1kb', '100kb', '1mb'].map((size) => ({
    title: `saveSnapshot, one key of 200, ${sizes[size]}`,
    workload: `save-one-${size}`,
    contender: 'pawl, claim.saveSnapshot',
    figure: 'rate',
    against: 'raw, one field',
    atLeast: 0.6,
  })),
  ...['1kb', '100kb', '1mb'].map((size) => ({
    title: `patch, one key of 200, ${sizes[size]}`,
    workload: `save-one-${size}`,
    contender: 'pawl, claim.patch',
    figure: 'rate',
    against: 'raw, one field',
    atLeast: 0.6,
  })),
  {
    title: 'saveSnapshot, one key of 200, 100 KB: bytes sent',
    workload: 'save-one-100kb',
    contender: 'pawl, claim.saveSnapshot',
    figure: 'sent',
    atMost: 900,
  },
  {
    title: 'saveSnapshot, one key of 200, 1 MB: bytes sent',
    workload: 'save-one-1mb',
    contender: 'pawl, claim.saveSnapshot',
    figure: 'sent',
    atMost: 5_700,
  },
  {
    title: 'saveSnapshot, all keys changed, 100 KB',
    workload: 'save-all-100kb',
    contender: 'pawl, claim.saveSnapshot',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  {
    title: 'loadLatest, 100 KB and 1,000 events: loads a second',
    workload: 'load',
    contender: 'pawl, loadLatest',
    figure: 'latency',
    against: 'raw',
    inverse: true,
    atLeast: 0.9,
  },
  // The same below the entry point: one commit of the run store.
  {
    title: 'a commit of the store, one run, each awaited',
    workload: 'append-one',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.85,
  },
  {
    title: 'commits of the store, 64 runs',
    workload: 'append-64',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  {
    title: 'commits of the store, 64 runs, fsync always',
    workload: 'append-64',
    figure: 'rate',
    fsync: 'always',
    against: 'raw',
    atLeast: 1.2,
  },
  // Whole runs.
  {
    title: '200 runs of 20 steps, caller elsewhere, against BullMQ',
    workload: 'apart-steps',
    figure: 'rate',
    against: 'bullmq',
    atLeast: 0.95,
  },
  {
    title: '200 runs of 20 steps, caller elsewhere, against raw',
    workload: 'apart-steps',
    figure: 'rate',
    against: 'raw',
    atLeast: 0.9,
  },
  {
    title: 'start to first step, idle worker elsewhere',
    workload: 'apart-first-step',
    figure: 'latency',
    against: 'bullmq',
    atMost: 1.2,
  },
  {
    title: 'start to first step, idle worker in the process',
    workload: 'first-step',
    figure: 'latency',
    against: 'raw',
    atMost: 1.5,
  },
  {
    title: '20-step run, idle worker elsewhere',
    workload: 'apart-idle-run',
    figure: 'latency',
    against: 'bullmq',
    atMost: 1,
  },
  {
    title: '20-step run, idle worker in the process',
    workload: 'idle-run',
    figure: 'latency',
    against: 'bullmq',
    atMost: 1,
  },
  { title: 'SIGKILL to next step, p50 (ms)', workload: 'recovery', figure: 'latency', atMost: 50 },
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
    const value = valueOf(target, result.rows);
    if (value === undefined) return [];
    const found = target.inverse === true ? 1 / value : value;
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
