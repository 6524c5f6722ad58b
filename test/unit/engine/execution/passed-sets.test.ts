// Goal: a handler that is called again does not take the state back to what it was, and one that asks the state where it is
// still changes it. Method: the memory store; a worker lets go of the run at a step, and another one calls the handler
// again; the values that the state had are read from the log.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Context, defineWorkflow, type RunEvent } from 'pawl';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const state = z.object({
  status: z.string().default('new'),
  busy: z.boolean().default(false),
  n: z.number().default(0),
  notes: z.array(z.string()).default([]),
});
const events = { shouted: z.string() };
type Ctx = Context<typeof state, typeof events>;

function workflowOf(run: (ctx: Ctx) => Promise<unknown>) {
  return defineWorkflow({ name: 'sets', state, events, run: (ctx) => run(ctx) });
}

/** What `ctx.set` and steps have made of a field, in the order of the log. */
function valuesOf(log: readonly RunEvent[], field: string): unknown[] {
  return log.flatMap(({ type, data }) => {
    const { patch = {} } = data as { patch?: Record<string, unknown> };
    return type === 'state.set' && Object.hasOwn(patch, field) ? [patch[field]] : [];
  });
}

/** Plays a handler, and has it called again as often as it comes to `hold`. */
async function calledAgain(
  run: (ctx: Ctx, hold: () => Promise<void>) => Promise<unknown>,
  times = 2,
): Promise<{ log: readonly RunEvent[]; result: unknown; state: unknown }> {
  await using pawl = memoryPawl().pawl;
  let calls = 0;
  let onHeld: () => void = () => undefined;
  const workflow = workflowOf((ctx) => {
    calls += 1;
    return run(ctx, async () => {
      if (calls > times) return;
      onHeld();
      await pause(60_000);
    });
  });
  const handle = await pawl.start(workflow, undefined);
  for (let n = 0; n < times; n++) {
    const held = new Promise<void>((resolve) => (onHeld = resolve));
    const worker = pawl.worker({ workflows: [workflow] });
    await held;
    await worker.close({ graceMs: 0 });
  }
  pawl.worker({ workflows: [workflow] });
  const result = await handle.result({ timeoutMs: 20_000 });
  return { result, log: await allEvents(handle), state: await handle.state() };
}

describe('a handler that comes by again', () => {
  test('writes nothing again: shipped stays shipped', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      await ctx.set({ status: 'paid' });
      await ctx.step('ship', () => 'shipped');
      await ctx.set({ status: 'shipped' });
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
  });

  test('also where it does something plain between two changes, with no result behind them', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      await ctx.set({ status: 'paid' });
      await pause(10);
      await ctx.set({ status: 'shipped' });
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
  });

  test('also where nothing is between two changes, and where the state is read', async () => {
    const { log, result } = await calledAgain(async (ctx, hold) => {
      const seen = [ctx.state.status];
      await ctx.set({ status: 'paid' });
      seen.push(ctx.state.status);
      await ctx.set({ status: 'shipped' });
      seen.push(ctx.state.status);
      await ctx.step('wait', hold);
      return [...seen, ctx.state.status];
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
    expect(result).toEqual(['shipped', 'paid', 'shipped', 'shipped']);
  });

  test('ends with the same state where it does something plain for long', async () => {
    const again = await calledAgain(async (ctx, hold) => {
      await ctx.set({ status: 'paid', n: 1 });
      await pause(120);
      await ctx.step('ship', (step) => step.set({ status: 'shipped' }));
      await ctx.set({ n: 2 });
      await ctx.step('tell', () => 'told');
      await ctx.step('wait', hold);
    });
    expect(again.state).toMatchObject({ status: 'shipped', n: 2 });
    expect(valuesOf(again.log, 'status').at(-1)).toBe('shipped');
  });

  test('also with plain work behind a change, and branches side by side', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      const branch = async (field: 'status' | 'n', of: readonly unknown[]): Promise<void> => {
        for (const [i, value] of of.entries()) {
          await ctx.set({ [field]: value });
          if (i === 0) await pause(3);
          await ctx.step(`${field}:${i}`, () => pause(i));
        }
      };
      await Promise.all([branch('status', ['a', 'b', 'c']), branch('n', [1, 2])]);
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['a', 'b', 'c']);
    expect(valuesOf(log, 'n')).toEqual([1, 2]);
  });

  test('a step changes the state in the commit of its result, once', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      await ctx.step('pay', (step) => step.set({ status: 'paid' }));
      await ctx.step('ship', (step) => step.set({ status: 'shipped', n: 1 }));
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
    const types = log.map(({ type }) => type);
    expect(types[types.indexOf('state.set') + 1]).toBe('step.completed');
  });
});

async function phases(ctx: Ctx): Promise<void> {
  await ctx.set({ status: 'paid' });
  await ctx.step('ship', () => pause(20));
  await ctx.set({ status: 'shipped' });
  await ctx.step('tell', () => 1);
}

