// Goal: whatever happens to a run while it is undone (pause, deadline, delete, quarantine, fork, rewind, its children) has
// one outcome that is told, and the run still ends with its first cause. Method: engine over the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { type Context, defineGraph, defineWorkflow, Pawl, type RunHandle } from 'pawl';
import { z } from 'zod';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, firstEvent } from '../../../support/workers.ts';
import { RewindingStore } from '../../../programs/rewinds.ts';

const timeoutMs = 20_000;

function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

/** Two steps with an undo; the undo of the second one, which comes first, waits at a gate. */
function trip(said: string[], held: Promise<void>, end: (ctx: Context) => Promise<unknown>) {
  return defineWorkflow({
    name: 'trip',
    async run(ctx) {
      for (const name of ['one', 'two']) {
        await ctx.step(name, () => name, {
          undo: async (result) => {
            said.push(`begin ${result}`);
            if (name === 'two') await held;
            said.push(`end ${result}`);
          },
        });
      }
      return end(ctx);
    },
  });
}

const fails = (): Promise<never> => Promise.reject(new Error('no seats'));
const said = (): string[] => [];

async function failedWith(run: RunHandle, message: string): Promise<void> {
  await expect(run.result({ timeoutMs })).rejects.toMatchObject({
    code: 'PAWL_RUN_FAILED',
    cause: { message },
  });
}

test('a pause lets the undo at work end; a resume goes on with the rest', async () => {
  await using pawl = memoryPawl().pawl;
  const lines = said();
  const { open, passed } = gate();
  const workflow = trip(lines, passed, fails);
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect.poll(() => lines).toEqual(['begin two']);
  await run.pause({ actor: 'ada' });
  open();
  await expect.poll(async () => (await run.info()).status).toBe('queued');
  await pause(50);
  expect(lines).toEqual(['begin two', 'end two']);
  expect(await run.info()).toMatchObject({ status: 'queued', paused: true });
  await run.resume();
  await failedWith(run, 'no seats');
  expect(lines).toEqual(['begin two', 'end two', 'begin one', 'end one']);
});

test('a deadline that comes while a run is undone changes nothing; one that ends a run undoes it', async () => {
  await using pawl = memoryPawl().pawl;
  const lines = said();
  const workflow = trip(lines, pause(400), fails);
  const late = defineWorkflow({
    ...trip(lines, Promise.resolve(), (ctx) => ctx.sleep('1h')).definition,
    name: 'late',
  });
  pawl.worker({ workflows: [workflow, late] });
  const run = await pawl.start(workflow, undefined, { deadline: 150 });
  await failedWith(run, 'no seats');
  expect(lines).toHaveLength(4);
  const second = await pawl.start(late, undefined, { deadline: 150 });
  await expect(second.result({ timeoutMs })).rejects.toMatchObject({
    cause: { code: 'PAWL_DEADLINE' },
  });
  expect(lines).toHaveLength(8);
  expect((await allEvents(second)).at(-1)?.data).toMatchObject({ undone: true });
});

test('a deletion is refused while an undo is at work, and ends the undoing of a run that waits', async () => {
  await using pawl = memoryPawl().pawl;
  const lines = said();
  const { open, passed } = gate();
  const workflow = trip(lines, passed, fails);
  const stuck = defineWorkflow({
    name: 'stuck',
    run: async (ctx) => {
      await ctx.step('one', () => 1, { undo: () => lines.push('one') });
      const undo = { run: fails, retry: { attempts: 1 } };
      await ctx.step('two', () => 2, { undo });
      await fails();
    },
  });
  pawl.worker({ workflows: [workflow, stuck] });
  const busy = await pawl.start(workflow);
  await expect.poll(() => lines).toEqual(['begin two']);
  await expect(pawl.delete(busy.id)).rejects.toMatchObject({ code: 'PAWL_RUN_ACTIVE' });
  const run = await pawl.start(stuck);
  await expect.poll(async () => (await run.info()).waits[0]?.kind).toBe('undo');
  await pawl.delete(run.id);
  await expect(run.info()).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
  open();
  await failedWith(busy, 'no seats');
  expect(lines).not.toContain('one');
});

