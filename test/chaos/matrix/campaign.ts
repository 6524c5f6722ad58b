/** One world after the other: faults that lose nothing, then those after which Redis may have forgotten something. */
import { collectHistory } from '../../support/history/collect.ts';
import type { Fault } from './fault.ts';
import { workerKill } from './faults/worker-kill.ts';
import type { Options } from './options.ts';
import { follow, type Pause, planOf } from './plan.ts';
import { Random } from './random.ts';
import { judgeWorld, type Verdict } from './verdict.ts';
import { workflows } from './workflows.ts';
import { openWorld, type WorldOptions } from './world.ts';

export interface Outcome {
  readonly faults: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly verdict: Verdict;
}

interface Phase {
  readonly faults: readonly Fault[];
  readonly appendfsync: WorldOptions['appendfsync'];
  /** Of the time, the faults and the runs. */
  readonly share: number;
  readonly pauseMs: Pause;
}

const settleMs = 60_000;
const lossyTimeShare = 0.15;
/** A campaign of this many minutes has time for long faults. */
const longMinutes = 10;
const pauseMs: Pause = { min: 50, max: 700 };
/** Starting a process costs half a second of a processor: kills that come faster measure how busy the machine is. */
const stormPauseMs: Pause = { min: 300, max: 900 };

/** What is to be injected where. */
function phasesOf(options: Options, all: readonly Fault[]): Phase[] {
  if (options.kills !== undefined) {
    return [{ faults: [workerKill], appendfsync: 'always', share: 1, pauseMs: stormPauseMs }];
  }
  const { only } = options;
  const isWanted = ({ name }: Fault): boolean =>
    only.length === 0 || only.some((one) => name === one || name.startsWith(`${one}-`));
  const safe = all.filter((fault) => isWanted(fault) && fault.isLossy !== true);
  const lossy = all.filter((fault) => isWanted(fault) && fault.isLossy === true);
  // By count every kind has the same share; by time the other world needs some to come to work.
  const ofCount = lossy.length / Math.max(1, safe.length + lossy.length);
  const isMixed = lossy.length > 0 && safe.length > 0;
  const lossyShare = options.faults === undefined && isMixed ? lossyTimeShare : ofCount;
  const phases: Phase[] = [
    { faults: safe, appendfsync: 'always', share: 1 - lossyShare, pauseMs },
    { faults: lossy, appendfsync: 'everysec', share: lossyShare, pauseMs },
  ];
  return phases.filter(({ faults }) => faults.length > 0);
}

export async function campaign(
  options: Options,
  all: readonly Fault[],
  say: (line: string) => void,
): Promise<readonly Outcome[]> {
  const random = new Random(options.seed);
  const outcomes: Outcome[] = [];
  for (const phase of phasesOf(options, all)) {
    outcomes.push(await play(phase, options, { random: random.fork(), say }));
  }
  return outcomes;
}

async function play(
  phase: Phase,
  options: Options,
  { random, say }: { readonly random: Random; readonly say: (line: string) => void },
): Promise<Outcome> {
  const total = options.kills ?? options.faults;
  const faultsMax = total === undefined ? Infinity : Math.max(1, Math.round(total * phase.share));
  const ms = options.minutes * 60_000 * phase.share;
  const runsMax = Math.ceil((options.runs ?? Infinity) * phase.share);
  let injected = 0;
  let startedAt = Infinity;
  const passed = (): number =>
    total === undefined
      ? Math.max(0, performance.now() - startedAt) / ms
      : (injected + 1) / faultsMax;
  const world = await openWorld({
    random: random.fork(),
    workers: options.workers,
    appendfsync: phase.appendfsync,
    say,
    deletes: false,
    isLong: options.minutes >= longMinutes,
    // Runs that are limited are spread over the faults, so that the last one finds some at work.
    allowance: () => (runsMax === Infinity ? Infinity : Math.ceil(runsMax * Math.min(1, passed()))),
  });
  try {
    startedAt = performance.now();
    world.driver.begin();
    const faults = await follow(
      planOf(phase.faults, random.fork(), phase.pauseMs),
      world,
      (count) => {
        injected = count;
        return total === undefined ? passed() >= 1 : count >= faultsMax;
      },
    );
    const left = await world.driver.settle(settleMs, runsMax === Infinity ? 0 : runsMax);
    for (const run of left) world.witness.problem(`${run} does not end`);
    const { told, bodies } = world.witness;
    const reported = {
      told,
      workflows,
      bodies: bodies.map((body) => ({ ...body, outcome: 'begun' as const })),
    };
    const history = await collectHistory(world.server.url, world.prefix, reported);
    const mayForget = phase.appendfsync === 'everysec';
    return {
      faults,
      runs: history.runs.length,
      verdict: judgeWorld(history, world.witness, { mayForget }),
    };
  } finally {
    await world.close();
  }
}
