/** Steps, sleeps, waits and crowds of events: what a run returns is the sum of its events. */
import { z } from 'zod';
import { defineWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { WorkloadParts } from './parts.ts';

const input = z.object({
  count: z.int(),
  /** In the middle: a sleep, and a wait for a signal: for a while, for as long as it takes, or for one that never comes. */
  sleepMs: z.number(),
  waits: z.enum(['no', 'a while', 'for ever', 'in vain']),
  /** Events emitted at once at the beginning: more than a commit holds, or larger than it may be. */
  crowd: z.int().default(0),
  bytes: z.int().default(0),
  fails: z.boolean().default(false),
});

export type WorkInput = z.infer<typeof input>;

/** `count` steps, each with one event; the time they take is that of the process they run in. */
export function makeWork({ world, clock, outside }: WorkloadParts) {
  return defineWorkflow({
    name: 'work',
    input,
    state: z.object({
      next: z.number().default(0),
      sum: z.number().default(0),
      crowd: z.number().default(0),
    }),
    events: { tick: z.object({ i: z.int() }), crowd: z.object({ data: z.string() }) },
    signals: { go: z.object({}), never: z.object({}) },
    reduce: {
      tick: (state, { i }) => ({ ...state, next: i + 1, sum: state.sum + i }),
      crowd: (state) => ({ ...state, crowd: state.crowd + 1 }),
    },
    async run(ctx, { count, sleepMs, waits, crowd, bytes, fails }) {
      const data = 'x'.repeat(bytes);
      const rest = Array.from({ length: Math.max(0, crowd - ctx.state.crowd) });
      await Promise.all(rest.map(() => ctx.emit('crowd', { data })));
      const half = Math.floor(count / 2);
      for (let i = ctx.state.next; i < count; i++) {
        if (i === half && sleepMs > 0) await ctx.sleep(sleepMs);
        if (i === half && waits !== 'no') {
          const timeout = waits === 'a while' ? { timeout: 20_000 } : {};
          await ctx.waitFor(waits === 'in vain' ? 'never' : 'go', timeout);
        }
        await ctx.step(`tick:${i}`, async (step) => {
          outside.bodyBegins(ctx, `tick:${i}`);
          await clock.sleep(world.between(0, 100));
          step.emit('tick', { i });
        });
        if (world.chance(0.1)) await ctx.checkpoint();
      }
      if (fails) throw new Error('as it was told to');
      return { sum: ctx.state.sum, crowd: ctx.state.crowd };
    },
  });
}

/** What a completed run returns. */
export function sumOf({ count }: WorkInput): number {
  return (count * (count - 1)) / 2;
}
