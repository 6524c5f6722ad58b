// Goal: what one run knows of another can be checked again: no parent waits for good, no child is taken for another one, and
// none is left behind. Method: the memory store; families whose members fail, are resumed, deleted, forked and forgotten.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineGraph, defineWorkflow, Pawl } from 'pawl';
import { z } from 'zod';
import { attendFamily } from '../../../../src/engine/runs/family.ts';
import { childId } from '../../../../src/engine/execution/children.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { RewindingStore } from '../../../programs/rewinds.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { memoryPawl } from '../../../support/memory.ts';

const signals = { go: z.string() };
const kid = defineWorkflow({
  name: 'kid',
  signals,
  run: async (ctx) => {
    const how = await ctx.waitFor('go');
    if (how === 'fail') throw new RangeError('as told');
    return `kid ${how}`;
  },
});

test('a failed parent that is resumed gets the end of a child that ended meanwhile', async () => {
  await using pawl = memoryPawl().pawl;
  let isBroken = true;
  const parent = defineWorkflow({
    name: 'parent',
    async run(ctx) {
      const child = await ctx.start(kid, undefined, { attached: false });
      await ctx.step('work', () => {
        if (isBroken) throw new Error('broken');
      });
      return child.result();
    },
  });
  pawl.worker({ workflows: [parent, kid] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('broken');
  await pawl.run('p.kid').signal('go', 'well');
  await pawl.run('p.kid').result({ timeoutMs: 20_000 });
  isBroken = false;
  await run.resume();
  expect(await run.result({ timeoutMs: 20_000 })).toBe('kid well');
});

test('a parent whose log has lost the start of its child takes that child for its own', async () => {
  const store = new RewindingStore();
  await using pawl = Pawl.assemble({ store, queue: new MemoryResumeQueue() });
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  const rewind = store.image('p');
  const worker = pawl.worker({ workflows: [parent, kid] });
  for (let i = 0; i < 4_000 && (await run.info()).status !== 'waiting'; i++) await pause(5);
  await worker.close();
  rewind();
  pawl.worker({ workflows: [parent, kid], sweepMs: 5 });
  await pawl.run('p.kid').signal('go', 'well');
  expect(await run.result({ timeoutMs: 8000 })).toBe('kid well');
});

/** Its answers about children come late, so that a parent that looks at one has time to be parked. */
class SlowStore extends RewindingStore {
  override async record(run: string): ReturnType<RewindingStore['record']> {
    if (run.startsWith('p.')) await pause(50);
    return super.record(run);
  }
}

/** A parent that waits for a child, whose end it has heard of before it had started it. */
async function toldTooEarly() {
  const store = new SlowStore();
  const pawl = Pawl.assemble({ store, queue: new MemoryResumeQueue() });
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  const rewind = store.image('p');
  const first = pawl.worker({ workflows: [parent, kid] });
  for (let i = 0; i < 4_000 && (await run.info()).status !== 'waiting'; i++) await pause(5);
  await first.close();
  const wait = store.image('p');
  // Redis has forgotten the start of the child, whose end is the first that the parent hears of it.
  rewind();
  const other = pawl.worker({ workflows: [kid] });
  await pawl.run('p.kid').signal('go', 'well');
  expect(await pawl.run('p.kid').result({ timeoutMs: 8000 })).toBe('kid well');
  await other.close();
  return { store, pawl, parent, run, wait };
}

test('a parent that is told of a child before it has started it looks at it before it is parked', async () => {
  const { pawl, parent, run } = await toldTooEarly();
  await using _ = pawl;
  pawl.worker({ workflows: [parent, kid], sweepMs: 5 });
  expect(await run.result({ timeoutMs: 12_000 })).toBe('kid well');
}, 20_000);

test('a parked parent is asked to look at a child that has told it too early', async () => {
  const { store, pawl, wait } = await toldTooEarly();
  await using _ = pawl;
  const early = await store.readInbox('p');
  wait();
  store.noteSeen('p', early.messages);
  const record = await store.record('p');
  if (record === undefined) throw new Error('the parent is gone');
  const { fence, workflow } = record;
  const due = { run: 'p', workflow, fence, losses: 0, priority: 0, status: record.status };
  const woken: string[] = [];
  const wake = (wakeUp: { readonly run: string }) => Promise.resolve(void woken.push(wakeUp.run));
  const parts = { store, wake, logger: silentLogger };
  await attendFamily(parts, { ...due, notifyPending: false, cancelPending: false, asleep: true });
  expect((await store.readInbox('p')).messages.map(({ id }) => id)).toEqual([
    `missing p.kid ${fence}`,
  ]);
});

test('a node of a graph that waits for a child holds no worker', async () => {
  await using pawl = memoryPawl().pawl;
  const graph = defineGraph({
    name: 'parent',
    state: z.object({ said: z.string().default('') }),
    start: 'ask',
    nodes: {
      ask: async (ctx) => ({ set: { said: await (await ctx.start(kid, undefined)).result() } }),
    },
  });
  const worker = pawl.worker({ workflows: [graph, kid] });
  const run = await pawl.start(graph, undefined, { id: 'p' });
  for (let i = 0; i < 4_000 && (await run.info()).status !== 'waiting'; i++) await pause(5);
  expect(worker.active).toBe(0);
  const [kidOfNode] = (await pawl.list({ idPrefix: 'p.' })).runs;
  await pawl.run(kidOfNode?.id ?? '').signal('go', 'well');
  expect(await run.result({ timeoutMs: 3000 })).toEqual({ said: 'kid well' });
});

test('a resumed child heals its parent, whichever is resumed first', async () => {
  await using pawl = memoryPawl().pawl;
  let isBroken = true;
  const fragile = defineWorkflow({
    name: 'kid',
    run: (ctx) =>
      ctx.step('work', async () => {
        await pause(30);
        if (isBroken) throw new RangeError('as told');
        return 'healed';
      }),
  });
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(fragile, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, fragile] });
  for (const order of ['child first', 'parent first']) {
    const id = order.replace(' ', '-');
    isBroken = true;
    const run = await pawl.start(parent, undefined, { id });
    const child = pawl.run(`${id}.kid`);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('as told');
    if (order === 'parent first') {
      // The child has failed still: the parent finds that out, and fails again.
      await run.resume();
      await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('as told');
    }
    isBroken = false;
    await child.resume();
    await run.resume();
    expect(await run.result({ timeoutMs: 20_000 })).toBe('healed');
  }
});

