// Goal: a graph goes the ways it is drawn. Method: the memory store, one process, and a look at the record.
import { describe, expect, test } from 'vitest';
import { defineGraph, toMermaid } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const trail = z.object({ n: z.number().default(0), trail: z.array(z.string()).default([]) });

describe('ways', () => {
  test('a line of nodes: each is one commit, and its record stays', async () => {
    await using pawl = memoryPawl().pawl;
    const line = defineGraph({
      name: 'line',
      version: 3,
      state: trail,
      input: z.object({ word: z.string() }),
      start: 'first',
      nodes: {
        first: (ctx) => ({ set: { trail: [ctx.input.word] }, result: { seen: ctx.visit } }),
        second: (ctx) => ({ set: { n: ctx.state.trail.length } }),
      },
      edges: { first: 'second', second: 'end' },
      output: (state) => state.n,
    });
    pawl.worker({ workflows: [line] });
    const run = await pawl.start(line, { word: 'hello' });
    const n: number = await run.result();
    expect(n).toBe(1);
    expect(await run.state()).toEqual({ n: 1, trail: ['hello'] });
    expect((await allEvents(run)).map(({ type }) => type)).toEqual([
      'run.created',
      'run.claimed',
      'node.scheduled',
      'node.completed',
      'node.completed',
      'run.completed',
    ]);
    expect(await run.graph()).toEqual({
      version: 3,
      seq: 6,
      steps: 2,
      completed: ['first', 'second'],
      pending: [],
      nodes: {
        first: { visits: 1, cycles: 1, completed: 1, result: { seen: 1 } },
        second: { visits: 1, cycles: 1, completed: 1, result: undefined },
      },
    });
  });

  test('conditions see the state a node has changed, events of the node included, and its result', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'conditions',
      state: trail,
      events: { add: z.object({ n: z.int() }) },
      reduce: { add: (state, { n }) => ({ ...state, n: state.n + n }) },
      start: 'a',
      nodes: {
        a: (ctx) => {
          ctx.emit('add', { n: 2 });
          return { result: 'yes', set: { trail: ['a'] } };
        },
        b: (ctx) => ({ set: { trail: [...ctx.state.trail, 'b'] } }),
        c: () => ({ set: { trail: ['never'] } }),
      },
      edges: {
        a: {
          to: ['b', 'c'],
          when: (state, result) =>
            state.n === 2 && state.trail.length === 1 && result === 'yes' ? 'b' : 'c',
        },
      },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    expect(await run.result()).toEqual({ n: 2, trail: ['a', 'b'] });
  });

  test('a cycle counts its visits, uses the same names in each, and ends at its limit', async () => {
    await using pawl = memoryPawl().pawl;
    const define = (limit: number) =>
      defineGraph({
        name: `cycle-${limit}`,
        state: trail,
        start: 'plan',
        nodes: {
          plan: async (ctx) => {
            const n = await ctx.step('same name', () => ctx.visit);
            await ctx.sleep(1);
            return { set: { n } };
          },
        },
        edges: { plan: (state) => (state.n < 5 ? 'plan' : 'end') },
        cycles: { limit },
      });
    const [enough, few] = [define(5), define(4)];
    pawl.worker({ workflows: [enough, few] });
    const run = await pawl.start(enough, undefined);
    expect(await run.result()).toMatchObject({ n: 5 });
    expect((await run.graph()).nodes['plan']).toMatchObject({ visits: 5, cycles: 5 });
    const stopped = await pawl.start(few, undefined);
    await expect(stopped.result()).rejects.toMatchObject({
      cause: { code: 'PAWL_CYCLE_LIMIT', message: expect.stringMatching(/"plan" 5 times.* is 4/) },
    });
    expect((await stopped.graph()).pending).toMatchObject([{ node: 'plan', visit: 5 }]);
  });

  test('a run whose cycle limit was raised goes on where it stopped', async () => {
    const { pawl } = memoryPawl();
    await using _ = pawl;
    const bodies: number[] = [];
    const define = (limit: number) =>
      defineGraph({
        name: 'raised',
        start: 'a',
        nodes: {
          a: (ctx) => {
            bodies.push(ctx.visit);
            return ctx.visit < 4 ? { goto: 'a' } : {};
          },
        },
        cycles: { nodes: { a: limit } },
      });
    const before = pawl.worker({ workflows: [define(2)] });
    const run = await pawl.start(define(2), undefined);
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_FAILED' });
    await before.close();
    pawl.worker({ workflows: [define(4)] });
    expect(await run.resume()).toBe(true);
    await run.result();
    expect(bodies).toEqual([1, 2, 3, 4]);
  });
});

