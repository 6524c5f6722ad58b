// Goal: whatever order versions of the code come in, a run ends as it would with the newest one alone. Method: one store in
// memory, workers of version 1 and 2 in turn; runs with migrations and upcasters, graphs, children, schedules, forks.
import { describe, expect, test } from 'vitest';
import { defineGraph, defineWorkflow, type Pawl, type RunHandle } from 'pawl';
import { z } from 'zod';
import type { AnyWorkflow } from '../../../../src/engine/definition/workflow.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const rounds = 4;
const signals = { go: z.null() };

/** Counts in its state, and waits between two counts; in version 2 the state and the event have another form. */
const counting = {
  1: defineWorkflow({
    name: 'counting',
    version: 1,
    state: z.object({ total: z.number().default(0) }),
    events: { add: z.object({ n: z.int() }) },
    reduce: { add: (state, { n }) => ({ total: state.total + n }) },
    signals,
    async run(ctx) {
      for (let i = 0; i < rounds; i++) {
        await ctx.step(`add:${i}`, (step) => step.emit('add', { n: i + 1 }));
        await ctx.waitFor('go', { as: `go:${i}` });
      }
      return `total ${ctx.state.total}`;
    },
  }),
  2: defineWorkflow({
    name: 'counting',
    version: 2,
    state: z.object({ sum: z.object({ total: z.number() }).default({ total: 0 }) }),
    events: { add: z.object({ amount: z.int() }) },
    reduce: { add: (state, { amount }) => ({ sum: { total: state.sum.total + amount } }) },
    migrate: { 1: (old: { total: number }) => ({ sum: { total: old.total } }) },
    upcast: { add: (data: { n: number }) => ({ amount: data.n }) },
    signals,
    async run(ctx) {
      for (let i = 0; i < rounds; i++) {
        await ctx.step(`add:${i}`, (step) => step.emit('add', { amount: i + 1 }));
        await ctx.waitFor('go', { as: `go:${i}` });
      }
      return `total ${ctx.state.sum.total}`;
    },
  }),
} as const;

/** Goes around in a circle and waits in each round; version 2 writes more about it. */
const circling = (version: 1 | 2) =>
  defineGraph({
    name: 'circling',
    version,
    state: z.object({ n: z.number().default(0), notes: z.array(z.string()).default([]) }),
    signals,
    start: 'work',
    nodes: {
      work: async (ctx) => {
        await ctx.waitFor('go');
        const note = version === 1 ? [] : [`round ${ctx.state.n + 1}`];
        return { set: { n: ctx.state.n + 1, notes: [...ctx.state.notes, ...note] } };
      },
    },
    edges: { work: { to: ['work', 'end'], when: (state) => (state.n < rounds ? 'work' : 'end') } },
    cycles: { limit: 10 },
  });

/** Starts a child of its own version in each round. */
const raising = (version: 1 | 2, child: AnyWorkflow) =>
  defineWorkflow({
    name: 'raising',
    version,
    async run(ctx) {
      const children = [];
      for (let i = 0; i < 2; i++) {
        const started = await ctx.start(child as (typeof counting)[1], undefined, {
          as: `child:${i}`,
        });
        children.push(await started.result());
      }
      return children.join(', ');
    },
  });

const workflows: Readonly<Record<1 | 2, readonly AnyWorkflow[]>> = {
  1: [counting[1], circling(1), raising(1, counting[1])],
  2: [counting[2], circling(2), raising(2, counting[2])],
};

