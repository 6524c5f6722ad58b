// Goal: a run keeps as many checkpoints as its workflow says, graphs keep one after each visit, and what has expired is said
// to be so. Method: the memory store.
import { describe, expect, test } from 'vitest';
import { defineGraph, defineWorkflow } from 'pawl';
import type { CheckpointExpiry, Pawl, RunHandle } from 'pawl';
import { ManualClock, openInMemory } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

function training(expireCheckpoints?: CheckpointExpiry) {
  return defineWorkflow({
    name: 'training',
    state: z.object({ epoch: z.number().default(0) }),
    ...(expireCheckpoints === undefined ? {} : { expireCheckpoints }),
    async run(ctx) {
      for (let epoch = ctx.state.epoch + 1; epoch <= 12; epoch++) {
        await ctx.set({ epoch });
        await ctx.checkpoint(epoch % 4 === 0 ? { label: `epoch ${epoch}` } : {});
      }
    },
  });
}

async function epochs(pawl: Pawl, run: RunHandle): Promise<unknown[]> {
  const handle = pawl.run(training(), run.id);
  const kept = await run.checkpoints();
  return Promise.all(kept.map(async ({ id }) => (await handle.checkpoint(id)).epoch));
}

describe('a run at work', () => {
  test.each([
    ['keeps all by default', undefined, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
    ['keeps the newest', { keepNewest: 3 }, [12, 11, 10]],
    ['keeps none', { keepNewest: 0 }, []],
    [
      'keeps those with a label beside them',
      { keepNewest: 2, unlabelledOnly: true },
      [12, 11, 10, 8, 4],
    ],
    ['keeps the young', { olderThan: '1h' }, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
  ] as const)('%s', async (_name, expiry, left) => {
    const { pawl } = memoryPawl();
    await using _ = pawl;
    const workflow = training(expiry);
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result();
    expect(await epochs(pawl, run as unknown as RunHandle)).toEqual(left);
  });

  test('does not look while there are too few for any to have expired', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    let looks = 0;
    const checkpoints = store.checkpoints.bind(store);
    store.checkpoints = (query) => {
      looks += 1;
      return checkpoints(query);
    };
    for (const [keepNewest, isLooking] of [
      [12, false],
      [11, true],
    ] as const) {
      looks = 0;
      const workflow = training({ keepNewest });
      const worker = pawl.worker({ workflows: [workflow] });
      const run = await pawl.start(workflow, undefined);
      await run.result();
      expect(looks > 0, String(keepNewest)).toBe(isLooking);
      await worker.close();
    }
  });

  test('never holds many more than it keeps', async () => {
    const { pawl } = memoryPawl();
    await using _ = pawl;
    const counts: number[] = [];
    const workflow = defineWorkflow({
      name: 'long',
      state: z.object({ i: z.number().default(0) }),
      expireCheckpoints: { keepNewest: 8 },
      async run(ctx) {
        for (let i = 0; i < 60; i++) {
          await ctx.set({ i });
          await ctx.checkpoint();
          counts.push((await pawl.run(ctx.run).checkpoints()).length);
        }
      },
    });
    pawl.worker({ workflows: [workflow] });
    await (await pawl.start(workflow, undefined)).result();
    // Eight, a quarter more, and as many again while a drop is at work.
    expect(Math.max(...counts)).toBeLessThanOrEqual(16);
  });
});

describe('on request', () => {
  async function ended() {
    const clock = new ManualClock();
    const pawl = openInMemory({ clock });
    const workflow = training();
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await clock.advance('1s');
    return { clock, pawl, workflow, run: run as unknown as RunHandle };
  }

  test('checkpoints go by their ids', async () => {
    const { pawl, run } = await ended();
    const all = await run.checkpoints();
    const gone = [all[0]?.id ?? '', all[5]?.id ?? ''];
    expect(await pawl.forgetCheckpoints(run.id, [...gone, '99-0'])).toBe(2);
    expect(await epochs(pawl, run)).toEqual([11, 10, 9, 8, 6, 5, 4, 3, 2, 1]);
    await pawl.close();
  });

  test('or by count and age, of one run or of many', async () => {
    const { pawl, run, clock } = await ended();
    expect(await pawl.forgetCheckpoints(run.id, { olderThan: '1h' })).toBe(0);
    expect(await pawl.forgetCheckpoints(run.id, { keepNewest: 6 })).toBe(6);
    await clock.advance('2h');
    const checkpoints = { keepNewest: 4, olderThan: '1h' } as const;
    const rules = [{ action: { checkpoints } }];
    const [said] = (await pawl.retain({ rules }, { dryRun: true })).runs;
    expect(said).toMatchObject({ run: run.id, action: 'checkpoints', dropped: 2 });
    const [done] = (await pawl.retain({ rules })).runs;
    expect(done).toEqual({ ...said, outcome: 'done' });
    expect(await epochs(pawl, run)).toEqual([12, 11, 10, 9]);
    await expect(pawl.forgetCheckpoints(run.id, {})).rejects.toThrow('keepNewest');
    await pawl.close();
  });

  test('one that has expired is told from one that never was', async () => {
    const { pawl, run, workflow } = await ended();
    const [{ id } = { id: '' }] = await run.checkpoints();
    await pawl.forgetCheckpoints(run.id, [id]);
    const handle = pawl.run(workflow, run.id);
    const expired = { code: 'PAWL_FORGOTTEN', run: run.id, outcome: 'not-applied' };
    await expect(handle.checkpoint(id)).rejects.toMatchObject(expired);
    await expect(pawl.fork(workflow, run.id, { checkpoint: id })).rejects.toMatchObject(expired);
    for (const never of ['999-0', 'nonsense']) {
      const fork = pawl.fork(workflow, run.id, { checkpoint: never });
      await expect(fork).rejects.toMatchObject({ code: 'PAWL_INVALID' });
    }
    await pawl.close();
  });
});

describe('a graph', () => {
  function loop(options: { readonly checkpoints?: 'nodes' | 'asked' }, turns = 3) {
    return defineGraph({
      name: 'loop',
      ...options,
      state: z.object({ turns: z.number().default(0) }),
      start: 'think',
      nodes: {
        think: (ctx) => {
          const set = { turns: ctx.state.turns + 1 };
          if (set.turns === 2) ctx.checkpoint({ label: 'second' });
          return { set };
        },
        act: () => undefined,
      },
      edges: { think: (state) => (state.turns < turns ? 'act' : 'end'), act: 'think' },
    });
  }

  async function kept(graph: ReturnType<typeof loop>) {
    const { pawl } = memoryPawl();
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    await run.result();
    const checkpoints = await run.checkpoints({ limit: 500 });
    return { pawl, run, checkpoints, nodes: checkpoints.map(({ node, label }) => [node, label]) };
  }

  test('keeps a checkpoint after each visit, with the node’s change in it', async () => {
    const { pawl, run, checkpoints, nodes } = await kept(loop({}));
    await using _ = pawl;
    const think = ['think', undefined];
    const act = ['act', undefined];
    expect(nodes).toEqual([think, act, ['think', 'second'], act, think]);
    const states = await Promise.all(checkpoints.map(({ id }) => run.checkpoint(id)));
    expect(states.map(({ turns }) => turns)).toEqual([3, 2, 2, 1, 1]);
    const [latest] = await run.checkpoints({ node: 'act', limit: 1 });
    expect(latest?.id).toBe(checkpoints[1]?.id);
  });

  test('keeps none but those it is asked for, when told so', async () => {
    const { pawl, nodes } = await kept(loop({ checkpoints: 'asked' }));
    await using _ = pawl;
    expect(nodes).toEqual([['think', 'second']]);
    expect(() => loop({ checkpoints: 'often' as 'asked' })).toThrow('nodes or asked');
  });

  test('keeps the newest 50 of those that nobody gave a label', async () => {
    const { pawl, nodes } = await kept(loop({}, 40));
    await using _ = pawl;
    expect(nodes).toHaveLength(51);
    expect(nodes.at(-1)).toEqual(['think', 'second']);
  });
});
