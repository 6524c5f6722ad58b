// Goal: a failed run can go on with another input; what it has finished stays, and every later execution sees the new one.
// Method: the memory store; handlers that fail by their input.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const seen: string[] = [];

const transfer = defineWorkflow({
  name: 'transfer',
  input: z.object({ to: z.string(), amount: z.number().positive() }),
  async run(ctx, input) {
    seen.push(`${input.to} ${input.amount}`);
    const { to } = input;
    // Whoever changes what it was given changes it for itself alone.
    input.to = 'nobody';
    await ctx.step('reserve', () => to);
    await ctx.checkpoint();
    await ctx.step('send', () => {
      if (to === 'closed') throw new RangeError('no such account');
    });
    await ctx.sleep('1100ms');
    return `${await ctx.step('receipt', () => to)} ${input.amount}`;
  },
});

test('a resumed run is called with what it was resumed with, now and later', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  seen.length = 0;
  pawl.worker({ workflows: [transfer] });
  const run = await pawl.start(transfer, { to: 'closed', amount: 5 }, { id: 'one' });
  await expect(run.result()).rejects.toThrow('no such account');
  await run.resume({ reason: 'the account is another one', input: { to: 'open', amount: 7 } });
  expect(await run.result()).toBe('open 7');
  // Once more behind the wait: the worker had let go of the run.
  expect(seen).toEqual(['closed 5', 'open 7', 'open 7']);
  const events = await allEvents(run);
  expect(events.find(({ type }) => type === 'operator.retried')?.data).toEqual({
    reason: 'the account is another one',
    input: { to: 'open', amount: 7 },
  });
});

test('a fork has the input of the point at which it begins', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [transfer] });
  const run = await pawl.start(transfer, { to: 'closed', amount: 5 }, { id: 'one' });
  await expect(run.result()).rejects.toThrow();
  await run.resume({ input: { to: 'open', amount: 7 } });
  await run.result();
  seen.length = 0;
  const early = await pawl.fork(transfer, 'one', { step: 'reserve' }, { id: 'early' });
  await expect(early.result()).rejects.toThrow('no such account');
  const late = await pawl.fork(transfer, 'one', { step: 'send' }, { id: 'late' });
  expect(await late.result()).toBe('open 7');
  expect(seen[0]).toBe('closed 5');
  expect(seen.at(-1)).toBe('open 7');
});

test('a paused run goes on with another input, too, and keeps it when it is paused once more', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  seen.length = 0;
  pawl.worker({ workflows: [transfer] });
  const run = await pawl.start(transfer, { to: 'open', amount: 5 }, { id: 'one' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await run.pause();
  await run.resume({ input: { to: 'paused', amount: 6 } });
  await run.pause();
  await run.resume();
  expect(await run.result()).toBe('paused 6');
  expect(seen).toEqual(['open 5', 'paused 6']);
});

test('an input that does not fit is refused, and nothing is written', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [transfer] });
  const run = await pawl.start(transfer, { to: 'closed', amount: 5 });
  await expect(run.result()).rejects.toThrow();
  const before = (await allEvents(run)).length;
  const bad: readonly unknown[] = [
    { to: 'open', amount: -1 },
    { to: 'x'.repeat(300_000), amount: 1 },
  ];
  for (const input of bad) await expect(run.resume({ input })).rejects.toThrow(/amount|limit/);
  expect(await allEvents(run)).toHaveLength(before);
  expect((await run.info()).status).toBe('failed');
});
