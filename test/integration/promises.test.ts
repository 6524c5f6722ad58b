// Goal: the way of a step stays short. Method: 300 awaited steps of one run on a real Redis; what Node makes for them is
// counted, and must not be more than the way of a step is known to need.
import { createHook } from 'node:async_hooks';
import { expect, inject, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { newPrefix, openPawl } from '../support/workers.ts';

const warmSteps = 100;
const steps = 300;

/** What one step may make, on average. The time-out is that of the client's socket. */
const bounds: Readonly<Record<string, number>> = {
  PROMISE: 18,
  Timeout: 1,
  TickObject: 2,
  Immediate: 0,
};

test('an awaited step makes at most 18 promises, one timer and two ticks, and no Immediate', async () => {
  const prefix = newPrefix();
  await using pawl = await openPawl(inject('redisUrl'), prefix);
  const counted = new Map<string, number>();
  const hook = createHook({
    init(_, type) {
      counted.set(type, (counted.get(type) ?? 0) + 1);
    },
  });
  const workflow = defineWorkflow({
    name: 'counted',
    async run(ctx) {
      for (let i = 0; i < warmSteps; i++) await ctx.step(`warm:${i}`, () => ({ step: i }));
      counted.clear();
      hook.enable();
      for (let i = 0; i < steps; i++) await ctx.step(`step:${i}`, () => ({ step: i }));
      hook.disable();
    },
  });
  // Beats and looks of the sweeper are no part of a step.
  pawl.worker({ workflows: [workflow], sweepMs: 60_000, beatMs: 60_000, sessionMs: 120_000 });
  const rounds: Record<string, number>[] = [];
  for (let round = 0; round < 3; round++) {
    await (await pawl.start(workflow, undefined)).result();
    const each = Object.keys(bounds).map((type) => [type, (counted.get(type) ?? 0) / steps]);
    rounds.push(Object.fromEntries(each) as Record<string, number>);
  }
  console.log(`each step: ${JSON.stringify(rounds)}`);
  for (const [type, most] of Object.entries(bounds)) {
    // What else the process does may fall into one of the rounds.
    const least = Math.min(...rounds.map((round) => round[type] ?? 0));
    expect(least, `${type} of a step`).toBeLessThanOrEqual(most + 0.1);
  }
});
