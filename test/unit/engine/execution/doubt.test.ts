// Goal: doubt about an effect ends only by an answer: its body never runs again without `onDoubt` having been asked. Method:
// the memory store; effects that fail, time out, or are cut off with their worker, each policy, each time anew.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineWorkflow, type Doubt } from 'pawl';
import { memoryPawl } from '../../../support/memory.ts';
import { firstEvent } from '../../../support/workers.ts';

test('a time-out is a doubt: the retry of the run asks before it pays again', async () => {
  await using pawl = memoryPawl().pawl;
  let paid = 0;
  let asked = 0;
  const workflow = defineWorkflow({
    name: 'timed-payment',
    retry: { attempts: 3, delay: 1 },
    run: (ctx) =>
      ctx.effect(
        'pay',
        async () => {
          await pause(60);
          paid += 1;
          return 'paid';
        },
        {
          timeout: 20,
          onDoubt: async () => {
            asked += 1;
            await pause(100);
            return paid > 0 ? { happened: true, result: 'found' } : { happened: false };
          },
        },
      ),
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  expect(await run.result({ timeoutMs: 20_000 })).toBe('found');
  expect({ paid, asked }).toEqual({ paid: 1, asked: 1 });
});

test('a failure that is resumed is a doubt', async () => {
  await using pawl = memoryPawl().pawl;
  let bodies = 0;
  let asked = 0;
  const workflow = defineWorkflow({
    name: 'failing-payment',
    run: (ctx) =>
      ctx.effect(
        'pay',
        () => {
          bodies += 1;
          if (bodies === 1) throw new Error('connection lost');
          return 'paid';
        },
        {
          onDoubt: () => {
            asked += 1;
            return { happened: false };
          },
        },
      ),
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('connection lost');
  await run.resume();
  expect(await run.result({ timeoutMs: 20_000 })).toBe('paid');
  expect({ bodies, asked }).toEqual({ bodies: 2, asked: 1 });
});

describe('a person', () => {
  test('is asked at each doubt; a decision of before does not decide the next', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    let bodies = 0;
    const ask: Doubt<string> = 'ask';
    const workflow = defineWorkflow({
      name: 'asked-payment',
      run: (ctx) =>
        ctx.effect(
          'pay',
          async () => {
            bodies += 1;
            if (bodies < 3) await pause(60_000);
            return `paid at ${bodies}`;
          },
          { onDoubt: ask },
        ),
    });
    // One at a time: a worker that vanished is at work in this process still, and must not take the run again.
    const options = { workflows: [workflow], beatMs: 5_000, quarantineAfter: 10, concurrency: 1 };
    const run = await (async () => {
      const one = pawl.worker(options);
      const started = await pawl.start(workflow, undefined);
      await expect.poll(() => bodies).toBe(1);
      store.vanish(one.id);
      return started;
    })();
    const two = pawl.worker(options);
    await firstEvent(run, ({ type }) => type === 'effect.doubted');
    // Twice, as impatient people do: the second one must not answer a later doubt.
    await run.decide('pay', { decide: 'retry' });
    await run.decide('pay', { decide: 'retry' });
    await expect.poll(() => bodies).toBe(2);
    store.vanish(two.id);
    pawl.worker(options);
    let doubts = 0;
    await firstEvent(run, ({ type }) => type === 'effect.doubted' && (doubts += 1) === 2);
    await pause(200);
    expect(bodies).toBe(2);
    expect((await run.info()).status).not.toBe('completed');
    await run.decide('pay', { decide: 'done', result: 'was paid' });
    expect(await run.result({ timeoutMs: 20_000 })).toBe('was paid');
    expect(bodies).toBe(2);
  });
});