test('a run that merely has the id of a child is an error', async () => {
  await using pawl = memoryPawl().pawl;
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, kid] });
  await pawl.start(kid, undefined, { id: 'p.kid' });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toMatchObject({
    cause: { cause: { code: 'PAWL_RUN_EXISTS' } },
  });
});

test('a child that is deleted is an end for the parent that waits for it', async () => {
  await using pawl = memoryPawl().pawl;
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, kid] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('waiting');
  await pawl.delete('p.kid');
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('deleted');
});

test('the id of a deleted parent can be used again', async () => {
  await using pawl = memoryPawl().pawl;
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, kid] });
  const one = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await one.info()).status).toBe('waiting');
  await pawl.run('p.kid').signal('go', 'one');
  await one.result({ timeoutMs: 20_000 });
  await pawl.delete('p');
  const two = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await two.info()).waits.length).toBe(1);
  const on = (await two.info()).waits[0]?.on ?? [];
  expect(on).toEqual([expect.stringMatching(/^p\.kid\./)]);
  await pawl.run(on[0] ?? '').signal('go', 'two');
  expect(await two.result({ timeoutMs: 20_000 })).toBe('kid two');
  expect(await pawl.run('p.kid').result()).toBe('kid one');
});

test('a parent that was forgotten and is started anew is not stopped by the child of the forgotten one', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const ids = new Set<string>();
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => {
      const kids = [
        await ctx.start(kid, undefined, { as: 'one' }),
        await ctx.start(kid, undefined, { as: 'two' }),
      ];
      for (const child of kids) ids.add(child.id);
      return Promise.all(kids.map((child) => child.result()));
    },
  });
  const worker = pawl.worker({ workflows: [parent, kid] });
  const first = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await first.info()).status).toBe('waiting');
  await worker.close();
  // Redis keeps one child, and knows nothing of the rest any more.
  await store.delete('p');
  await store.delete('p.two');
  const again = await pawl.start(parent, undefined, { id: 'p' });
  pawl.worker({ workflows: [parent, kid] });
  await expect.poll(async () => (await again.info()).status).toBe('waiting');
  const on = (await again.info()).waits.flatMap((wait) => wait.on ?? []);
  for (const child of on) await pawl.run(child).signal('go', 'well');
  expect(await again.result({ timeoutMs: 20_000 })).toEqual(['kid well', 'kid well']);
  expect(on).toContain('p.two');
  // Each execution found the same children.
  expect(ids).toEqual(new Set(['p.one', ...on]));
});