describe('branches', () => {
  test('parallel nodes run at the same time and join once, with merged fields', async () => {
    await using pawl = memoryPawl().pawl;
    let both: () => void = () => undefined;
    const met = new Promise<void>((resolve) => (both = resolve));
    let arrived = 0;
    const meet = async (): Promise<void> => {
      arrived += 1;
      if (arrived === 2) both();
      await met;
    };
    const graph = defineGraph({
      name: 'parallel',
      state: trail,
      start: 'act',
      nodes: {
        act: () => ({ goto: ['search', 'read'] }),
        search: async () => {
          await meet();
          return { set: { trail: ['search'], n: 1 } };
        },
        summary: () => ({ set: { trail: ['summary'] } }),
        read: async () => {
          await meet();
          return { set: { trail: ['read'] } };
        },
        join: (ctx) => ({ set: { n: ctx.state.n + 10 } }),
      },
      // One branch is longer than the other.
      edges: { search: 'summary', summary: 'join', read: 'join', join: 'end' },
      merge: { trail: (current, update) => [...current, ...update] },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    const { n, trail: went } = await run.result();
    expect(n).toBe(11);
    expect([...went].sort()).toEqual(['read', 'search', 'summary']);
    expect((await run.graph()).nodes['join']).toMatchObject({ visits: 1 });
    const branches = (await allEvents(run)).flatMap(({ branch }) => branch ?? []);
    expect([...branches].sort()).toEqual(['read:1', 'search:1', 'summary:1']);
  });

  test('a join waits again in every round of a cycle, and for no branch that has ended', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'rounds',
      state: trail,
      start: 'plan',
      nodes: {
        plan: (ctx) => ({ set: { n: ctx.visit } }),
        a: () => ({}),
        b: async (ctx) => {
          await ctx.sleep(3);
          return ctx.visit === 2 ? { goto: 'end' } : {};
        },
        join: (ctx) => ({ set: { trail: [...ctx.state.trail, `join:${ctx.visit}`] } }),
      },
      edges: { plan: ['a', 'b'], a: 'join', b: 'join', join: (s) => (s.n < 3 ? 'plan' : 'end') },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    expect(await run.result()).toEqual({ n: 3, trail: ['join:1', 'join:2', 'join:3'] });
    expect((await run.graph()).nodes).toMatchObject({ a: { visits: 3 }, b: { visits: 3 } });
  });

  test('tasks with arguments: the same node several times at once, joined by its edge', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'fan-out',
      state: z.object({ sum: z.number().default(0) }),
      args: { read: z.object({ k: z.int(), wide: z.boolean().default(false) }) },
      start: 'list',
      nodes: {
        list: () => ({ goto: [1, 2, 3].map((k) => ({ node: 'read' as const, args: { k } })) }),
        read: async (ctx, { k, wide }) => {
          expect([ctx.args.k, wide]).toEqual([k, false]);
          await ctx.step('same name', () => k);
          return { set: { sum: k }, result: k };
        },
        collect: (ctx) => ({ result: ctx.state.sum }),
      },
      edges: { read: 'collect' },
      merge: { sum: (current, update) => current + update },
      cycles: { limit: 1 },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    expect(await run.result()).toEqual({ sum: 6 });
    const { nodes, steps } = await run.graph();
    expect(steps).toBe(5);
    expect(nodes['read']).toMatchObject({ visits: 3, cycles: 1, completed: 3 });
    expect(nodes['collect']).toMatchObject({ visits: 1, result: 6 });
    const events = await allEvents(run);
    checkLog(events);
    const completed = events.filter(({ type }) => type === 'node.completed');
    const first = completed[1]?.data as { next: { node: string }[] } | undefined;
    expect(first?.next).toMatchObject([{ node: 'collect', visit: 0 }]);
  });

  test('pending tasks can be looked at with their arguments, and drawn', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'looked-at',
      state: trail,
      args: { ask: z.string() },
      signals: { answer: z.string() },
      start: 'begin',
      nodes: {
        begin: {
          run: () => ({ goto: [{ node: 'ask', args: 'why?' }, 'quick'] }),
          to: ['ask', 'quick'],
        },
        ask: async (ctx) => ({ set: { trail: [(await ctx.waitFor('answer')) ?? ''] } }),
        quick: () => ({ result: 'q' }),
        done: () => undefined,
      },
      edges: { ask: 'done', quick: 'done', done: { to: ['end', 'begin'], when: () => 'end' } },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    // The node waits, so the run is parked: no worker holds it.
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    const record = await run.graph();
    expect(record.pending).toMatchObject([
      { id: 'ask:1', node: 'ask', visit: 1, args: 'why?', status: 'ready', branch: ['begin:1'] },
      { node: 'done', visit: 0, status: 'joining' },
    ]);
    expect(record).toMatchObject({ steps: 2, completed: ['begin', 'quick'] });
    expect(toMermaid(graph, record)).toBe(`flowchart TD
  begin(( )) --> n0
  n0["begin"]
  n1["ask"]
  n2["quick"]
  n3["done"]
  finish([end])
  n0 -.-> n1
  n0 -.-> n2
  n1 --> n3
  n2 --> n3
  n3 -.-> finish
  n3 -.-> n0
  classDef pending fill:#ffd54f,stroke:#b28704,color:#000
  classDef completed fill:#c8e6c9,stroke:#4c8c4a,color:#000
  class n1,n3 pending
  class n0,n2 completed
`);
    expect(toMermaid(graph)).not.toContain('class');
    await run.signal('answer', 'because');
    expect(await run.result()).toMatchObject({ trail: ['because'] });
    expect(toMermaid(graph, await run.graph())).toContain('class finish pending');
  });
});

