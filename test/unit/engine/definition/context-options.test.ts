// Goal: a handler that misspells an option is told so, wherever it gives some, and nothing is written for that call.
// Method: each method of a context that takes options is called with a misspelled one, in a run on the memory store.
import { expect, test } from 'vitest';
import { type Context, defineGraph, defineWorkflow, type EventSchemas } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const child = defineWorkflow({ name: 'child', run: () => 1 });
const signals = { go: z.int() };

type AnyContext = Context<unknown, EventSchemas, typeof signals>;

/** What a handler calls, and the option that is meant. */
const calls: Readonly<Record<string, readonly [(ctx: AnyContext) => Promise<unknown>, string]>> = {
  step: [(ctx) => ctx.step('a', () => 1, { timeot: '1s' } as never), 'timeout'],
  'retry of a step': [
    (ctx) => ctx.step('a', () => 1, { retry: { attempt: 2 } as never }),
    'attempts',
  ],
  'step inside of a step': [
    (ctx) => ctx.step('out', (step) => step.step('in', () => 1, { retri: {} } as never)),
    'retry',
  ],
  map: [(ctx) => ctx.map('m', [1], () => 1, { concurency: 1 } as never), 'concurrency'],
  effect: [(ctx) => ctx.effect('e', () => 1, { onDoubt: 'ask', timeOut: 1 } as never), 'timeout'],
  'effect without a policy': [
    (ctx) => ctx.effect('e', () => 1, { onDoubts: 'ask' } as never),
    'onDoubt',
  ],
  checkpoint: [(ctx) => ctx.checkpoint({ lable: 'x' } as never), 'label'],
  sleep: [(ctx) => ctx.sleep(1, { sa: 'x' } as never), 'as'],
  sleepUntil: [(ctx) => ctx.sleepUntil(new Date(), { signals: 1 } as never), 'signal'],
  waitFor: [(ctx) => ctx.waitFor('go', { timout: '1s' } as never), 'timeout'],
  'match of waitFor': [(ctx) => ctx.waitFor('go', { mach: 1 } as never), 'match'],
  waitForAny: [(ctx) => ctx.waitForAny(['go'], { timeouts: '1s' } as never), 'timeout'],
  waitForAll: [(ctx) => ctx.waitForAll(['go'], { time_out: '1s' } as never), 'timeout'],
  start: [(ctx) => ctx.start(child, undefined, { attach: false } as never), 'attached'],
};

test('handlers are told, and may go on', async () => {
  await using pawl = memoryPawl().pawl;
  const caught: Record<string, unknown> = {};
  const careless = defineWorkflow({
    name: 'careless',
    signals,
    run: async (ctx) => {
      for (const [what, [call]] of Object.entries(calls)) {
        caught[what] = await call(ctx as AnyContext).catch((error: unknown) => error);
      }
      return ctx.step('after', () => 'fine');
    },
  });
  pawl.worker({ workflows: [careless] });
  const run = await pawl.start(careless, undefined);
  expect(await run.result({ timeoutMs: 10_000 })).toBe('fine');
  for (const [what, [, meant]] of Object.entries(calls)) {
    const message = String((caught[what] as { message?: unknown }).message);
    expect(message, what).toContain(`is no option. Did you mean ${meant}?`);
  }
  const types = (await allEvents(run)).map(({ type }) => type);
  // The step around the one with the misspelled option fails by it; all else has written nothing.
  expect(types).toEqual([
    'run.created',
    'run.claimed',
    'step.failed',
    'step.completed',
    'run.completed',
  ]);
});

test('what is no object at all is told, too', async () => {
  await using pawl = memoryPawl().pawl;
  const careless = defineWorkflow({
    name: 'careless',
    signals,
    run: async (ctx) => {
      const tried = [
        ctx.sleep(1, 'name' as never),
        ctx.sleep(1, null as never),
        ctx.waitFor('go', 5 as never),
        ctx.waitFor('go', { signal: 'stop' } as never),
        ctx.step('a', () => 1, [] as never),
        ctx.start(child, undefined, 'child' as never),
      ];
      const ends = await Promise.allSettled(tried);
      return ends.map((end) =>
        end.status === 'rejected' ? (end.reason as Error).message : 'taken',
      );
    },
  });
  pawl.worker({ workflows: [careless] });
  const run = await pawl.start(careless, undefined);
  expect(await run.result({ timeoutMs: 10_000 })).toEqual([
    'sleep options must be an object, it is "name".',
    'sleep options must be an object, it is null.',
    'waitFor options must be an object, it is 5.',
    'waitFor options.signal must be an AbortSignal, it is "stop".',
    'step options must be an object, it is a list.',
    'child options must be an object, it is "child".',
  ]);
});

test('nodes of a graph are told as handlers are', async () => {
  await using pawl = memoryPawl().pawl;
  const graph = defineGraph({
    name: 'careless-graph',
    start: 'a',
    nodes: { a: (ctx) => ctx.step('x', () => 1, { timeot: 1 } as never).then(() => ({})) },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined);
  await expect(run.result()).rejects.toThrow('step options.timeot is no option');
});
