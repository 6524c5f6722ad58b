// Goal: what a handler asks for while its run is being parked comes neither too early nor twice. Method: the commit that
// parks is held up, and the handler goes on in the middle of it; on the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { z } from 'zod';
import type { CommitParams } from '../../../../src/core/store.ts';
import { MemoryResumeQueue } from '../../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { withMethods } from '../../../support/with-methods.ts';
import { allEvents, checkLog } from '../../../support/workers.ts';

const signals = { approved: z.string(), never: z.string() };
const holdUpMs = 60;

/**
 * A pawl whose first commit that parks takes a while, before it is stored and after. `slowReads`: who reads the inbox again
 * after it finds what has come taken by then.
 */
function slowToPark({ slowReads = false } = {}): {
  readonly pawl: Pawl;
  readonly parking: Promise<void>;
  readonly isUnderWay: () => boolean;
} {
  const store = new MemoryRunStore();
  let tell: () => void = () => undefined;
  const parking = new Promise<void>((resolve) => (tell = resolve));
  let isFirst = true;
  let isUnderWay = false;
  const commit = async (params: CommitParams) => {
    if (params.release?.status !== 'waiting' || !isFirst) return store.commit(params);
    isFirst = false;
    isUnderWay = true;
    tell();
    await pause(holdUpMs);
    const answer = await store.commit(params);
    await pause(holdUpMs);
    isUnderWay = false;
    return answer;
  };
  const readInbox = async (run: string) => {
    if (slowReads && !isFirst && !isUnderWay) await pause(holdUpMs);
    return store.readInbox(run);
  };
  const pawl = Pawl.assemble({
    store: withMethods(store, { commit, readInbox }),
    queue: new MemoryResumeQueue(),
  });
  return { pawl, parking, isUnderWay: () => isUnderWay };
}

test('a cancel that is read meanwhile reaches the handler', async () => {
  const { pawl, parking } = slowToPark({ slowReads: true });
  await using _ = pawl;
  const workflow = defineWorkflow({
    name: 'cancelled-meanwhile',
    signals,
    run: (ctx) => ctx.waitFor('never'),
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await parking;
  await run.cancel();
  await expect(run.result({ timeoutMs: 10_000 })).rejects.toMatchObject({
    code: 'PAWL_RUN_CANCELLED',
  });
});

test.each([
  ['a step', { withdraws: false }],
  ['a step behind a wait that is withdrawn', { withdraws: true }],
])('%s is done once, in one call of the handler', async (_name, { withdraws }) => {
  const { pawl, parking, isUnderWay } = slowToPark();
  await using _ = pawl;
  const bodies = { now: 0, most: 0, calls: 0, tooEarly: 0 };
  let handlers = 0;
  const body = async (): Promise<void> => {
    bodies.calls += 1;
    bodies.now += 1;
    if (isUnderWay()) bodies.tooEarly += 1;
    bodies.most = Math.max(bodies.most, bodies.now);
    await pause(100);
    bodies.now -= 1;
  };
  const workflow = defineWorkflow({
    name: 'asked-meanwhile',
    signals,
    async run(ctx) {
      handlers += 1;
      const over = new AbortController();
      const goesOn = async (): Promise<void> => {
        await parking;
        await pause(holdUpMs / 2);
        over.abort(new Error('not wanted any more'));
        await ctx.step('send', body);
      };
      const waits: Promise<unknown>[] = [ctx.waitFor('approved'), goesOn()];
      if (withdraws) {
        const { signal } = over;
        waits.push(ctx.waitFor('never', { timeout: '1h', signal }).catch(() => undefined));
      }
      await Promise.all(waits);
      return 'done';
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(() => bodies.calls).toBe(1);
  await expect.poll(() => bodies.now).toBe(0);
  await run.signal('approved', 'ada');
  expect(await run.result({ timeoutMs: 20_000 })).toBe('done');
  const log = await allEvents(run);
  checkLog(log);
  expect(log.some(({ type }) => type === 'wait.withdrawn')).toBe(withdraws);
  expect({ ...bodies, handlers }).toEqual({ now: 0, most: 1, calls: 1, tooEarly: 0, handlers: 1 });
});
