/**
 * Runs that kill whoever executes them, each in its own way, and runs that do no harm. `delayMs` is from the moment of
 * which the name speaks to the kill.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';

async function kill(delayMs: number): Promise<never> {
  await sleep(delayMs);
  process.kill(process.pid, 'SIGKILL');
  // The signal comes in a moment.
  await sleep(10_000);
  throw new Error('it has survived');
}

const input = z.object({ delayMs: z.number() });

const atOnce = defineWorkflow({
  name: 'kills-at-once',
  input,
  run: (_, { delayMs }) => kill(delayMs),
});

const afterState = defineWorkflow({
  name: 'kills-after-a-write-to-the-state',
  input,
  state: z.object({ tries: z.number().default(0) }),
  async run(ctx, { delayMs }) {
    await ctx.set({ tries: ctx.state.tries + 1 });
    return kill(delayMs);
  },
});

const afterEvent = defineWorkflow({
  name: 'kills-after-an-event',
  input,
  events: { begun: z.object({}) },
  async run(ctx, { delayMs }) {
    await ctx.emit('begun', {});
    return kill(delayMs);
  },
});

const inEffect = defineWorkflow({
  name: 'kills-in-an-effect',
  input,
  async run(ctx, { delayMs }) {
    return ctx.effect('fatal', () => kill(delayMs), { onDoubt: 'retry' });
  },
});

const deepInside = defineWorkflow({
  name: 'kills-at-a-second-attempt',
  input,
  async run(ctx, { delayMs }) {
    await ctx.step('first', () => 1);
    return ctx.step(
      'outer',
      async (step) => {
        await step.step('inner', () => 1);
        if (step.attempt === 1) throw new Error('not yet');
        return kill(delayMs);
      },
      { retry: { attempts: 5, delay: 10 } },
    );
  },
});

/** One for each kind of poison. */
export const poisonous = [atOnce, afterState, afterEvent, inEffect, deepInside] as const;

const pace = z.object({ paceMs: z.number() });

const steps = defineWorkflow({
  name: 'takes-five-steps',
  input: pace,
  async run(ctx, { paceMs }) {
    for (let i = 0; i < 5; i++) await ctx.step(`step:${i}`, () => sleep(paceMs));
  },
});

const longStep = defineWorkflow({
  name: 'takes-one-long-step',
  input: pace,
  async run(ctx, { paceMs }) {
    await ctx.step('long', () => sleep(10 * paceMs));
  },
});

const events = defineWorkflow({
  name: 'emits-events',
  input: pace,
  state: z.object({ next: z.number().default(0) }),
  events: { said: z.object({ i: z.number() }) },
  reduce: { said: (_, { i }) => ({ next: i + 1 }) },
  async run(ctx, { paceMs }) {
    for (let i = ctx.state.next; i < 8; i++) {
      await sleep(paceMs);
      await ctx.emit('said', { i });
    }
  },
});

const sleeps = defineWorkflow({
  name: 'sleeps',
  input: pace,
  async run(ctx, { paceMs }) {
    await ctx.sleep(20 * paceMs);
    await ctx.step('behind', () => sleep(paceMs));
    await ctx.sleep(paceMs);
  },
});

export const harmless = [steps, longStep, events, sleeps] as const;