describe('a handler that comes by again writes nothing again', () => {
  test('before a loop that forgets its steps', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      await ctx.set({ status: 'paid' });
      await ctx.step('ship', () => 'shipped');
      await ctx.set({ status: 'shipped' });
      await ctx.step('pack', () => 'packed');
      for (let n = ctx.state.n; n < 3; n++) {
        await ctx.step(`work:${n}`, () => n);
        await ctx.set({ n: n + 1 });
        ctx.forget(`work:${n}`);
      }
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
    expect(valuesOf(log, 'n')).toEqual([1, 2, 3]);
  });

  test('beside a loop of another branch that forgets its steps', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      const rounds = async (): Promise<void> => {
        for (let n = ctx.state.n; n < 3; n++) {
          await ctx.step(`work:${n}`, () => n);
          await ctx.set({ n: n + 1 });
          ctx.forget(`work:${n}`);
        }
      };
      await Promise.all([phases(ctx), rounds()]);
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
    expect(valuesOf(log, 'n')).toEqual([1, 2, 3]);
  });

  test('beside a step of another branch, which is given first', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      await Promise.all([ctx.step('log', () => pause(5)), phases(ctx)]);
      await ctx.step('wait', hold);
    });
    expect(valuesOf(log, 'status')).toEqual(['paid', 'shipped']);
  });

  test('where a run is tried again, and what had failed is done behind what came after it', async () => {
    await using pawl = memoryPawl().pawl;
    let calls = 0;
    let onHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (onHeld = resolve));
    const hold = async (): Promise<void> => {
      if (calls > 2) return;
      onHeld();
      await pause(60_000);
    };
    const workflow = defineWorkflow({
      name: 'sets',
      state,
      events,
      retry: { attempts: 2, delay: 1 },
      async run(ctx) {
        calls += 1;
        const both = [ctx.step('charge', failing), ctx.step('log', () => 1)];
        await Promise.allSettled(both);
        await ctx.set({ status: 'paid' });
        await ctx.step('ship', () => 1);
        await ctx.set({ status: 'shipped' });
        if (calls === 1) throw new Error('not yet');
        await ctx.step('wait', hold);
      },
    });
    const worker = pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await held;
    await worker.close({ graceMs: 0 });
    pawl.worker({ workflows: [workflow] });
    await run.result({ timeoutMs: 20_000 });
    expect(calls).toBe(3);
    expect(valuesOf(await allEvents(run), 'status')).toEqual(['paid', 'shipped']);
  });
});

const failing = (): never => {
  throw new Error('refused');
};

describe('a handler that asks the state where it is', () => {
  test('turns a field on and off as often as it says so', async () => {
    const { log, state: end } = await calledAgain(async (ctx, hold) => {
      for (let n = ctx.state.n; n < 4; n++) {
        await ctx.set({ busy: true });
        await ctx.step(`work:${n}`, () => n);
        await ctx.set({ busy: false, n: n + 1 });
        ctx.forget(`work:${n}`);
        if (n === 1 || n === 2) await ctx.step(`hold:${n}`, hold);
      }
    });
    expect(valuesOf(log, 'busy')).toEqual([true, false, true, false, true, false, true, false]);
    expect(end).toMatchObject({ busy: false, n: 4 });
  });

  test('also when its steps are not forgotten, and when there are none', async () => {
    for (const [step, times] of [
      ['work', 1],
      ['', 1],
    ] as const) {
      const { log } = await calledAgain(async (ctx, hold) => {
        for (let n = ctx.state.n; n < 3; n++) {
          await ctx.set({ busy: true });
          if (step === '') await pause(5);
          else await ctx.step(`${step}:${n}`, () => n);
          await ctx.set({ busy: false, n: n + 1 });
          if (n === 1) await ctx.step('hold', hold);
        }
      }, times);
      expect(valuesOf(log, 'busy')).toEqual([true, false, true, false, true, false]);
    }
  });

  test('comes to an earlier state again behind a wait of its own', async () => {
    const { log } = await calledAgain(async (ctx, hold) => {
      while (ctx.state.n < 3) {
        const { n, status } = ctx.state;
        await ctx.step(`${status}:${n}`, () => n);
        if (status === 'open') await ctx.set({ status: 'closed' });
        else await ctx.set({ status: 'open', n: n + 1 });
        if (n > 0) await ctx.step(`hold:${status}:${n}`, () => (n === 1 ? hold() : undefined));
      }
    });
    const values = valuesOf(log, 'status');
    expect(values).toEqual(['open', 'closed', 'open', 'closed', 'open']);
  });

  test('writes what it counts each time it is called', async () => {
    const { state: end } = await calledAgain(async (ctx, hold) => {
      await ctx.set({ n: ctx.state.n + 1 });
      await ctx.step('wait', hold);
    });
    expect(end).toMatchObject({ n: 3 });
  });
});

