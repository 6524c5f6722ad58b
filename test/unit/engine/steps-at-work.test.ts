// Goal: the step at work is seen from outside, by name, attempt and time, and costs no commit. Method: the memory store; a
// worker that beats often, steps that go on until the test lets them.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { readSteps, tellSteps } from '../../../src/engine/steps-at-work.ts';
import { memoryPawl } from '../../support/memory.ts';
import { allEvents } from '../../support/workers.ts';

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('not seen');
}

test('steps at work, and the attempt they are in, are seen while they last', async () => {
  await using pawl = memoryPawl().pawl;
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const workflow = defineWorkflow({
    name: 'seen',
    async run(ctx) {
      await ctx.step('outer', async (step) => {
        await step.step(
          'inner',
          async ({ attempt }) => {
            if (attempt === 1) throw new Error('once');
            await gate;
          },
          { retry: { attempts: 2, delay: 1 } },
        );
      });
    },
  });
  pawl.worker({ workflows: [workflow], beatMs: 5 });
  const run = await pawl.start(workflow, undefined);
  const atWork = await until(async () => {
    const info = await run.info();
    return info.atWork.length === 2 && info.atWork[1]?.attempt === 2 ? info.atWork : undefined;
  });
  expect(atWork.map(({ name, attempt }) => [name, attempt])).toEqual([
    ['outer', 1],
    ['outer › inner', 2],
  ]);
  const [outer, inner] = atWork;
  expect(Number(outer?.since)).toBeLessThanOrEqual(Number(inner?.since));
  letGo();
  await run.result({ timeoutMs: 3000 });
  const steps = (await allEvents(run)).filter(({ type }) => type.startsWith('step.'));
  expect(steps.map(({ type }) => type)).toEqual([
    'step.retried',
    'step.completed',
    'step.completed',
  ]);
  expect((await run.info()).atWork).toEqual([]);
});

test('of very many steps those are told that are at work for the longest time', () => {
  const steps = Array.from({ length: 700 }, (_, i) => ({
    name: `s${i}`,
    attempt: 1,
    since: 1000 - i,
  }));
  const told = readSteps(
    tellSteps([
      ['a', steps],
      ['b', [{ name: 'b', attempt: 3, since: 2000 }]],
    ]),
    'a',
  );
  expect(told).toHaveLength(500);
  expect(told[0]).toEqual({ name: 's699', attempt: 1, since: new Date(301) });
  expect(tellSteps([])).toBe('');
});

test.each(['', 'nonsense', '{}', '[1, null, ["a"], ["a", 2, 3, 4]]'])(
  'what cannot be read tells nothing: %s',
  (told) => {
    expect(readSteps(told, 'a')).toEqual([]);
  },
);
