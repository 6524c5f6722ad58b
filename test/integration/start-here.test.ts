// Goal: a start whose worker is in the same process makes and claims its run in one script, and whatever holds a wake-up
// back holds its handler back. Method: real Redis; claims are counted, answers are lost on purpose.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow, Pawl } from 'pawl';
import { expect, inject, test, vi } from 'vitest';
import { BullResumeQueue } from '../../src/bullmq/resume-queue.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { UnavailableError } from '../../src/core/errors.ts';
import type { CreateParams } from '../../src/core/store.ts';
import { allEvents, checkLog, newPrefix } from '../support/workers.ts';
import { z } from 'zod';

const begun: string[] = [];
const noted = defineWorkflow({
  name: 'noted',
  input: z.object({ ms: z.number().default(0) }),
  async run(ctx, { ms }) {
    begun.push(ctx.run);
    await ctx.step('work', () => sleep(ms));
    return ctx.fence;
  },
});

async function opened(change: (store: RedisRunStore) => void = () => undefined) {
  const prefix = newPrefix();
  const store = await RedisRunStore.open({ redis: inject('redisUrl'), prefix });
  const claims = vi.spyOn(store, 'claim');
  const creates = vi.spyOn(store, 'create');
  change(store);
  const queue = new BullResumeQueue({
    connect: (purpose) => store.connectionFor(purpose),
    evaluate: (lua, keys) => store.evaluate(lua, keys),
    prefix: `{${prefix}}:bull`,
    logger: silentLogger,
  });
  const pawl = Pawl.assemble({ store, queue, logger: false });
  await pawl.worker({ workflows: [noted], concurrency: 8 }).ready();
  const firsts = (): number =>
    creates.mock.calls.filter(([{ claim }]) => claim !== undefined).length;
  return { pawl, queue, claims, firsts, [Symbol.asyncDispose]: () => pawl.close() };
}

test('a run that a worker of its process can have is made and claimed in one call', async () => {
  await using there = await opened();
  const { pawl, claims, firsts } = there;
  const run = await pawl.start(noted, {});
  expect(await run.result()).toBe((await run.info()).fence);
  expect([firsts(), claims.mock.calls.length]).toEqual([1, 0]);
  const events = await allEvents(run);
  checkLog(events);
  expect(events.map(({ type }) => type)).toEqual([
    'run.created',
    'run.claimed',
    'step.completed',
    'run.completed',
  ]);
  expect((await pawl.queues()).map(({ sent }) => sent)).toEqual([0]);
});

test('delays, priorities, keys, forks and other code are for the queue', async () => {
  await using there = await opened();
  const { pawl, firsts } = there;
  const run = await pawl.start(noted, {});
  await run.result();
  const other = defineWorkflow({
    name: 'noted',
    input: z.object({}),
    run: () => Promise.resolve(0),
  });
  const runs = [
    await pawl.start(noted, {}, { delay: 1 }),
    await pawl.start(noted, {}, { priority: 1 }),
    await pawl.start(noted, {}, { key: 'k' }),
    await pawl.fork(noted, run.id, { step: 'work' }),
    await pawl.start(other, {}),
  ];
  for (const one of runs) await one.result({ timeoutMs: 10_000 });
  expect(firsts()).toBe(1);
});

test('a paused queue holds the handler back, and the run goes on when it is resumed', async () => {
  await using there = await opened();
  const { pawl, queue, firsts } = there;
  await queue.pause('noted', true);
  const run = await pawl.start(noted, {});
  await vi.waitFor(async () => expect((await run.info()).status).toBe('queued'));
  await sleep(50);
  expect(begun).not.toContain(run.id);
  // Not tried again at once: each such run is claimed and handed back for nothing.
  const next = await pawl.start(noted, {});
  expect(firsts()).toBe(1);
  await queue.pause('noted', false);
  await Promise.all([run, next].map((one) => one.result({ timeoutMs: 10_000 })));
  checkLog(await allEvents(run));
});

test('what waits in the queue is not overtaken, and no more handlers are at work than there are places', async () => {
  await using there = await opened();
  const { pawl, firsts } = there;
  const runs = await Promise.all(Array.from({ length: 20 }, () => pawl.start(noted, { ms: 100 })));
  expect(firsts()).toBe(2);
  await Promise.all(runs.map((run) => run.result({ timeoutMs: 10_000 })));
});

test('a start whose answer is lost says so, and its run is executed once', async () => {
  let lost = 1;
  await using there = await opened((store) => {
    const create = RedisRunStore.prototype.create.bind(store);
    vi.spyOn(store, 'create').mockImplementation(async (params: CreateParams) => {
      const made = await create(params);
      if (lost-- > 0) throw new UnavailableError('create', 'unknown');
      return made;
    });
  });
  const { pawl } = there;
  const id = `lost-${newPrefix()}`;
  await expect(pawl.start(noted, {}, { id })).rejects.toThrow(/is unknown/);
  const run = await pawl.start(noted, {}, { id });
  await run.result({ timeoutMs: 10_000 });
  expect(begun.filter((one) => one === id)).toEqual([id]);
  expect((await allEvents(run)).map(({ type }) => type)).not.toContain('run.interrupted');
});
