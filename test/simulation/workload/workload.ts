/** The workflows of the simulation, as one process knows them, and what new runs are given. */
import type { AnyWorkflow } from '../../../src/engine/definition/workflow.ts';
import { defineWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { World } from '../world.ts';
import { doubts, makePay } from './effects.ts';
import { makeParent } from './families.ts';
import type { WorkloadParts } from './parts.ts';
import { makeShaky } from './retries.ts';
import { makeWork, type WorkInput } from './ticks.ts';

export function makeWorkload(parts: WorkloadParts) {
  const work = makeWork(parts);
  const beat = defineWorkflow({
    name: 'beat',
    // Longer than anybody is frozen: a run that is gone could be started anew by a keeper that was.
    retention: { completed: '10m', failed: '10m', cancelled: '10m' },
    run: (ctx) => ctx.step('beat', () => parts.clock.sleep(parts.world.between(0, 6_000))),
  });
  return {
    work,
    beat,
    parent: makeParent(parts, work),
    pay: makePay(parts),
    shaky: makeShaky(parts),
  };
}

export type Workload = ReturnType<typeof makeWorkload>;

export function byName(workload: Workload): ReadonlyMap<string, AnyWorkflow> {
  return new Map(Object.values(workload).map((workflow) => [workflow.name, workflow]));
}

/** A new run: which workflow, and its input. */
export function newRun(
  world: World,
  workload: Workload,
): { readonly workflow: AnyWorkflow; readonly input: unknown } {
  const dice = world.random();
  if (dice < 0.55) return { workflow: workload.work, input: newWork(world) };
  if (dice < 0.7) {
    const leaves = world.chance(0.3);
    const children = Array.from({ length: world.between(leaves ? 0 : 1, 2) }, () => ({
      ...newWork(world),
      fails: world.chance(0.15),
    }));
    return { workflow: workload.parent, input: { children, leaves, attached: world.chance(0.8) } };
  }
  if (dice < 0.88) {
    return {
      workflow: workload.pay,
      input: {
        doubts: [world.pick(doubts) ?? 'retry', world.pick(doubts) ?? 'skip'].filter(isFirst),
      },
    };
  }
  return { workflow: workload.shaky, input: {} };
}

function newWork(world: World): WorkInput {
  const isCrowd = world.chance(0.04);
  return {
    count: world.between(1, 12),
    sleepMs: world.chance(0.3) ? world.between(1, 6000) : 0,
    waits: world.pick(['no', 'no', 'a while', 'for ever'] as const) ?? 'no',
    crowd: isCrowd ? 300 : 0,
    bytes: isCrowd && world.chance(0.2) ? 5_000 : 10,
    fails: false,
  };
}

/** Names of effects are used once in a run. */
function isFirst<T>(value: T, at: number, all: readonly T[]): boolean {
  return all.indexOf(value) === at;
}
