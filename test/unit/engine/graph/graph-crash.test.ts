// Goal: what a graph has completed stays so, and stays small. Method: the memory store, vanishing workers, the log.
import { describe, expect, test } from 'vitest';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defineGraph, Pawl } from 'pawl';
import type { NodeContext, RunHandle } from 'pawl';
import { z } from 'zod';
import type { CommitOutcome, CommitParams } from '../../../../src/core/store.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const trail = z.object({ n: z.number().default(0), trail: z.array(z.string()).default([]) });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function typesOf(run: RunHandle, kind: string): Promise<unknown[]> {
  const events = await allEvents(run);
  checkLog(events);
  return events.filter(({ type }) => type === kind).map(({ data }) => data);
}

describe('crashes', () => {
  test.each(['plan', 'search', 'read', 'join'])(
    'a worker that vanishes inside of %s: that node runs again, no other does',
    async (victim) => {
      const { pawl, store } = memoryPawl();
      await using _ = pawl;
      const bodies: string[] = [];
      const inner: string[] = [];
      let hold: () => void = () => undefined;
      const visit = async (ctx: Pick<NodeContext, 'node' | 'visit' | 'step'>): Promise<void> => {
        const id = `${ctx.node}:${ctx.visit}`;
        bodies.push(id);
        await ctx.step('inner', () => inner.push(id));
        const isFirst = bodies.filter((body) => body === id).length === 1;
        if (ctx.node === victim && ctx.visit === 2 && isFirst) {
          await new Promise<void>((resolve) => (hold = resolve));
        }
      };
      const graph = defineGraph({
        name: 'crashing',
        state: trail,
        start: 'plan',
        nodes: {
          plan: async (ctx) => {
            await visit(ctx);
            return { set: { n: ctx.state.n + 1 } };
          },
          search: async (ctx) => visit(ctx),
          read: async (ctx) => visit(ctx),
          join: async (ctx) => visit(ctx),
        },
        edges: {
          plan: ['search', 'read'],
          search: 'join',
          read: 'join',
          join: (state) => (state.n < 3 ? 'plan' : 'end'),
        },
      });
      const first = pawl.worker({ workflows: [graph] });
      const run = await pawl.start(graph, undefined);
      await expect.poll(() => inner.includes(`${victim}:2`)).toBe(true);
      // Whatever can complete beside it, has.
      const beside = victim === 'search' ? 'read' : 'search';
      const isParallel = victim === 'search' || victim === 'read';
      await expect
        .poll(async () => (await run.graph()).nodes[beside]?.completed)
        .toBe(isParallel || victim === 'join' ? 2 : 1);
      pawl.worker({ workflows: [graph] });
      store.vanish(first.id);
      expect(await run.result()).toMatchObject({ n: 3 });
      hold();
      const all = ['plan', 'search', 'read', 'join'].flatMap((node) =>
        [1, 2, 3].map((n) => `${node}:${n}`),
      );
      expect([...bodies].sort()).toEqual([...all, `${victim}:2`].sort());
      expect([...inner].sort()).toEqual([...all].sort());
      const completed = (await typesOf(run, 'node.completed')) as { node: string; visit: number }[];
      expect(completed.map(({ node, visit: n }) => `${node}:${n}`).sort()).toEqual([...all].sort());
      expect((await run.info()).takeovers).toBe(1);
    },
  );

  test('a node is tried again as it says; its failure fails the run, and resuming tries only it', async () => {
    await using pawl = memoryPawl().pawl;
    const seen: string[] = [];
    let broken = true;
    const graph = defineGraph({
      name: 'failing',
      start: 'a',
      nodes: {
        a: () => ({ result: seen.push('a') }),
        b: {
          run: async (ctx) => {
            await ctx.step('inner', () => seen.push('inner'));
            await ctx.step('breaks', () => {
              seen.push(`b${ctx.attempt}`);
              if (broken) throw new Error('no');
            });
          },
          retry: { attempts: 2, delay: 1 },
        },
        slow: { run: async (ctx) => ctx.sleep('1h'), timeout: 20 },
      },
      edges: { a: 'b', b: 'slow' },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, undefined);
    await expect(run.result()).rejects.toMatchObject({ cause: { code: 'PAWL_STEP_FAILED' } });
    expect(seen).toEqual(['a', 'inner', 'b1', 'b2']);
    broken = false;
    await run.resume();
    await expect(run.result()).rejects.toThrow(/node:slow:1.*longer than 20 ms/);
    expect(seen).toEqual(['a', 'inner', 'b1', 'b2', 'b1']);
  });
});

describe('records', () => {
  test('a checkpoint that a node asks for is taken in the commit of its success, and only then', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const graph = defineGraph({
      name: 'deferred',
      state: trail,
      start: 'a',
      nodes: {
        a: {
          run: (ctx) => {
            ctx.checkpoint({ label: 'done', metadata: { attempt: ctx.attempt } });
            if (ctx.attempt < 3) throw new Error('not yet');
            return { set: { n: 7 } };
          },
          retry: { attempts: 3, delay: 1 },
        },
        b: (ctx) => {
          ctx.checkpoint({ label: 'never' });
          throw new Error('broken');
        },
      },
      edges: { a: 'b' },
    });
    // No snapshot but the one that is asked for, however long reducers seem to take on a busy machine.
    pawl.worker({ workflows: [graph], replayBudgetMs: 10_000 });
    const run = await pawl.start(graph, undefined);
    await expect(run.result()).rejects.toThrow(/broken/);
    expect(await typesOf(run, 'checkpoint.saved')).toEqual([
      { label: 'done', metadata: { attempt: 3 }, node: 'a', visit: 1 },
    ]);
    const events = await allEvents(run);
    const mark = events.find(({ type }) => type === 'checkpoint.saved');
    expect((await store.load(run.id))?.snapshot).toMatchObject({ version: 1, seq: mark?.seq });
  });

  test('5,000 steps leave a memory as small as ten', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const graph = defineGraph({
      name: 'long',
      input: z.object({ visits: z.int() }),
      state: trail,
      start: 'a',
      nodes: {
        a: async (ctx) => {
          await ctx.step('work', () => ({ text: 'x'.repeat(50) }));
          return { set: { n: ctx.visit }, result: ctx.visit, goto: ['b', 'c'] };
        },
        b: () => ({}),
        c: () => ({}),
        join: (ctx) => {
          if (ctx.state.n < ctx.input.visits) return { goto: 'a' };
          ctx.checkpoint();
          return {};
        },
      },
      edges: { b: 'join', c: 'join' },
      cycles: { limit: 10_000 },
    });
    pawl.worker({ workflows: [graph] });
    const sizes: number[][] = [];
    for (const visits of [10, 1_250]) {
      const run = await pawl.start(graph, { visits });
      await run.result();
      expect((await run.graph()).steps).toBe(visits * 4);
      const fields = (await store.load(run.id))?.snapshot?.fields ?? new Map<string, Uint8Array>();
      const bytes = [...fields.values()].reduce((sum, value) => sum + value.length, 0);
      sizes.push([fields.size, bytes]);
    }
    const [small, large] = sizes;
    expect(large?.[0]).toBe(small?.[0]);
    expect(large?.[1]).toBeLessThan((small?.[1] ?? 0) + 100);
  });

  test('10,000 visits do not grow this process either', async () => {
    await using pawl = Pawl.assemble({
      store: new ForgetfulStore(),
      queue: new MemoryResumeQueue(),
    });
    const heap: number[] = [];
    const graph = defineGraph({
      name: 'heap',
      start: 'a',
      nodes: {
        a: async (ctx) => {
          await ctx.step('work', () => 'x'.repeat(100));
          if (ctx.visit % 2_500 === 0) {
            collectGarbage();
            heap.push(process.memoryUsage().heapUsed);
          }
          return { goto: ctx.visit < 10_000 ? 'a' : 'end' };
        },
      },
      cycles: { limit: 10_000 },
    });
    pawl.worker({ workflows: [graph] });
    await (await pawl.start(graph, undefined)).result();
    expect(heap).toHaveLength(4);
    // 7,500 visits: even one name kept for each would be more.
    expect((heap[3] ?? 0) - (heap[0] ?? 0)).toBeLessThan(400_000);
  });
});

/** Keeps no events, so that the heap holds only what the engine does. */
class ForgetfulStore extends MemoryRunStore {
  override async commit(params: CommitParams): Promise<CommitOutcome> {
    const { release, run, expectedSeq, events } = params;
    if (release === undefined) {
      return { outcome: 'committed', seq: expectedSeq + events.length, version: 1 };
    }
    const { snapshot: _, ...last } = params;
    const seq = (await this.record(run))?.seq ?? 0;
    return super.commit({ ...last, expectedSeq: seq, events: [] });
  }
}
