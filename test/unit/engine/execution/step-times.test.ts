// Goal: the log says how long each attempt at a step was at work. Method: bodies of known lengths over the memory store.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

test('completed, failed and tried again: each has the time of its own attempt, and waits have none', async () => {
  await using pawl = memoryPawl().pawl;
  const workflow = defineWorkflow({
    name: 'timed',
    async run(ctx) {
      await ctx.step('quick', () => 1);
      await ctx.step('slow', () => sleep(60));
      const retry = { attempts: 2, delay: 5 } as const;
      const late = async ({ attempt }: { readonly attempt: number }): Promise<void> => {
        await sleep(attempt === 1 ? 30 : 60);
        throw new Error('always');
      };
      await ctx.step('late', late, { retry }).catch(() => undefined);
      await ctx.sleep(20, { as: 'pause' });
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow);
  await run.result();
  const times: Record<string, number | undefined> = {};
  for (const { type, data } of await allEvents(run)) {
    const { name, ms } = data as { readonly name?: string; readonly ms?: number };
    if (type.startsWith('step.') && name !== undefined) times[`${type} ${name}`] = ms;
  }
  expect(times['step.completed slow']).toBeGreaterThanOrEqual(55);
  expect(times['step.retried late']).toBeGreaterThanOrEqual(25);
  expect(times['step.failed late']).toBeGreaterThanOrEqual(55);
  expect(times['step.completed pause']).toBe(undefined);
});
