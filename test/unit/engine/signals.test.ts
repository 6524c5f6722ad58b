// Goal: Node warns of no leak for signals of pawl, however many steps listen to one at a time. Method: real runs with many
// parallel steps that pause, listen and hand their signal on.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { anySignal, newAbortController } from '../../../src/engine/signals.ts';
import { memoryPawl } from '../../support/memory.ts';

const warnings: string[] = [];
const note = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);

beforeEach(() => {
  warnings.length = 0;
  process.on('warning', note);
});

afterEach(() => {
  process.off('warning', note);
});

test('signals that are made here may have any number of listeners', async () => {
  const { signal } = newAbortController();
  const either = anySignal([signal, newAbortController().signal]);
  for (let i = 0; i < 100; i++) {
    for (const one of [signal, either]) one.addEventListener('abort', () => i);
  }
  await sleep(1);
  // Node 20 warns of the eleventh listener of other signals, newer ones of none.
  expect(warnings).toEqual([]);
});

test.each([12, 100])('%i steps at once that pause and listen', async (count) => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const retry = { attempts: 2, delay: 20 };
  const crowd = defineWorkflow({
    name: 'crowd',
    async run(ctx) {
      await Promise.all(
        Array.from({ length: count }, (_unused, i) =>
          ctx.step(
            `step ${i}`,
            async ({ attempt, signal }) => {
              ctx.signal.addEventListener('abort', () => i);
              await sleep(20, undefined, { signal });
              if (attempt < 2) throw new Error('once more');
              return i;
            },
            { retry },
          ),
        ),
      );
      await ctx.map(
        'items',
        Array.from({ length: count }, (_unused, i) => i),
        (item, { signal }) => sleep(5, item, { signal }),
        { timeout: '1m' },
      );
      return 'done';
    },
  });
  pawl.worker({ workflows: [crowd] });
  const run = await pawl.start(crowd, undefined);
  expect(await run.result()).toBe('done');
  expect(warnings).toEqual([]);
});

test('a queue with many rates listens to its end without a warning', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const workflows = Array.from({ length: 15 }, (_unused, i) =>
    defineWorkflow({ name: `paced${i}`, rate: { max: 5, per: '1m' }, run: () => i }),
  );
  pawl.worker({ workflows });
  for (const workflow of workflows) await (await pawl.start(workflow, undefined)).result();
  expect(warnings).toEqual([]);
});
