// Goal: what pawl does without any fault is sound in every way the judge knows. Method: workflows of every kind, several
// workers over one Redis, and the judge's look at what lies there, again and again while they work and when all is over.
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineGraph, defineWorkflow, Pawl } from 'pawl';
import { startRedisCluster } from '../support/cluster.ts';
import { collectHistory } from '../support/history/collect.ts';
import { judge } from '../support/history/judge.ts';
import { gather, openReportingPawl, reportedBody, type Say } from '../support/history/reporter.ts';
import { newPrefix } from '../support/workers.ts';
import { rounds, ticks } from '../support/workflows.ts';

function workflows(say: Say) {
  const counting = defineWorkflow({
    name: 'counting',
    input: z.object({ count: z.int() }),
    state: z.object({ next: z.number().default(0), seen: z.array(z.int()).default([]) }),
    events: { counted: z.object({ i: z.int() }) },
    reduce: { counted: (state, { i }) => ({ next: i + 1, seen: [...state.seen, i] }) },
    async run(ctx, { count }) {
      for (let i = ctx.state.next; i < count; i++) {
        const name = `count:${i}`;
        await ctx.step(name, async (step) => {
          const inner = reportedBody(say, ctx, `${name} › inner`, () => sleep(1));
          await step.step('inner', inner);
          await reportedBody(say, ctx, name, () => step.emit('counted', { i }))();
        });
        if (i % 5 === 4) await ctx.checkpoint();
      }
      return ctx.state.seen.length;
    },
  });
  const waiting = defineWorkflow({
    name: 'waiting',
    state: z.object({ by: z.string().default('nobody') }),
    signals: { go: z.object({ by: z.string() }) },
    async run(ctx) {
      await ctx.sleep(1_500);
      const signal = await ctx.waitFor('go');
      await ctx.set({ by: signal?.by ?? 'none' });
      const child = await ctx.start(counting, { count: 3 });
      return child.result();
    },
  });
  const failing = defineWorkflow({
    name: 'failing',
    retry: { attempts: 2, delay: 10 },
    async run(ctx) {
      await ctx.step(
        'kept',
        reportedBody(say, ctx, 'kept', () => 1),
      );
      await ctx.step('thrown', () => Promise.reject(new Error('on purpose')), {
        retry: { attempts: 2, delay: 1 },
      });
    },
  });
  const going = defineGraph({
    name: 'going',
    state: z.object({ sum: z.number().default(0), round: z.number().default(0) }),
    start: 'plan',
    nodes: {
      plan: (ctx) => ({ set: { round: ctx.visit } }),
      left: () => ({ set: { sum: 1 }, result: 'left' }),
      right: async (ctx) => {
        await ctx.step('rest', () => sleep(2));
        return { set: { sum: 10 } };
      },
      join: (ctx) => ({ goto: ctx.state.round < 6 ? 'plan' : 'end' }),
    },
    edges: { plan: ['left', 'right'], left: 'join', right: 'join' },
    merge: { sum: (current, update) => current + update },
  });
  return { counting, waiting, failing, going };
}

test('runs of every kind on several workers leave a sound history, at every moment', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix() };
  const { say, said } = gather();
  const { counting, waiting, failing, going } = workflows(say);
  const all = { workflows: [counting, waiting, failing, going] };
  await using client = await openReportingPawl(setup, say, 'client');
  await using first = await openReportingPawl(setup, say, 'first');
  await using second = await openReportingPawl(setup, say, 'second');
  const workers = [first.worker(all), first.worker(all), second.worker(all)];
  await Promise.all(workers.map((worker) => worker.ready()));

  const counts = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      client.start(counting, { count: 20 }, { tags: { batch: String(i % 3) }, priority: i % 2 }),
    ),
  );
  const waits = await Promise.all([1, 2, 3].map(() => client.start(waiting, undefined)));
  const fails = await client.start(failing, undefined, { tags: { batch: '0' } });
  const graphs = await Promise.all([1, 2].map(() => client.start(going, undefined)));
  const delayed = await client.start(counting, { count: 2 }, { delay: 500 });
  const never = await client.start(counting, { count: 2 }, { delay: '1h' });
  const stopped = await client.start(waiting, undefined);

  let looks = 0;
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      // What was told before the look; what is told meanwhile may not be there yet.
      const told = { told: [...said.told], bodies: [...said.bodies] };
      const history = await collectHistory(setup.url, setup.prefix, { ...told, ...all });
      expect(judge(history)).toEqual([]);
      looks += 1;
      await sleep(50);
    }
  })();

  const working = (async () => {
    await workers[0]?.close();
    await waits[0]?.pause({ reason: 'to see' });
    await Promise.all(waits.map((run, i) => run.signal('go', { by: `signal ${i}` })));
    await stopped.cancel({ reason: 'no more' });
    await never.cancel();
    await waits[0]?.resume();
    const ends = await Promise.all(
      [...counts, ...waits, ...graphs, delayed].map((r) => r.result()),
    );
    expect(ends).toHaveLength(18);
    await expect(fails.result()).rejects.toMatchObject({ code: 'PAWL_RUN_FAILED' });
    await expect(stopped.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    const [forkedFrom] = counts;
    const fork = await client.fork(counting, forkedFrom?.id ?? '', { step: 'count:3' });
    expect(await fork.result()).toBe(20);
  })().finally(() => over.abort());
  await Promise.all([looking, working]);

  const history = await collectHistory(setup.url, setup.prefix, { ...said, ...all });
  expect(judge(history, { settled: true })).toEqual([]);
  // The look is worth something only if there was something to see.
  expect(looks).toBeGreaterThan(5);
  expect(history.runs).toHaveLength(12 + 3 + 3 + 1 + 2 + 2 + 1 + 1);
  const stored = history.runs.reduce((sum, run) => sum + run.events.length, 0);
  expect(history.told.length).toBeGreaterThan(stored / 2);
  expect(history.bodies.length).toBeGreaterThan(12 * 20 * 4);
  expect(history.runs.filter(({ snapshot }) => snapshot !== undefined).length).toBeGreaterThan(12);
});

test('a history is read off a cluster as well, shard by shard', async () => {
  const cluster = await startRedisCluster();
  const nodes = [...cluster.nodes];
  const known = { workflows: [ticks, rounds] };
  const client = new Cluster(nodes);
  try {
    await using pawl = await Pawl.open({ redis: { nodes }, prefix: 'sharded' });
    pawl.worker(known);
    const input = { count: 10, paceMs: 1 };
    const runs = await Promise.all(Array.from({ length: 20 }, () => pawl.start(ticks, input)));
    const graph = await pawl.start(rounds, { rounds: 3, paceMs: 1 });
    expect(judge(await collectHistory(client, 'sharded', known))).toEqual([]);
    await Promise.all([...runs, graph].map((run) => run.result()));
    const history = await collectHistory(client, 'sharded', known);
    expect(history.runs).toHaveLength(21);
    expect(judge(history, { settled: true })).toEqual([]);
  } finally {
    client.disconnect();
    await cluster.stop();
  }
});