describe('attached children end with their parent', () => {
  test('also when it fails while they are being started', async () => {
    await using pawl = memoryPawl().pawl;
    const parent = defineWorkflow({
      name: 'parent',
      async run(ctx) {
        await Promise.all([
          ctx.start(kid, undefined),
          ctx.step('fails', () => Promise.reject(new Error('at once'))),
        ]);
      },
    });
    pawl.worker({ workflows: [parent, kid] });
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, i) => pawl.start(parent, undefined, { id: `p${i}` })),
    );
    await Promise.allSettled(runs.map((run) => run.result({ timeoutMs: 20_000 })));
    const open = async (): Promise<number> => {
      const { runs: kids } = await pawl.list({ workflow: 'kid', limit: 100 });
      return kids.filter(({ status }) => !['cancelled', 'completed', 'failed'].includes(status))
        .length;
    };
    await expect.poll(open, { timeout: 20_000 }).toBe(0);
  });

  test('also when it is cancelled while it is quarantined', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const parent = defineWorkflow({
      name: 'parent',
      async run(ctx) {
        await ctx.start(kid, undefined);
        await ctx.step('deadly', () => pause(60_000));
      },
    });
    const worker = pawl.worker({ workflows: [parent, kid], beatMs: 5_000 });
    const run = await pawl.start(parent, undefined, { id: 'p' });
    const child = pawl.run('p.kid');
    const statusOfChild = async () => (await child.info().catch(() => undefined))?.status;
    await expect.poll(statusOfChild).toBe('waiting');
    const lost = { worker: worker.id, reason: 'presence-lost', lastSeenAt: 0 } as const;
    await store.fleet.interrupt({ ...lost, resendMs: 60_000, quarantineAfter: 0, limit: 10 });
    expect((await run.info()).status).toBe('quarantined');
    await run.cancel();
    await expect.poll(statusOfChild, { timeout: 20_000 }).toBe('cancelled');
    await worker.close({ graceMs: 0 });
  });
});

test('a fork after the start of a child has a child of its own', async () => {
  await using pawl = memoryPawl().pawl;
  const parent = defineWorkflow({
    name: 'parent',
    async run(ctx) {
      const child = await ctx.start(kid, undefined);
      await ctx.step('mark', () => 1);
      return child.result();
    },
  });
  pawl.worker({ workflows: [parent, kid] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  const fork = await pawl.fork(parent, 'p', { step: 'mark' }, { id: 'f' });
  await expect
    .poll(
      async () =>
        (
          await pawl
            .run('f.kid')
            .info()
            .catch(() => undefined)
        )?.status,
    )
    .toBe('waiting');
  await pawl.run('f.kid').signal('go', 'of the fork');
  await pawl.run('p.kid').signal('go', 'of the first');
  expect(await fork.result({ timeoutMs: 20_000 })).toBe('kid of the fork');
  expect(await run.result({ timeoutMs: 20_000 })).toBe('kid of the first');
});

test('a node that is visited twice has a child at each visit', async () => {
  await using pawl = memoryPawl().pawl;
  const echo = defineWorkflow({
    name: 'echo',
    input: z.number(),
    async run(ctx, n) {
      await ctx.sleep(5);
      return n * 10;
    },
  });
  const graph = defineGraph({
    name: 'looping',
    start: 'ask',
    state: z.object({ got: z.array(z.number()).default([]) }),
    nodes: {
      ask: async (ctx) => {
        const child = await ctx.start(echo, ctx.visit);
        const got = [...ctx.state.got, await child.result()];
        return { set: { got }, goto: ctx.visit < 2 ? 'ask' : 'end' };
      },
    },
  });
  pawl.worker({ workflows: [graph, echo] });
  const run = await pawl.start(graph, undefined);
  expect(await run.result({ timeoutMs: 20_000 })).toEqual({ got: [10, 20] });
});

test('the result of a child can be raced, and awaited again', async () => {
  await using pawl = memoryPawl().pawl;
  const parent = defineWorkflow({
    name: 'parent',
    async run(ctx) {
      const child = await ctx.start(kid, undefined);
      const first = await Promise.race([child.result(), ctx.sleep(30).then(() => 'takes long')]);
      return [first, await child.result(), await child.result()];
    },
  });
  pawl.worker({ workflows: [parent, kid] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await pause(150);
  await pawl.run('p.kid').signal('go', 'at last');
  expect(await run.result({ timeoutMs: 20_000 })).toEqual([
    'takes long',
    'kid at last',
    'kid at last',
  ]);
});

test('a child that Redis has forgotten is started again', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, kid] });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('waiting');
  // Without a word to anybody, as a server does that comes back without its last second.
  await store.delete('p.kid');
  await expect
    .poll(
      async () =>
        (
          await pawl
            .run('p.kid')
            .info()
            .catch(() => undefined)
        )?.status,
      { timeout: 8000 },
    )
    .toBe('waiting');
  await pawl.run('p.kid').signal('go', 'again');
  expect(await run.result({ timeoutMs: 20_000 })).toBe('kid again');
}, 25_000);

test('a run that has got the id of a deleted child is not taken for it', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => (await ctx.start(kid, undefined)).result(),
  });
  pawl.worker({ workflows: [parent, kid], sweepMs: 5 });
  const run = await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('waiting');
  await store.delete('p.kid');
  await pawl.start(kid, undefined, { id: 'p.kid' });
  await expect(run.result({ timeoutMs: 15_000 })).rejects.toThrow('another one has its id');
}, 20_000);

test('ids of children cannot be mistaken for each other', () => {
  expect(childId('a.b', 'c')).not.toBe(childId('a', 'b.c'));
  expect(childId('a', 'b c')).not.toBe(childId('a', 'b-c'));
  expect(childId('a', 'kid')).toBe('a.kid');
});