/** Sends `go` to whatever waits for it, until the runs have ended; versions come and go meanwhile as `order` says. */
async function roll(
  pawl: Pawl,
  runs: readonly RunHandle[],
  order: readonly (1 | 2)[],
): Promise<void> {
  const steps = order[Symbol.iterator]();
  let worker: ReturnType<Pawl['worker']> | undefined;
  for (let turn = 0; turn < 400; turn++) {
    if (turn % 3 === 0) {
      const { value: version } = steps.next();
      if (version !== undefined) {
        await worker?.close();
        worker = pawl.worker({ workflows: workflows[version] });
        await worker.ready();
      }
    }
    const infos = await Promise.all(runs.map((run) => run.info()));
    if (infos.every(({ status }) => status === 'completed')) return;
    const { runs: waiting } = await pawl.list({ waitsFor: 'go' });
    for (const { id } of waiting) await pawl.run(id).signal('go', null);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the runs have not ended');
}

describe.each([
  ['version 1, then 2', [1, 2]],
  ['1, 2, 1 again, 2 at last', [1, 2, 1, 2]],
  ['back and forth', [1, 2, 1, 2, 1, 2, 1, 2]],
  ['2 first, then 1, then 2', [2, 1, 2]],
] as const)('%s', (_, order) => {
  test('workflows with another state, graphs and families end as with version 2 alone', async () => {
    await using pawl = memoryPawl().pawl;
    const before = workflows[order[0]];
    const runs = await Promise.all(before.map((workflow) => pawl.start(workflow, undefined)));
    await roll(pawl, runs, order);
    expect(await runs[0]?.result()).toBe('total 10');
    const graph = pawl.run(circling(2), runs[1]?.id ?? '');
    expect(await graph.state()).toMatchObject({ n: rounds });
    expect(await runs[2]?.result()).toBe('total 10, total 10');
    for (const run of (await pawl.list({})).runs) {
      const log = await allEvents(pawl.run(run.id));
      checkLog(log);
      const versions = log.flatMap(({ type, data }) =>
        type === 'run.claimed' ? [(data as { codeVersion: number }).codeVersion] : [],
      );
      // Once newer code has had it, older code never has it again.
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    }
  });
});

describe('version 1 alone, after version 2', () => {
  test('a run, its fork, and what a schedule started are left to newer code, and say so', async () => {
    await using pawl = memoryPawl().pawl;
    const newer = pawl.worker({ workflows: [counting[2]] });
    const run = await pawl.start(counting[2], undefined, { id: 'a' });
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await newer.close();
    const fork = await pawl.fork(counting[2], run.id, { seq: (await run.info()).seq }, { id: 'f' });
    await pawl.schedule(counting[2], undefined, { id: 's', every: '50ms' });
    await pawl.worker({ workflows: [counting[1]] }).ready();
    await run.signal('go', null);
    await expect.poll(async () => (await run.info()).needsVersion).toBe(2);
    await expect.poll(async () => (await fork.info()).needsVersion).toBe(2);
    await expect
      .poll(async () => {
        const { runs } = await pawl.list({ tag: { key: 'schedule', value: 's' } });
        return runs.some(({ needsVersion }) => needsVersion === 2);
      })
      .toBe(true);
    await pawl.unschedule(counting[2], 's');
    expect((await run.info()).status).not.toBe('running');
  });

  test('takes it when it is told to, on purpose', async () => {
    await using pawl = memoryPawl().pawl;
    const ask = (version: number) =>
      defineWorkflow({
        name: 'asking',
        version,
        signals,
        run: (ctx) => ctx.waitFor('go').then(() => version),
      });
    const newer = pawl.worker({ workflows: [ask(2)] });
    const run = await pawl.start(ask(2), undefined);
    await expect.poll(async () => (await run.info()).status).toBe('waiting');
    await newer.close();
    pawl.worker({ workflows: [ask(1)], allowDowngrade: true });
    await run.signal('go', null);
    expect(await run.result({ timeoutMs: 5_000 })).toBe(1);
  });
});

test('events come as the code of today has them, from wherever they are read', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const old = pawl.worker({ workflows: [counting[1]] });
  const { id } = await pawl.start(counting[1]);
  const run = pawl.run(counting[2], id);
  const isAt = (i: number) => async (): Promise<boolean> =>
    (await run.info()).waits.some(({ name }) => name === `go:${i}`);
  await expect.poll(isAt(0)).toBe(true);
  await run.signal('go', null);
  await expect.poll(isAt(1)).toBe(true);
  await old.close();
  pawl.worker({ workflows: [counting[2]] });
  for (let i = 1; i < rounds; i++) {
    await run.signal('go', null);
    if (i + 1 < rounds) await expect.poll(isAt(i + 1)).toBe(true);
  }
  await run.result();
  const log = await allEvents(pawl.run(id));
  const added: number[] = [];
  for await (const event of run.events()) if (event.type === 'add') added.push(event.data.amount);
  expect(added).toEqual([1, 2, 3, 4]);
  // Also after the claim that says which version wrote it.
  const second = log.filter(({ type }) => type === 'add')[1]?.seq ?? 0;
  const later: number[] = [];
  for await (const event of run.events({ after: second - 1 })) {
    if (event.type === 'add') later.push(event.data.amount);
  }
  expect(later).toEqual([2, 3, 4]);
});
