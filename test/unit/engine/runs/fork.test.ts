// Goal: a new run begins where another one was, and the other one never changes. Method: the bookkeeping store.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const bodies: string[] = [];

const pipeline = defineWorkflow({
  name: 'pipeline',
  input: z.object({ tag: z.string() }),
  state: z.object({ log: z.array(z.string()).default([]) }),
  events: { line: z.string() },
  reduce: { line: ({ log }, line) => ({ log: [...log, line] }) },
  async run(ctx, { tag }) {
    for (const stage of ['extract', 'transform', 'load']) {
      await ctx.step(stage, (step) => {
        bodies.push(stage);
        step.emit('line', `${tag} ${stage}`);
      });
    }
    return ctx.state.log;
  },
});

test('a fork keeps what was finished up to its point, and runs the rest again', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  bodies.length = 0;
  pawl.worker({ workflows: [pipeline] });
  const origin = await pawl.start(pipeline, { tag: 'a' }, { id: 'origin' });
  const result = await origin.result();
  const before = await store.load('origin');

  const fork = await pawl.fork(pipeline, 'origin', { step: 'extract' }, { id: 'fork' });
  expect(await fork.result()).toEqual(result);
  expect(bodies).toEqual(['extract', 'transform', 'load', 'transform', 'load']);
  const again = await pawl.fork(pipeline, 'fork', { step: 'transform' }, { id: 'again' });
  expect(await again.result()).toEqual(result);
  expect(bodies).toHaveLength(6);

  expect(await store.load('origin')).toEqual(before);
  const [created] = await allEvents(fork);
  expect(created?.data).toMatchObject({ forkedFrom: { run: 'origin', seq: 4 } });
  checkLog(await allEvents(fork));
  checkLog(await allEvents(again));
});

test('a graph goes on from any of its nodes', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const visits: string[] = [];
  const graph = defineGraph({
    name: 'graph',
    state: z.object({ n: z.number().default(0) }),
    start: 'a',
    nodes: {
      a: (ctx) => {
        visits.push('a');
        return { set: { n: ctx.state.n + 1 }, goto: 'b' };
      },
      b: (ctx) => {
        visits.push('b');
        return { set: { n: ctx.state.n + 10 }, goto: 'c' };
      },
      c: (ctx) => {
        visits.push('c');
        return { set: { n: ctx.state.n + 100 } };
      },
    },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined);
  expect(await run.result()).toEqual({ n: 111 });
  const fork = await pawl.fork(graph, run.id, { node: 'a' });
  expect(await fork.result()).toEqual({ n: 111 });
  expect(visits).toEqual(['a', 'b', 'c', 'b', 'c']);
});

test('a point that a run never came to is refused, and so is a run that is not there', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [pipeline] });
  const { id } = await pawl.start(pipeline, { tag: 'a' });
  await pawl.run(id).result();
  for (const point of [
    { seq: 0 },
    { seq: 99 },
    { seq: 1.5 },
    { step: 'nothing' },
    { node: 'nothing' },
  ]) {
    await expect(pawl.fork(pipeline, id, point)).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  }
  await expect(pawl.fork(pipeline, 'nobody', { seq: 1 })).rejects.toMatchObject({
    code: 'PAWL_RUN_NOT_FOUND',
  });
});

test('a fork begins with an edited state, which its first event tells', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [pipeline] });
  const origin = await pawl.start(pipeline, { tag: 'a' }, { id: 'origin' });
  await origin.result();
  const before = await store.load('origin');
  const at = { step: 'extract' } as const;

  const fork = await pawl.fork(pipeline, 'origin', at, {
    id: 'fork',
    actor: 'ada',
    state: ({ log }) => ({ log: [...log, 'by hand'] }),
  });
  const log = ['a extract', 'by hand', 'a transform', 'a load'];
  expect(await fork.result()).toEqual(log);
  const [created] = await allEvents(fork);
  expect(created?.data).toMatchObject({
    forkedFrom: {
      run: 'origin',
      seq: 4,
      actor: 'ada',
      edited: { set: { log: ['a extract', 'by hand'] }, remove: [] },
    },
  });
  expect(await store.load('origin')).toEqual(before);
  // The past of the fork, though its snapshots have moved on; and of a fork of the fork.
  expect(await fork.state({ seq: 1 })).toEqual({ log: log.slice(0, 2) });
  const again = await pawl.fork(pipeline, 'fork', { seq: 1 }, { id: 'again' });
  expect(await again.result()).toEqual(log);

  const whole = await pawl.fork(pipeline, 'origin', at, { id: 'whole', state: { log: [] } });
  expect(await whole.result()).toEqual(['a transform', 'a load']);
});