describe('many', () => {
  test('400 tasks at once, of several commits: what follows starts when all of it is durable', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'many',
      state: trail,
      args: { one: z.int() },
      start: 'all',
      nodes: {
        all: () => ({
          goto: Array.from({ length: 400 }, (_, i) => ({ node: 'one' as const, args: i })),
        }),
        one: () => ({ set: { n: 1 } }),
        last: () => undefined,
      },
      edges: { one: 'last' },
      merge: { n: (current, update) => current + update },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    expect(await run.result()).toMatchObject({ n: 400 });
    expect((await run.graph()).nodes['last']).toMatchObject({ completed: 1 });
  });
});

describe('inside of nodes', () => {
  test('a parked branch wakes up beside one at work, and a cancelled graph ends', async () => {
    await using pawl = memoryPawl().pawl;
    const begun: string[] = [];
    const graph = defineGraph({
      name: 'waits',
      signals: { go: z.string() },
      start: 'both',
      nodes: {
        both: () => undefined,
        one: async (ctx) => ({ result: await ctx.waitFor('go') }),
        two: async (ctx) => {
          await ctx.sleep(5);
          return { result: (await ctx.uuid()).length };
        },
        last: async (ctx) => {
          begun.push('last');
          await ctx.sleep('1h');
          begun.push('never');
        },
      },
      edges: { both: ['one', 'two'], one: 'last', two: 'last' },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    await expect.poll(async () => (await run.graph()).completed).toContain('two');
    await run.signal('go', 'now');
    await expect.poll(() => begun).toEqual(['last']);
    expect((await run.graph()).nodes).toMatchObject({
      one: { result: 'now' },
      two: { result: 36 },
    });
    await run.cancel({ reason: 'enough' });
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    expect((await run.graph()).pending).toMatchObject([{ node: 'last' }]);
    expect(begun).not.toContain('never');
  });

  test('of two branches that set the same field, the later commit wins', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'later',
      state: trail,
      start: 'both',
      nodes: {
        both: () => undefined,
        slow: async (ctx) => {
          await ctx.sleep(15);
          return { set: { n: 1 } };
        },
        fast: () => ({ set: { n: 2, trail: ['kept'] } }),
      },
      edges: { both: ['slow', 'fast'] },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    expect(await run.result()).toEqual({ n: 1, trail: ['kept'] });
  });

  test.each([
    ['a value that does not fit the state', { set: { n: 'x' } }, /state\.n does not fit/],
    [
      'a result that cannot be stored',
      { result: () => 1 },
      /outcome of node a\.result is a function/,
    ],
    ['an unknown node', { goto: 'nowhere' }, /"a" leads to "nowhere", but declares only: b/],
    ['a way it does not declare', { goto: 'a' }, /declares only: b/],
    [
      'arguments that do not fit',
      { goto: { node: 'b', args: 'x' } },
      /args of node b does not fit/,
    ],
    ['a misspelt field', { sett: {} }, /must return nothing, or an object of set, result, goto/],
  ])('%s fails the run with a message that helps', async (_, returned, message) => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'mistakes',
      state: trail,
      args: { b: z.int() },
      start: 'a',
      nodes: { a: { run: () => returned as object, to: ['b'] }, b: () => undefined },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    await expect(run.result()).rejects.toThrow(message);
    expect((await run.graph()).pending).toMatchObject([{ id: 'a:1' }]);
  });
});
