/** A worker dies before a script is sent, or after its answer has come but before the caller has seen it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CrashPoint, scripts } from '../crash-points.ts';
import type { Fault } from '../fault.ts';
import type { Random } from '../random.ts';
import type { Errand } from '../worker-process.ts';
import { counting, family } from '../workflows.ts';
import type { World } from '../world.ts';

/** Called by the elected sweeper only, so everybody is prepared to die of it. */
const bySweeper: ReadonlySet<string> = new Set(['due', 'interrupt', 'deregister']);
/** Called when a worker is lost. */
const byDeath: ReadonlySet<string> = new Set(['interrupt', 'deregister']);
/** Called by callers, so a worker is made to be one. */
const errands: Readonly<Record<string, Errand['what']>> = {
  cancel: 'cancel',
  create: 'start',
  delete: 'delete',
  load: 'state',
  pause: 'pause',
  post: 'signal',
  recall: 'recall',
  resume: 'resume',
};
const patienceMs = 5_000;
/** Somebody who is not armed may be quicker: a worker that has just been started, for example. */
const tries = 3;

export const crashPoints: readonly Fault[] = scripts.flatMap((script) =>
  (['before', 'after'] as const).map((when) => crashPoint({ script, when })),
);

function crashPoint({ script, when }: Omit<CrashPoint, 'call'>): Fault {
  return {
    name: `crash-${when}-${script}`,
    async inject(world, random) {
      for (let i = 0; i < tries; i++)
        if (await tryOnce(world, random, { script, when })) return true;
      return false;
    },
  };
}

async function tryOnce(
  world: World,
  random: Random,
  { script, when }: Omit<CrashPoint, 'call'>,
): Promise<boolean> {
  const { fleet } = world;
  await fleet.whole();
  const victim = fleet.draw(random);
  const others = [...Array(fleet.size).keys()].filter((slot) => slot !== victim);
  const slots = bySweeper.has(script) ? others : [victim];
  const members = slots.map((slot) => fleet.member(slot));
  const isRare = errands[script] !== undefined || byDeath.has(script);
  fleet.arm(slots, { script, when, call: isRare ? 1 : random.whole(1, 5) });
  if (byDeath.has(script)) await fleet.kill(victim);
  const errand = errands[script];
  if (errand !== undefined) await provoke(world, victim, errand);
  if (script === 'settleFamily') await startFamily(world);
  if (script === 'appendMany') await startCrowd(world);
  const died = await Promise.race([
    ...members.map(({ gone }) => gone.then(() => true)),
    sleep(patienceMs, false),
  ]);
  fleet.disarm();
  await fleet.whole();
  return died;
}

/** Lets a worker do what callers do, to a run that may be found in any way afterwards. */
async function provoke(world: World, slot: number, what: Errand['what']): Promise<void> {
  const { driver, fleet } = world;
  if (what === 'start') return fleet.send(slot, { what, run: `errand-${driver.counts.started}` });
  if (what === 'delete') return fleet.send(slot, { what, run: await driver.spare() });
  const run = await driver.start({
    workflow: counting,
    input: { count: 30, paceMs: 30 },
    output: 435,
    deeds: [{ what: 'resume', afterMs: 3_000 }],
    ends: what === 'cancel' ? ['completed', 'cancelled'] : ['completed'],
  });
  fleet.send(slot, { what, run });
}

/** So many runs at once that their answers arrive together, and their next appends leave together. */
async function startCrowd({ driver, fleet }: World): Promise<void> {
  for (let i = 0; i < 8 * fleet.size; i++) {
    await driver.start({
      workflow: counting,
      input: { count: 50, paceMs: 0 },
      deeds: [],
      ends: ['completed'],
      output: 1_225,
    });
  }
}

/** Children whose parents wait for the news of their end. */
async function startFamily({ driver }: World): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await driver.start({
      workflow: family,
      input: { children: 3, count: 3 },
      deeds: [],
      ends: ['completed'],
      output: 9,
    });
  }
}
