/** Workflows that the tests run, in this process and in children. */
import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';

/** Ticks `count` times: one step and one event for each, in one commit, `paceMs` apart. */
export const ticks = defineWorkflow({
  name: 'ticks',
  input: z.object({ count: z.int(), paceMs: z.number().default(0) }),
  state: z.object({ next: z.number().default(0), sum: z.number().default(0) }),
  events: { tick: z.object({ i: z.int(), pid: z.int() }) },
  reduce: { tick: (state, { i }) => ({ ...state, next: i + 1, sum: state.sum + i }) },
  async run(ctx, { count, paceMs }) {
    for (let i = ctx.state.next; i < count; i++) {
      await ctx.step(`tick:${i}`, async (step) => {
        await sleep(paceMs);
        step.emit('tick', { i, pid: process.pid });
      });
    }
    return { sum: ctx.state.sum };
  },
});

/** Gives out `count` lines in each of its parts, and waits for every other one. No two calls of a part say the same. */
export const talking = defineWorkflow({
  name: 'talking',
  input: z.object({ parts: z.int(), count: z.int(), paceMs: z.number() }),
  outputs: { default: z.object({ part: z.int(), i: z.int(), pid: z.int(), said: z.string() }) },
  async run(ctx, { parts, count, paceMs }) {
    for (let part = 0; part < parts; part++) {
      await ctx.step(`part:${part}`, async (step) => {
        for (let i = 0; i < count; i++) {
          const written = step.write({ part, i, pid: process.pid, said: 'x'.repeat(i) });
          if (i % 2 === 0) await written;
          await sleep(paceMs);
        }
      });
    }
    return { parts };
  },
});

/** Writes `count` entries, and says in the log which of them it was told are stored. No two entries are alike. */
export const diary = defineWorkflow({
  name: 'diary',
  input: z.object({ count: z.int(), paceMs: z.number() }),
  state: z.object({ next: z.number().default(0) }),
  events: { entry: z.object({ i: z.int(), id: z.string() }) },
  reduce: { entry: (_, { i }) => ({ next: i + 1 }) },
  async run(ctx, { count, paceMs }) {
    for (let i = ctx.state.next; i < count; i++) {
      await sleep(paceMs);
      const id = randomUUID();
      await ctx.emit('entry', { i, id });
      ctx.log.info({ id, pid: process.pid }, 'entry acknowledged');
    }
    return { entries: ctx.state.next };
  },
});

/** Kills the process that executes it, at once and every time. */
export const poison = defineWorkflow({
  name: 'poison',
  run() {
    process.kill(process.pid, 'SIGKILL');
  },
});

/** Blocks the event loop of the first process that executes it, and of no other. */
export const blocking = defineWorkflow({
  name: 'blocking',
  input: z.object({ ms: z.number(), mark: z.string() }),
  async run(ctx, { ms, mark }) {
    return ctx.step('work', () => {
      if (existsSync(mark)) return process.pid;
      writeFileSync(mark, '');
      const until = Date.now() + ms;
      while (Date.now() < until);
      return process.pid;
    });
  },
});

/** One step that takes its time and does not listen to its signal. */
export const stubborn = defineWorkflow({
  name: 'stubborn',
  input: z.object({ ms: z.number() }),
  async run(ctx, { ms }) {
    await ctx.step('first', () => 'kept');
    return ctx.step('long', async () => {
      await sleep(ms);
      return process.pid;
    });
  },
});

/** Rounds of two parallel nodes and a join; each body takes `paceMs` and names its process. */
export const rounds = defineGraph({
  name: 'rounds',
  input: z.object({ rounds: z.int(), paceMs: z.number() }),
  state: z.object({ sum: z.number().default(0), round: z.number().default(0) }),
  start: 'plan',
  nodes: {
    plan: (ctx) => ({ set: { round: ctx.visit } }),
    left: async (ctx) => {
      await ctx.step('first half', () => sleep(ctx.input.paceMs));
      await ctx.step('second half', () => sleep(ctx.input.paceMs));
      return { set: { sum: 1 }, result: process.pid };
    },
    right: async (ctx) => {
      await sleep(ctx.input.paceMs);
      return { set: { sum: 100 }, result: process.pid };
    },
    join: (ctx) => ({ goto: ctx.state.round < ctx.input.rounds ? 'plan' : 'end' }),
  },
  edges: { plan: ['left', 'right'], left: 'join', right: 'join' },
  merge: { sum: (current, update) => current + update },
});

/** One step that is at work until a file exists, and a moment longer. */
export const patient = defineWorkflow({
  name: 'patient',
  input: z.object({ mark: z.string() }),
  async run(ctx, { mark }) {
    await ctx.step('before', () => 'kept');
    return ctx.step('until the mark', async () => {
      while (!existsSync(mark)) await sleep(100);
      await sleep(20);
      return process.pid;
    });
  },
});
