// Goal: how often a body is tried is what its step, else its workflow says, and what no attempt mends is not tried again.
import { describe, expect, test } from 'vitest';
import { defineGraph, defineWorkflow, NonRetryableError, RunError, type StepError } from 'pawl';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents, firstEvent } from '../../../support/workers.ts';

class Declined extends NonRetryableError {
  readonly status = 402;
}

describe('the policy of the workflow', () => {
  const stepRetry = { attempts: 3, delay: 1 };

  test('holds for steps and items that give none, and for nothing inside or beside of them', async () => {
    await using pawl = memoryPawl().pawl;
    const attempts: Record<string, number> = {};
    const failing =
      (name: string) =>
      ({ attempt }: { readonly attempt: number }): never => {
        attempts[name] = attempt;
        throw new Error('always');
      };
    const workflow = defineWorkflow({
      name: 'policies',
      stepRetry,
      async run(ctx) {
        await ctx.step('default', failing('default')).catch(() => undefined);
        await ctx.step('own', failing('own'), { retry: { attempts: 1 } }).catch(() => undefined);
        await ctx.step('timed', failing('timed'), { timeout: '1m' }).catch(() => undefined);
        await ctx.map('map', [1], (_, step) => failing('map')(step)).catch(() => undefined);
        await ctx.effect('effect', failing('effect'), { onDoubt: 'retry' }).catch(() => undefined);
        await ctx
          .step('outer', (step) => step.step('inner', failing('inner')))
          .catch(() => undefined);
      },
    });
    pawl.worker({ workflows: [workflow] });
    const run = await pawl.start(workflow);
    await run.result();
    expect(attempts).toEqual({ default: 3, own: 1, timed: 3, map: 3, effect: 1, inner: 1 });
    const retried = (await allEvents(run)).filter(({ type }) => type === 'step.retried');
    const names = retried.map(({ data }) => (data as { name: string }).name);
    expect(names).toEqual([
      'default',
      'default',
      'timed',
      'timed',
      'map:0',
      'map:0',
      'outer',
      'outer',
    ]);
  });

  test('holds for nodes of a graph', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'tried-nodes',
      stepRetry,
      start: 'one',
      nodes: {
        one: ({ attempt }) => {
          if (attempt < 3) throw new Error('not yet');
        },
      },
    });
    pawl.worker({ workflows: [graph] });
    await (await pawl.start(graph)).result();
  });
});

describe('an error that no attempt mends', () => {
  test('ends the attempts of a step, and is what the handler sees, then and later', async () => {
    await using pawl = memoryPawl().pawl;
    let calls = 0;
    const workflow = defineWorkflow({
      name: 'declined',
      async run(ctx) {
        try {
          return await ctx.step(
            'charge',
            () => {
              calls += 1;
              throw new Declined('blocked', { cause: new TypeError('why') });
            },
            { retry: { attempts: 5, delay: '1m' } },
          );
        } catch (error) {
          const { cause } = error as StepError;
          const declined = cause as Declined;
          return [declined instanceof NonRetryableError, declined.name, declined.status];
        }
      },
    });
    pawl.worker({ workflows: [workflow] });
    expect(await (await pawl.start(workflow)).result()).toEqual([true, 'Declined', 402]);
    expect(calls).toBe(1);
  });

  test('ends the attempts of a run, and comes to whoever waits for it', async () => {
    await using pawl = memoryPawl().pawl;
    let calls = 0;
    const workflow = defineWorkflow({
      name: 'hopeless',
      retry: { attempts: 5, delay: '1m' },
      async run() {
        calls += 1;
        throw new NonRetryableError('no', { cause: new Declined('blocked') });
      },
    });
    pawl.worker({ workflows: [workflow] });
    const error = await (await pawl.start(workflow)).result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RunError);
    const { cause } = error as RunError;
    expect(cause).toBeInstanceOf(NonRetryableError);
    expect((cause as Error).cause).toMatchObject({ name: 'Declined', status: 402 });
    expect(calls).toBe(1);
  });

  test('does not, when a handler has caught it and thrown another one', async () => {
    await using pawl = memoryPawl().pawl;
    let calls = 0;
    const workflow = defineWorkflow({
      name: 'wrapped',
      retry: { attempts: 2, delay: 1 },
      async run() {
        calls += 1;
        throw new Error('mine', { cause: new NonRetryableError('no') });
      },
    });
    pawl.worker({ workflows: [workflow] });
    await (await pawl.start(workflow)).result().catch(() => undefined);
    expect(calls).toBe(2);
  });
});

test('pauses are lengths of time', async () => {
  const body = (): never => {
    throw new Error('x');
  };
  await using pawl = memoryPawl().pawl;
  const workflow = defineWorkflow({
    name: 'paused',
    run: (ctx) => ctx.step('late', body, { retry: { attempts: 2, delay: '1h' } }),
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  const retried = await firstEvent(run, ({ type }) => type === 'step.retried');
  const pausedMs = (retried.data as { dueAt: number }).dueAt - retried.at.getTime();
  // Half of it is left to chance, and it is longer than the default of the longest pause.
  expect(pausedMs).toBeGreaterThan(29 * 60_000);
});