describe.concurrent('an undo that kills its workers', () => {
  async function quarantined() {
    const { pawl, store } = memoryPawl();
    const lines: string[] = [];
    let kills = 2;
    const workflow = defineWorkflow({
      name: 'poison',
      async run(ctx) {
        try {
          await ctx.step('fails', () => Promise.reject(new Error('closed')));
        } catch {
          await ctx.step('instead', () => 'i', {
            undo: async (result) => {
              if ((kills -= 1) >= 0) {
                store.vanish(workers[workers.length - 1]?.id ?? '');
                await new Promise(() => undefined);
              }
              lines.push(result);
            },
          });
        }
        throw new Error('no seats');
      },
    });
    const options = { workflows: [workflow], concurrency: 1, quarantineAfter: 2, sweepMs: 5 };
    const workers = [pawl.worker(options)];
    const run = await pawl.start(workflow);
    const until = (look: () => unknown) => vi.waitFor(look, { timeout: timeoutMs });
    await until(() => expect(kills).toBe(1));
    workers.push(pawl.worker(options));
    await until(() => expect(kills).toBe(0));
    workers.push(pawl.worker(options));
    await until(async () => expect((await run.info()).status).toBe('quarantined'));
    return { pawl, lines, run };
  }

  test('is quarantined, and a resume goes on with it, by the way that the handler took', async () => {
    const { pawl, lines, run } = await quarantined();
    await using _ = pawl;
    await run.resume();
    await failedWith(run, 'no seats');
    expect(lines).toEqual(['i']);
  });

  test('is left as it is by a cancel, which the log tells', async () => {
    const { pawl, lines, run } = await quarantined();
    await using _ = pawl;
    await run.cancel();
    await expect(run.result({ timeoutMs })).rejects.toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
    expect(lines).toEqual([]);
    expect((await allEvents(run)).at(-1)?.data).not.toHaveProperty('undone');
  });
});

test('no fork takes the result of something that was undone', async () => {
  await using pawl = memoryPawl().pawl;
  const lines = said();
  const { open, passed } = gate();
  const workflow = trip(lines, passed, fails);
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect.poll(() => lines).toEqual(['begin two']);
  const log = (await run.info()).seq;
  const points = [{ step: 'one' }, { step: 'two' }, { seq: log }];
  for (const point of points) {
    await expect(pawl.fork(workflow, run.id, point)).rejects.toMatchObject({
      code: 'PAWL_INVALID',
    });
  }
  open();
  await failedWith(run, 'no seats');
  await expect(pawl.fork(workflow, run.id, { step: 'one' })).rejects.toThrow(/has undone/);
  const fork = await pawl.fork(workflow, run.id, { seq: 1 });
  await failedWith(fork, 'no seats');
  expect(lines.filter((line) => line === 'end one')).toHaveLength(2);
});

