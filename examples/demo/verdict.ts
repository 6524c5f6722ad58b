/**
 * Reads every run back from Redis and says what became of it. Nothing that the workers told is
 * used.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RunEvent } from 'pawl';
import { rewardOf } from './conversation.ts';
import type { Kill } from './fleet.ts';
import { checkLog, type FoundTakeover, type LogFindings } from './log-check.ts';
import type { DemoRun } from './runs.ts';

/** The numbers of a list of milliseconds; null for an empty list. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Verdict {
  readonly ok: boolean;
  readonly runs: number;
  readonly completed: number;
  /** Runs whose log, state and result are those of their recording. */
  readonly identical: number;
  readonly kills: number;
  readonly takeovers: number;
  /** Take-overs from workers that nobody had killed. */
  readonly takeoversUnexplained: number;
  /** From the kill until the next worker goes on. */
  readonly recoveryMs: Spread | null;
  /** What recovery is made of, as pawl has measured it itself. */
  readonly detectMs: Spread | null;
  readonly claimMs: Spread | null;
  readonly replayMs: Spread | null;
  readonly eventsExpected: number;
  readonly eventsLost: number;
  readonly eventsDoubled: number;
  readonly staleWritesAccepted: number;
  readonly seqGaps: number;
  /** Redis' clock against ours, as far as it is certain. */
  readonly clockOffsetMs: number;
  /** What is wrong, one line each. */
  readonly problems: readonly string[];
}

export interface Wanted {
  readonly runs: number;
  readonly kills: number;
}

interface JudgedRun {
  readonly findings: LogFindings;
  readonly identical: boolean;
  readonly createdAt: number | undefined;
  readonly problem: string | undefined;
}

/** Runs read at the same time. */
const together = 10;
/** A run that has not ended has no end of its log; what is there comes within this time. */
const readMsMax = 5000;
const problemsMax = 20;

export async function judge(
  runs: readonly DemoRun[],
  kills: readonly Kill[],
  wanted: Wanted,
): Promise<Verdict> {
  const judged: JudgedRun[] = [];
  for (let i = 0; i < runs.length; i += together) {
    judged.push(...(await Promise.all(runs.slice(i, i + together).map(judgeRun))));
  }
  const clockOffsetMs = clockOffset(runs, judged);
  const takeovers = judged.flatMap(({ findings }) => findings.takeovers);
  const recoveries = recoveryTimes(takeovers, kills, clockOffsetMs);
  const sum = (pick: (findings: LogFindings) => number): number =>
    judged.reduce((total, { findings }) => total + pick(findings), 0);
  const facts = {
    runs: wanted.runs,
    completed: runs.filter(({ output }) => output !== undefined).length,
    identical: judged.filter(({ identical }) => identical).length,
    kills: kills.length,
    takeovers: takeovers.length,
    takeoversUnexplained: takeovers.length - recoveries.length,
    recoveryMs: spread(recoveries),
    detectMs: spread(takeovers.map(({ detectMs }) => detectMs)),
    claimMs: spread(takeovers.map(({ claimMs }) => claimMs)),
    replayMs: spread(takeovers.map(({ replayMs }) => replayMs)),
    eventsExpected: runs.reduce((total, run) => total + run.conversation.messages.length, 0),
    eventsLost: sum(({ lost }) => lost),
    eventsDoubled: sum(({ doubled }) => doubled),
    staleWritesAccepted: sum(({ stale }) => stale),
    seqGaps: sum(({ gaps }) => gaps),
    clockOffsetMs,
  };
  const problems = [
    ...(facts.kills < wanted.kills
      ? [`${facts.kills} of ${wanted.kills} kills were possible`]
      : []),
    ...(wanted.kills > 0 && facts.takeovers === 0 ? ['no run was taken over'] : []),
    ...(runs.length < wanted.runs ? [`${runs.length} of ${wanted.runs} runs were started`] : []),
    ...judged.flatMap(({ problem }) => problem ?? []),
  ];
  return { ok: problems.length === 0, ...facts, problems: problems.slice(0, problemsMax) };
}

async function judgeRun(run: DemoRun): Promise<JudgedRun> {
  const { id, handle, output } = run;
  const { messages } = run.conversation;
  const events: RunEvent[] = [];
  const signal = AbortSignal.timeout(readMsMax);
  for await (const event of handle.events({ after: 0, signal })) events.push(event);
  const state = await handle.state();
  const findings = checkLog(events, messages);
  const wrong = [
    ...(run.problem === undefined ? [] : [run.problem]),
    ...eventsThat('are lost', findings.lost),
    ...eventsThat('are doubled', findings.doubled),
    ...eventsThat('were written by a stale owner', findings.stale),
    ...eventsThat('are out of sequence', findings.gaps),
    ...(findings.inOrder ? [] : ['the log is not the recording']),
    ...(isDeepStrictEqual(state.messages, messages) ? [] : ['the state is not the recording']),
    ...(isDeepStrictEqual(output, { messages: messages.length, reward: rewardOf(messages) })
      ? []
      : ['wrong result']),
  ];
  return {
    findings,
    identical: wrong.length === 0,
    createdAt: events[0]?.at.getTime(),
    problem: wrong.length === 0 ? undefined : `${id}: ${wrong.join('; ')}`,
  };
}

function eventsThat(what: string, events: number): string[] {
  return events === 0 ? [] : [`events that ${what}: ${events}`];
}

/** From the kill to the claim by Redis' clock, plus the replay. */
function recoveryTimes(
  takeovers: readonly FoundTakeover[],
  kills: readonly Kill[],
  clockOffsetMs: number,
): number[] {
  const killedAt = new Map(kills.map(({ worker, at }) => [worker, at + clockOffsetMs]));
  return takeovers.flatMap(({ from, claimedAt, replayMs }) => {
    const at = killedAt.get(from);
    return at === undefined ? [] : [claimedAt - at + replayMs];
  });
}

/**
 * How far Redis' clock is ahead of ours. Each run was created between two readings of our clock, so
 * each says between which bounds the difference lies; taken is the smallest one that fits all. On
 * one machine that is 0.
 */
function clockOffset(runs: readonly DemoRun[], judged: readonly JudgedRun[]): number {
  let low = -Infinity;
  let high = Infinity;
  for (const [i, { startedBetween }] of runs.entries()) {
    const createdAt = judged[i]?.createdAt;
    if (createdAt === undefined) continue;
    // Both clocks are read in whole milliseconds.
    low = Math.max(low, createdAt - startedBetween[1] - 1);
    high = Math.min(high, createdAt - startedBetween[0] + 1);
  }
  // A clock that was set in between leaves nothing that fits.
  if (low > high) return Math.round((low + high) / 2);
  if (low > 0) return low;
  return Math.min(high, 0);
}

function spread(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number | undefined => sorted[Math.ceil(share * sorted.length) - 1];
  const [p50, p99, max] = [at(0.5), at(0.99), at(1)];
  if (p50 === undefined || p99 === undefined || max === undefined) return null;
  return { p50: tenths(p50), p99: tenths(p99), max: tenths(max) };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
