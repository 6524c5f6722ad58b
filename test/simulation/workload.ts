/** The workflow of the simulation, and what must come out of it. */
import { z } from 'zod';
import type { Clock } from '../../src/core/clock.ts';
import { defineWorkflow } from '../../src/engine/definition/workflow.ts';
import type { World } from './world.ts';

const input = z.object({
  count: z.int(),
  /** In the middle: a sleep, and a wait for a signal, for a while or for as long as it takes. */
  sleepMs: z.number(),
  waits: z.enum(['no', 'a while', 'for ever']),
});

export type WorkInput = z.infer<typeof input>;

/** `count` steps, each with one event; the time they take is that of the process they run in. */
export function makeWork(world: World, clock: Clock) {
  return defineWorkflow({
    name: 'work',
    input,
    state: z.object({ next: z.number().default(0), sum: z.number().default(0) }),
    events: { tick: z.object({ i: z.int() }) },
    signals: { go: z.object({}) },
    reduce: { tick: (state, { i }) => ({ next: i + 1, sum: state.sum + i }) },
    async run(ctx, { count, sleepMs, waits }) {
      const half = Math.floor(count / 2);
      for (let i = ctx.state.next; i < count; i++) {
        if (i === half && sleepMs > 0) await ctx.sleep(sleepMs);
        if (i === half && waits !== 'no') {
          await ctx.waitFor('go', waits === 'a while' ? { timeout: 20_000 } : {});
        }
        await ctx.step(`tick:${i}`, async (step) => {
          await clock.sleep(world.between(0, 100));
          step.emit('tick', { i });
        });
        if (world.chance(0.1)) await ctx.checkpoint();
      }
      return { sum: ctx.state.sum };
    },
  });
}

/** What a completed run returns. */
export function sumOf({ count }: WorkInput): number {
  return (count * (count - 1)) / 2;
}
