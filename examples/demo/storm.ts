/**
 * Starts runs and kills workers, turn by turn: a few new runs, a pause, a kill. So there is fresh
 * work at every kill, and the last kill comes when all runs have been started.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fleet, Kill } from './fleet.ts';
import type { Runs } from './runs.ts';

export interface StormOptions {
  readonly runs: Runs;
  readonly fleet: Fleet;
  readonly kills: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onKill: (kill: Kill) => void;
}

/**
 * Between two kills. Starting a process costs half a second of a processor, so on two of them
 * faster kills would measure little but how busy the machine is.
 */
const pauseMs = { min: 450, max: 850 } as const;
/** How often to look whether a kill is possible. */
const pollMs = 10;

/**
 * Resolves when all runs are started and as many workers killed as wanted, or no run is left for
 * more.
 */
export async function storm(options: StormOptions): Promise<readonly Kill[]> {
  const { runs, kills, random, signal, onKill } = options;
  const done: Kill[] = [];
  for (let turn = 1; turn <= kills; turn++) {
    await runs.startUpTo(Math.ceil((runs.total * (turn + 1)) / (kills + 1)));
    await pause(pauseMs.min + random() * (pauseMs.max - pauseMs.min), undefined, { signal });
    const kill = await killSoon(options);
    if (kill === undefined) break;
    done.push(kill);
    onKill(kill);
  }
  await runs.startUpTo(runs.total);
  return done;
}

/** Kills a worker as soon as one may be killed; undefined when all runs have ended before. */
async function killSoon({ fleet, runs, random, signal }: StormOptions): Promise<Kill | undefined> {
  // Drawn once, so that the choice does not depend on how often we had to look.
  const choice = random();
  while (!runs.allEnded) {
    const kill = fleet.kill(() => choice);
    if (kill !== undefined) return kill;
    await pause(pollMs, undefined, { signal });
  }
  return undefined;
}
