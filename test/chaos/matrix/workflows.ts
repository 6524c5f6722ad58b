/**
 * What the matrix executes: one workflow for each way in which a run can go on, wait or end. Every output can be told
 * beforehand, so that a run which lost, doubled or invented something gives itself away.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';

/** The body of a step begins, under a claim. */
export interface Body {
  readonly run: string;
  readonly step: string;
  readonly fence: number;
  readonly attempt: number;
}

let tell: (body: Body) => void = () => undefined;

/** Where the process that executes the workflows tells of the bodies. */
export function tellBodies(listener: (body: Body) => void): void {
  tell = listener;
}

/** The work of a step: some time, and a word to whoever watches. */
async function work(
  { run, fence }: { readonly run: string; readonly fence: number },
  step: string,
  { paceMs = 0, attempt = 1 } = {},
): Promise<void> {
  tell({ run, step, fence, attempt });
  await sleep(paceMs);
}

/** Many short steps, each with an event in the same commit. */
export const counting = defineWorkflow({
  name: 'counting',
  input: z.object({ count: z.int(), paceMs: z.number() }),
  state: z.object({ next: z.number().default(0), sum: z.number().default(0) }),
  events: { counted: z.object({ i: z.int() }) },
  reduce: { counted: (state, { i }) => ({ next: i + 1, sum: state.sum + i }) },
  async run(ctx, { count, paceMs }) {
    for (let i = ctx.state.next; i < count; i++) {
      await ctx.step(`count:${i}`, async (step) => {
        await work(ctx, `count:${i}`, { paceMs });
        step.emit('counted', { i });
      });
      ctx.progress((i + 1) / count);
    }
    return ctx.state.sum;
  },
});

/** Waits for signals, one after the other; the output names those that came. */
export const mailbox = defineWorkflow({
  name: 'mailbox',
  input: z.object({ letters: z.int() }),
  signals: { letter: z.object({ from: z.string() }) },
  async run(ctx, { letters }) {
    const from: string[] = [];
    for (let i = 0; i < letters; i++) {
      const letter = await ctx.waitFor('letter', { as: `letter:${i}` });
      from.push(letter?.from ?? 'nobody');
      await ctx.step(`read:${i}`, () => work(ctx, `read:${i}`));
    }
    return from.sort().join(' ');
  },
});

/** Sleeps in place and parked. */
export const sleeper = defineWorkflow({
  name: 'sleeper',
  input: z.object({ napsMs: z.array(z.number()) }),
  async run(ctx, { napsMs }) {
    let naps = 0;
    for (const [i, ms] of napsMs.entries()) {
      await ctx.sleep(ms, { as: `nap:${i}` });
      naps += await ctx.step(`wake:${i}`, async () => {
        await work(ctx, `wake:${i}`);
        return 1;
      });
    }
    return naps;
  },
});

/** Starts runs of its own and waits for them. */
export const family = defineWorkflow({
  name: 'family',
  input: z.object({ children: z.int(), count: z.int() }),
  async run(ctx, { children, count }) {
    const started = [];
    for (let i = 0; i < children; i++) {
      started.push(await ctx.start(counting, { count, paceMs: 5 }, { as: `child:${i}` }));
    }
    let sum = 0;
    for (const child of started) sum += await child.result();
    return sum;
  },
});

/** Steps side by side. */
export const mapping = defineWorkflow({
  name: 'mapping',
  input: z.object({ items: z.int() }),
  async run(ctx, { items }) {
    const numbers = Array.from({ length: items }, (_, i) => i);
    const squares = await ctx.map(
      'square',
      numbers,
      async (i) => {
        await work(ctx, `square:${i}`, { paceMs: 10 });
        return i * i;
      },
      { concurrency: 4 },
    );
    return squares.reduce((sum, square) => sum + square, 0);
  },
});

/** A step that succeeds at its third attempt, and an effect that may be in doubt. */
export const flaky = defineWorkflow({
  name: 'flaky',
  input: z.object({ word: z.string() }),
  async run(ctx, { word }) {
    const said = await ctx.step(
      'stutter',
      async ({ attempt }) => {
        await work(ctx, 'stutter', { attempt });
        if (attempt < 3) throw new Error('not yet');
        return word;
      },
      { retry: { attempts: 3, delay: 20 } },
    );
    const paid = await ctx.effect(
      'pay',
      async () => {
        await work(ctx, 'pay', { paceMs: 20 });
        return word;
      },
      { onDoubt: () => ({ happened: true, result: word }) },
    );
    return `${said} ${paid}`;
  },
});

/** Takes three things, waits until it is cancelled, and gives them back. */
export const booking = defineWorkflow({
  name: 'booking',
  state: z.object({ held: z.array(z.int()).default([]) }),
  events: { taken: z.object({ i: z.int() }), returned: z.object({ i: z.int() }) },
  signals: { never: z.object({}) },
  reduce: {
    taken: ({ held }, { i }) => ({ held: [...held, i] }),
    returned: ({ held }, { i }) => ({ held: held.filter((one) => one !== i) }),
  },
  async run(ctx) {
    try {
      for (const i of [0, 1, 2]) {
        await ctx.step(`take:${i}`, async (step) => {
          await work(ctx, `take:${i}`, { paceMs: 20 });
          step.emit('taken', { i });
        });
      }
      await ctx.waitFor('never');
    } finally {
      for (const i of ctx.state.held.toReversed()) {
        await ctx.step(`return:${i}`, async (step) => {
          await work(ctx, `return:${i}`, { paceMs: 10 });
          step.emit('returned', { i });
        });
      }
    }
  },
});

/** Rounds of two parallel nodes and a join. */
export const weaving = defineGraph({
  name: 'weaving',
  input: z.object({ rounds: z.int() }),
  state: z.object({ sum: z.number().default(0), round: z.number().default(0) }),
  start: 'plan',
  nodes: {
    plan: (ctx) => ({ set: { round: ctx.visit } }),
    left: async (ctx) => {
      await work(ctx, `node:left:${ctx.visit}`, { paceMs: 10 });
      return { set: { sum: 1 } };
    },
    right: async (ctx) => {
      await work(ctx, `node:right:${ctx.visit}`, { paceMs: 15 });
      return { set: { sum: 100 } };
    },
    join: (ctx) => ({ goto: ctx.state.round < ctx.input.rounds ? 'plan' : 'end' }),
  },
  edges: { plan: ['left', 'right'], left: 'join', right: 'join' },
  merge: { sum: (current, update) => current + update },
});

/** Blocks the event loop of the first process that executes it, and of no other. */
export const blocker = defineWorkflow({
  name: 'blocker',
  input: z.object({ ms: z.number(), mark: z.string() }),
  async run(ctx, { ms, mark }) {
    return ctx.step('block', async () => {
      await work(ctx, 'block');
      if (existsSync(mark)) return 'done';
      writeFileSync(mark, '');
      const until = performance.now() + ms;
      while (performance.now() < until);
      return 'done';
    });
  },
});

/** Kills the process that executes it, at once and every time. */
export const poison = defineWorkflow({
  name: 'poison',
  run() {
    process.kill(process.pid, 'SIGKILL');
  },
});

export const workflows = [
  counting,
  mailbox,
  sleeper,
  family,
  mapping,
  flaky,
  booking,
  weaving,
  blocker,
  poison,
] as const;
