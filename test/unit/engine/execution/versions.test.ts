// Goal: older code never takes what newer code has written. Method: the memory store, and workers of two versions.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';

test('a run that newer code has parked waits for that code, though a worker with older code is there', async () => {
  const calls: number[] = [];
  const aged = (version: number) =>
    defineWorkflow({
      name: 'aged',
      version,
      signals: { go: z.string() },
      async run(ctx) {
        calls.push(version);
        return ctx.waitFor('go');
      },
    });
  await using pawl = memoryPawl().pawl;
  const newer = pawl.worker({ workflows: [aged(2)] });
  const run = await pawl.start(aged(2), undefined);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await newer.close();
  const older = pawl.worker({ workflows: [aged(1)] });
  await run.signal('go', 'on');
  await pause(300);
  await older.close();
  pawl.worker({ workflows: [aged(2)] });
  expect(await run.result({ timeoutMs: 20_000 })).toBe('on');
  expect(calls).toEqual([2, 2]);
});
