// Goal: a checkpoint keeps the state for good, once for each time the handler comes by. Method: the memory store.
import { expect, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import type { RunHandle } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const state = z.object({ epoch: z.number().default(0), notes: z.array(z.string()).default([]) });

const training = defineWorkflow({
  name: 'training',
  input: z.object({ epochs: z.number() }),
  state,
  async run(ctx, { epochs }) {
    const ids: string[] = [];
    for (let epoch = ctx.state.epoch + 1; epoch <= epochs; epoch++) {
      await ctx.set({ epoch });
      if (epoch % 2 === 0) {
        const metadata = { epoch, loss: 1 / epoch };
        ids.push(await ctx.checkpoint({ label: `epoch ${epoch}`, node: 'train', metadata }));
      }
    }
    await ctx.checkpoint({ label: 'end', node: 'report' });
    return ids;
  },
});

async function labels(run: RunHandle): Promise<unknown[]> {
  return (await run.checkpoints()).map(({ label }) => label);
}

test('checkpoints are listed, found by node, and loaded as they were', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [training] });
  const run = await pawl.start(training, { epochs: 4 });
  const ids = await run.result();
  expect(await labels(run)).toEqual(['end', 'epoch 4', 'epoch 2']);
  const [latest, first] = await run.checkpoints({ node: 'train' });
  expect([latest?.id, first?.id]).toEqual([ids[1], ids[0]]);
  expect(first?.metadata).toEqual({ epoch: 2, loss: 0.5 });
  expect(first?.at).toBeInstanceOf(Date);
  expect(first?.bytes).toBeGreaterThan(0);
  expect(await run.checkpoint(ids[0] ?? '')).toEqual({ epoch: 2, notes: [] });
  expect(await run.checkpoint(ids[1] ?? '')).toEqual({ epoch: 4, notes: [] });
  await expect(run.checkpoint('9-9')).rejects.toMatchObject({ code: 'PAWL_INVALID' });
});

test('the state can be read as it was after any event', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [training] });
  const run = await pawl.start(training, { epochs: 5 });
  await run.result();
  for (const event of await allEvents(run)) {
    if (event.type !== 'state.set') continue;
    const { patch } = event.data as { patch: { epoch: number } };
    expect(await run.state({ seq: event.seq })).toEqual({ epoch: patch.epoch, notes: [] });
  }
  await expect(run.state({ seq: 1_000 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
});

test('a fork begins at a checkpoint', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [training] });
  const run = await pawl.start(training, { epochs: 4 });
  const [first] = await run.result();
  const fork = await pawl.fork(training, run.id, { checkpoint: first ?? '' });
  expect(await fork.result()).toHaveLength(1);
  expect(await labels(fork)).toEqual(['end', 'epoch 4']);
  await expect(pawl.fork(training, run.id, { checkpoint: '9-9' })).rejects.toMatchObject({
    code: 'PAWL_INVALID',
  });
});

test('a handler that is called again does not keep a checkpoint twice', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  let calls = 0;
  const waiting = defineWorkflow({
    name: 'waiting',
    signals: { go: z.object({}) },
    async run(ctx) {
      calls += 1;
      await ctx.step('load', () => 1);
      const before = await ctx.checkpoint({ label: 'loaded' });
      await ctx.waitFor('go');
      const after = await ctx.checkpoint({ label: 'told' });
      await ctx.waitFor('go', { as: 'again' });
      return [before, after];
    },
  });
  pawl.worker({ workflows: [waiting] });
  const run = await pawl.start(waiting, undefined);
  for (const count of [1, 2]) {
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    expect(await labels(run)).toHaveLength(count);
    await run.signal('go', {});
    await expect.poll(() => calls).toBe(count + 1);
  }
  const ids = await run.result();
  expect(new Set(ids).size).toBe(2);
  expect(await labels(run)).toEqual(['told', 'loaded']);
  expect(calls).toBe(3);
});

test('checkpoints that are asked for at once share a snapshot, and each has its words', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const pair = defineWorkflow({
    name: 'pair',
    run: (ctx) => Promise.all(['left', 'right'].map((label) => ctx.checkpoint({ label }))),
  });
  pawl.worker({ workflows: [pair] });
  const run = await pawl.start(pair, undefined);
  const ids = await run.result();
  expect(await labels(run)).toEqual(['right', 'left']);
  expect(new Set(ids).size).toBe(2);
});

test('the checkpoints of a graph are found by node', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const graph = defineGraph({
    name: 'looped',
    state: z.object({ turns: z.number().default(0) }),
    start: 'think',
    nodes: {
      think: (ctx) => {
        ctx.checkpoint({ label: `turn ${ctx.state.turns}` });
        return { set: { turns: ctx.state.turns + 1 } };
      },
      act: () => undefined,
    },
    edges: { think: ({ turns }) => (turns < 3 ? 'act' : 'end'), act: 'think' },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined);
  await run.result();
  const kept = await run.checkpoints({ node: 'think' });
  expect(kept.map(({ label }) => label)).toEqual(['turn 2', 'turn 1', 'turn 0']);
  expect(await run.checkpoint(kept[2]?.id ?? '')).toEqual({ turns: 1 });
});