test('an edited state that does not fit is refused, and nothing is written', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [pipeline] });
  await (await pawl.start(pipeline, { tag: 'a' }, { id: 'origin' })).result();
  const fork = (state: unknown): Promise<unknown> =>
    pawl.fork(pipeline, 'origin', { seq: 4 }, { id: 'fork', state: state as { log: string[] } });
  await expect(fork({ log: 'no list' })).rejects.toThrow(/state\.log/);
  await expect(fork(7)).rejects.toThrow(/must be an object/);
  await expect(fork({ log: ['x'.repeat(300_000)] })).rejects.toThrow(/edited state/);
  expect(await store.record('fork')).toBeUndefined();
});

test('a fork inside of a commit is refused, naming where the commit begins and ends', async () => {
  const { pawl } = memoryPawl();
  await using other = memoryPawl().pawl;
  await using _ = pawl;
  const workflow = defineWorkflow({
    name: 'paying',
    state: z.object({ paid: z.number().default(0) }),
    events: { paid: z.number() },
    reduce: { paid: (state, amount) => ({ paid: state.paid + amount }) },
    async run(ctx) {
      await ctx.step('pay', (step) => {
        step.emit('paid', 60);
        step.emit('paid', 40);
      });
      return ctx.state.paid;
    },
  });
  pawl.worker({ workflows: [workflow] });
  await (await pawl.start(workflow, undefined, { id: 'r' })).result();
  const types = (await allEvents(pawl.run('r'))).map(({ type }) => type);
  expect(types.slice(2, 5)).toEqual(['paid', 'paid', 'step.completed']);
  const lines: string[] = [];
  for await (const line of pawl.export()) lines.push(line);
  await other.import(lines);
  other.worker({ workflows: [workflow] });
  for (const from of [pawl, other]) {
    for (const seq of [3, 4]) {
      await expect(from.fork(workflow, 'r', { seq })).rejects.toThrow(
        /seq [34] is inside of a commit of run r.*Fork at 2 or at 5\./,
      );
    }
    for (const point of [{ seq: 2 }, { seq: 5 }, { step: 'pay' }]) {
      expect(await (await from.fork(workflow, 'r', point)).result()).toBe(100);
    }
  }
});

test('what a fork has inherited comes before what it does itself, each time its handler is called', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const ways: string[] = [];
  const gate = { isHeld: true };
  const workflow = defineWorkflow({
    name: 'inherits',
    async run(ctx) {
      for (let i = 0; i < 5; i++) await ctx.step(`before ${i}`, () => i);
      const one = ctx.step('one', () => 'one');
      const two = ctx.step('two', async () => {
        while (gate.isHeld && !ctx.run.startsWith('fork')) await pause(5);
        return 'two';
      });
      ways.push(await Promise.race([one, two]));
      await two;
      await ctx.step('after', async () => {
        while (gate.isHeld) await pause(5);
      });
    },
  });
  const worker = pawl.worker({ workflows: [workflow] });
  await pawl.start(workflow, undefined, { id: 'origin' });
  for (let i = 0; i < 4_000 && ways.length === 0; i++) await pause(5);
  const fork = await pawl.fork(workflow, 'origin', { step: 'one' }, { id: 'fork' });
  for (let i = 0; i < 4_000 && ways.length === 1; i++) await pause(5);
  await worker.close({ graceMs: 0 });
  gate.isHeld = false;
  pawl.worker({ workflows: [workflow] });
  await fork.result({ timeoutMs: 5000 });
  expect(new Set(ways)).toEqual(new Set(['one']));
});