describe('a change that comes with a step', () => {
  test('is dropped with the attempt that fails, and written with the one that does not', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = workflowOf((ctx) =>
      ctx.step(
        'try',
        (step) => {
          const { attempt } = step;
          step.set({ status: `attempt ${attempt}`, ...(attempt === 1 ? { n: 9 } : {}) });
          if (attempt < 3) throw new Error('again');
        },
        { retry: { attempts: 3, delay: 1 } },
      ),
    );
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result({ timeoutMs: 20_000 });
    expect(valuesOf(await allEvents(run), 'status')).toEqual(['attempt 3']);
    expect(await run.state()).toMatchObject({ n: 0 });
  });

  test('that the schema refuses fails the step, and nothing of it is written', async () => {
    await using pawl = memoryPawl().pawl;
    let bodies = 0;
    const workflow = workflowOf(async (ctx) => {
      const told = await ctx
        .step(
          'bad',
          (step) => {
            bodies += 1;
            step.emit('shouted', 'x');
            step.set({ n: 'many' as unknown as number });
          },
          { retry: { attempts: 3 } },
        )
        .catch((error: { code: string; cause: { code: string; message: string } }) => error);
      const { code, cause } = told as { code: string; cause: { code: string; message: string } };
      const plain = await ctx
        .step('worse', (step) => step.set(3 as never))
        .catch(({ cause: why }: { cause: { code: string } }) => why.code);
      return { code, cause: cause.code, field: cause.message.includes('state.n'), plain };
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    expect(await run.result({ timeoutMs: 20_000 })).toEqual({
      code: 'PAWL_STEP_FAILED',
      cause: 'PAWL_INVALID',
      field: true,
      plain: 'PAWL_INVALID',
    });
    expect(bodies).toBe(1);
    const types = (await allEvents(run)).map(({ type }) => type);
    expect(types).not.toContain('state.set');
    expect(types).not.toContain('shouted');
  });

  test('comes from effects, from steps within steps, and in the order of the log from steps side by side', async () => {
    await using pawl = memoryPawl().pawl;
    const workflow = workflowOf(async (ctx) => {
      await ctx.effect('pay', (step) => step.set({ status: 'paid' }), { onDoubt: 'retry' });
      await ctx.step('outer', async (step) => {
        await step.step('inner', (inner) => inner.set({ n: 1 }));
        step.set({ notes: ['outer'] });
      });
      await ctx.map('items', ['a', 'b', 'c'], async (item, step, i) => {
        await pause(400 - 190 * i);
        step.set({ status: item });
      });
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow, undefined);
    await run.result({ timeoutMs: 20_000 });
    expect(valuesOf(await allEvents(run), 'status')).toEqual(['paid', 'c', 'b', 'a']);
    expect(await run.state()).toMatchObject({ status: 'a', n: 1, notes: ['outer'] });
  });
});

test('a fork comes by what the other run has written, and an edited state stays as it was edited', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = workflowOf(async (ctx) => {
    await ctx.set({ status: 'paid' });
    await ctx.step('ship', (step) => step.set({ status: 'shipped' }));
    await ctx.step('tell', () => 'told');
    return ctx.state.status;
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result({ timeoutMs: 20_000 })).toBe('shipped');
  const fork = await pawl.fork(
    workflow,
    run.id,
    { step: 'ship' },
    { state: (old) => ({ ...old, status: 'edited' }) },
  );
  expect(await fork.result({ timeoutMs: 20_000 })).toBe('edited');
  expect(valuesOf(await allEvents(fork), 'status')).toEqual([]);
});

test('no death anywhere changes what the state becomes', async () => {
  const workflow = workflowOf(async (ctx) => {
    await ctx.set({ status: 'paid' });
    await ctx.step('pick', (step) => step.set({ notes: [...ctx.state.notes, 'picked'] }));
    await Promise.all([
      ctx.set({ status: 'shipped' }),
      ctx.map('items', [1, 2], (n, step) => step.set({ n })),
    ]);
    await ctx.sleep('2h');
    await ctx.set({ status: 'delivered' });
    return ctx.state.status;
  });
  const { violations } = await crashTest(workflow, undefined);
  expect(violations).toEqual([]);
});

test('of very many changes the last ones are known again, and as many are remembered', async () => {
  const { log, state: end } = await calledAgain(async (ctx, hold) => {
    for (let n = 0; n < 300; n++) {
      await ctx.set({ n });
      if (n % 50 === 0) await ctx.step(`step:${n}`, () => n);
    }
    await ctx.step('wait', hold);
  }, 1);
  const values = valuesOf(log, 'n');
  expect(values.slice(0, 300)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  expect(end).toMatchObject({ n: 299 });
});
