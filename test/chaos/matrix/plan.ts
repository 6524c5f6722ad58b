/**
 * What is injected and when, decided by the seed alone before anything happens: every kind once in a random order, then
 * any. How far the plan is followed depends on the time there is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export interface Planned {
  readonly fault: Fault;
  /** Pause before it. */
  readonly afterMs: number;
  /** Decides the victim and everything else about it. */
  readonly random: Random;
}

/** Without an end. */
export function* planOf(faults: readonly Fault[], random: Random, pauseMs: Pause) {
  for (let round = 0; ; round++) {
    const kinds = round === 0 ? random.shuffled(faults) : [random.pick(faults)];
    for (const fault of kinds) {
      const afterMs = random.whole(pauseMs.min, pauseMs.max);
      yield { fault, afterMs, random: random.fork() } satisfies Planned;
    }
  }
}

export interface Pause {
  readonly min: number;
  readonly max: number;
}

/** Follows a plan until `isOver`; returns how often each kind happened. */
export async function follow(
  plan: Iterable<Planned>,
  world: World,
  isOver: (injected: number) => boolean,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  let injected = 0;
  for (const { fault, afterMs, random } of plan) {
    if (isOver(injected)) break;
    await sleep(afterMs);
    const startedAt = performance.now();
    const happened = await fault.inject(world, random).catch((error: unknown) => {
      world.witness.problem(`${fault.name}: ${String(error)}`);
      return false;
    });
    const ms = Math.round(performance.now() - startedAt);
    world.say(`${fault.name} ${happened === false ? 'could not happen' : 'over'} after ${ms} ms`);
    injected += 1;
    if (happened !== false) counts[fault.name] = (counts[fault.name] ?? 0) + 1;
  }
  return counts;
}