test('a store that forgets the undoing is told of it, and the handler does not go on', async () => {
  const store = new RewindingStore();
  await using pawl = Pawl.assemble({ store, queue: new MemoryResumeQueue() });
  const lines = said();
  const { open, passed } = gate();
  let ends = 0;
  const end = async (ctx: Context): Promise<void> => {
    await ctx.waitFor('go');
    ends += 1;
    if (ends === 1) throw new Error('no seats');
  };
  const workflow = defineWorkflow({
    ...trip(lines, passed, end).definition,
    name: 'forgotten',
    signals: { go: z.unknown() },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  const rewind = store.image(run.id);
  await pawl.run(run.id).signal('go', undefined);
  await expect.poll(() => lines).toEqual(['begin two']);
  rewind();
  open();
  await failedWith(run, 'no seats');
  const log = await allEvents(run);
  const rewound = log.find(({ type }) => type === 'run.rewound');
  expect(rewound?.data).toMatchObject({ undo: { because: 'failed' } });
  expect(log.at(-1)).toMatchObject({ type: 'run.failed', data: { undone: true } });
  // Once by itself, and perhaps once to tell how; then it waits for what has not come.
  expect(ends).toBeLessThanOrEqual(2);
  expect(lines.at(-1)).toBe('end one');
});

describe('children of a run that is undone', () => {
  test('that are at work are cancelled first, and undo their own work; completed ones do not', async () => {
    await using pawl = memoryPawl().pawl;
    const lines = said();
    const { open, passed } = gate();
    const child = defineWorkflow({
      name: 'child',
      input: z.object({ waits: z.boolean() }),
      async run(ctx, { waits }) {
        const name = waits ? 'at work' : 'completed';
        await ctx.step('book', () => name, { undo: (result) => lines.push(`child ${result}`) });
        if (waits) await ctx.sleep('1h');
        return name;
      },
    });
    const parent = defineWorkflow({
      name: 'parent',
      async run(ctx) {
        const one = await ctx.start(child, { waits: false }, { as: 'one' });
        const booked = await one.result();
        await ctx.step('keep', () => booked, {
          undo: async (result) => {
            await passed;
            lines.push(`parent ${result}`);
          },
        });
        const two = await ctx.start(child, { waits: true }, { as: 'two' });
        await expect.poll(async () => (await pawl.run(two.id).info()).status).toBe('waiting');
        throw new Error('no seats');
      },
    });
    pawl.worker({ workflows: [parent, child] });
    const run = await pawl.start(parent);
    // The undo of the parent has not ended yet.
    await expect.poll(() => lines, { timeout: timeoutMs }).toEqual(['child at work']);
    open();
    await failedWith(run, 'no seats');
    expect(lines).toEqual(['child at work', 'parent completed']);
  });
});

describe('a graph', () => {
  test('undoes its visits, what completed last first, with what each was given', async () => {
    await using pawl = memoryPawl().pawl;
    const lines: unknown[] = [];
    const state = z.object({ left: z.array(z.string()).default([]) });
    const graph = defineGraph({
      name: 'trips',
      state,
      args: { book: z.string() },
      start: 'plan',
      nodes: {
        plan: { run: () => undefined, undo: (visit) => lines.push(visit) },
        book: {
          run: (_, what) => ({ result: `${what}-1` }),
          undo: {
            run: ({ args, result }, undo) => {
              if (undo.attempt === 1) throw new Error('again');
              lines.push([args, result, undo.because]);
              undo.set({ left: [args] });
            },
            retry: { attempts: 2, delay: 1 },
          },
        },
        pay: () => Promise.reject(new Error('no money')),
      },
      edges: {
        plan: () => [
          { node: 'book', args: 'flight' },
          { node: 'book', args: 'hotel' },
        ],
        book: 'pay',
        pay: 'end',
      },
      merge: { left: (a, b) => [...a, ...b] },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph);
    await failedWith(run, 'Step "node:pay:1" failed after 1 attempt: no money');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toEqual({ visit: 1, args: undefined, result: undefined });
    expect(lines.slice(0, 2)).toEqual([
      ['hotel', 'hotel-1', 'failed'],
      ['flight', 'flight-1', 'failed'],
    ]);
    expect((await run.state()).left).toEqual(['flight']);
  });

  test('refuses an undo of what is inside of a node', async () => {
    await using pawl = memoryPawl().pawl;
    const kinds = ['step', 'map', 'effect'] as const;
    const graph = defineGraph({
      name: 'inner',
      input: z.enum(kinds),
      start: 'one',
      nodes: {
        one: async (ctx) => {
          const undo = { undo: (): void => undefined };
          if (ctx.input === 'step') await ctx.step('a', () => 1, undo);
          else if (ctx.input === 'map') await ctx.map('a', [1], () => 1, undo);
          else await ctx.effect('a', () => 1, { onDoubt: 'retry', ...undo });
        },
      },
      edges: { one: 'end' },
    });
    pawl.worker({ workflows: [graph] });
    for (const kind of kinds) {
      const run = await pawl.start(graph, kind);
      await expect(run.result({ timeoutMs })).rejects.toThrow(
        `${kind} options.undo is not for what is inside of a node`,
      );
    }
  });
});

describe('what has steps inside', () => {
  test('an effect that fails between its steps is in doubt, and is undone so', async () => {
    await using pawl = memoryPawl().pawl;
    const lines: unknown[] = [];
    const workflow = defineWorkflow({
      name: 'nested',
      run: (ctx) =>
        ctx.effect<string>(
          'trip',
          async (step) => {
            // A step of the name that the undo has in other systems settles nothing.
            await step.step('undo', () => 'booked');
            throw new Error('no hotel');
          },
          { onDoubt: 'retry', undo: (result, { isInDoubt }) => lines.push([result, isInDoubt]) },
        ),
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow);
    await expect(run.result({ timeoutMs })).rejects.toThrow('no hotel');
    expect(lines).toEqual([[undefined, true]]);
  });

  test('an undo with steps of its own does none of them twice', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    const lines: string[] = [];
    let hangs = true;
    const workflow = defineWorkflow({
      name: 'long-undo',
      async run(ctx) {
        await ctx.step('book', () => 'b', {
          undo: async (_result, undo) => {
            await undo.step('letter', () => lines.push('letter'));
            if (hangs) await new Promise(() => undefined);
            await undo.step('call', () => lines.push('call'));
          },
        });
        throw new Error('no seats');
      },
    });
    const options = { workflows: [workflow], sweepMs: 5, concurrency: 1 };
    const first = pawl.worker(options);
    const run = await pawl.start(workflow);
    await firstEvent(
      run,
      ({ data }) => (data as { name?: string }).name?.endsWith('letter') === true,
    );
    hangs = false;
    store.vanish(first.id);
    pawl.worker(options);
    await failedWith(run, 'no seats');
    expect(lines).toEqual(['letter', 'call']);
  });
});

test('what a handler gives out, reports and writes while it tells how is not told again', async () => {
  await using pawl = memoryPawl().pawl;
  let calls = 0;
  const workflow = defineWorkflow({
    name: 'quiet',
    state: z.object({ calls: z.number().default(0) }),
    async run(ctx) {
      calls += 1;
      await ctx.output().write(`call ${calls}`);
      await ctx.step('book', () => 1, { undo: () => undefined });
      await ctx.set({ calls });
      ctx.progress(calls / 10);
      expect(await ctx.checkpoint({ label: `${calls}` })).toEqual(expect.any(String));
      throw new Error('no seats');
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await failedWith(run, 'no seats');
  expect(calls).toBe(2);
  expect(await run.state()).toEqual({ calls: 1 });
  expect(await run.checkpoints()).toHaveLength(1);
  const chunks: unknown[] = [];
  for await (const chunk of run.output()) chunks.push(chunk);
  expect(JSON.stringify(chunks)).not.toContain('call 2');
});
