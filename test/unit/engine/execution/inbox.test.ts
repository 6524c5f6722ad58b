// Goal: a message that comes for a run at work is found, whatever happens in that moment. Method: stores in memory that
// fail, hurry or dawdle where it hurts.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { UnavailableError } from '../../../../src/core/errors.ts';
import { encode } from '../../../../src/core/codec.ts';
import type {
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  UnreadMessages,
  RunStore,
} from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { withMethods } from '../../../support/with-methods.ts';

/** Waits for a message with a step at work, which keeps the run from being parked: its inbox is read at the news alone. */
function busyWorkflow() {
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return defineWorkflow({
    name: 'busy',
    signals: { go: z.object({ by: z.string() }) },
    async run(ctx) {
      const step = ctx.step('work', () => finished);
      const go = await ctx.waitFor('go');
      finish();
      await step;
      return go?.by;
    },
  });
}

test('an inbox that could not be read is read again, while a handler waits in place', async () => {
  let failures = 3;
  class ForgetfulStore extends MemoryRunStore {
    override async readInbox(run: string): Promise<UnreadMessages> {
      failures -= 1;
      if (failures >= 0) throw new UnavailableError('unread', 'not-applied');
      return super.readInbox(run);
    }
  }
  await using pawl = memoryPawl({ store: new ForgetfulStore() }).pawl;
  const busy = busyWorkflow();
  pawl.worker({ workflows: [busy] });
  const run = await pawl.start(busy, undefined);
  while ((await run.info()).status !== 'running') await new Promise((r) => setTimeout(r, 5));
  await run.signal('go', { by: 'ada' });
  expect(await run.result({ timeoutMs: 20_000 })).toBe('ada');
  expect(failures).toBe(-1);
});

test('a message whose news come before the answer to the claim is not passed over', async () => {
  class HastyStore extends MemoryRunStore {
    override async claim(params: ClaimParams): Promise<ClaimOutcome> {
      const outcome = await super.claim(params);
      const data = encode({ by: 'ada' }, 'signal', 100);
      await super.post({ run: params.run, id: 'x', kind: 'signal', name: 'go', data });
      // The worker is told of it while the claim is on its way back.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return outcome;
    }
  }
  await using pawl = memoryPawl({ store: new HastyStore() }).pawl;
  const busy = busyWorkflow();
  pawl.worker({ workflows: [busy] });
  const run = await pawl.start(busy, undefined);
  expect(await run.result({ timeoutMs: 20_000 })).toBe('ada');
});

test('a message that makes a parking fail is read, though its news are lost', async () => {
  let isNew = true;
  class SilentStore extends MemoryRunStore {
    override async commit(params: CommitParams): Promise<CommitOutcome> {
      if (params.release?.status === 'waiting' && isNew) {
        isNew = false;
        const data = encode({ by: 'ada' }, 'signal', 100);
        await super.post({ run: params.run, id: 'x', kind: 'signal', name: 'go', data });
      }
      return super.commit(params);
    }
  }
  const store = new SilentStore();
  const silent = withMethods(store.fleet, { register: (worker) => store.fleet.register(worker) });
  await using pawl = memoryPawl({ store: withMethods(store, { fleet: silent }) }).pawl;
  const waiting = defineWorkflow({
    name: 'waiting',
    signals: { go: z.object({ by: z.string() }) },
    run: (ctx) => ctx.waitFor('go'),
  });
  pawl.worker({ workflows: [waiting] });
  const run = await pawl.start(waiting, undefined);
  expect(await run.result({ timeoutMs: 10_000 })).toEqual({ by: 'ada' });
});

test('a message that comes while the inbox is being read is read as well', async () => {
  let reads = 0;
  class SlowStore extends MemoryRunStore {
    override async readInbox(run: string): Promise<UnreadMessages> {
      reads += 1;
      const unread = await super.readInbox(run);
      if (reads > 1) return unread;
      const data = encode({ by: 'ada' }, 'signal', 100);
      await super.post({ run, id: 'second', kind: 'signal', name: 'go', data });
      // The worker is told of it while this answer is on its way, and that does not hold it.
      await new Promise((resolve) => setTimeout(resolve, 20));
      return unread;
    }
  }
  const store = new SlowStore();
  await using pawl = memoryPawl({ store }).pawl;
  const busy = busyWorkflow();
  pawl.worker({ workflows: [busy] });
  const run = await pawl.start(busy, undefined);
  await expect.poll(async () => (await run.info()).status).toBe('running');
  // The news of any message make the worker look; this one is for nobody.
  const data = encode('nothing', 'signal', 100);
  await store.post({ run: run.id, id: 'first', kind: 'signal', name: 'effect none', data });
  expect(await run.result({ timeoutMs: 10_000 })).toBe('ada');
});

test('a message that a parked run does not wait for leaves it alone', async () => {
  const store = new MemoryRunStore();
  await using pawl = memoryPawl({ store }).pawl;
  const patient = defineWorkflow({
    name: 'patient',
    signals: { go: z.object({}), other: z.object({}) },
    async run(ctx) {
      await ctx.waitFor('go');
      return ctx.fence;
    },
  });
  pawl.worker({ workflows: [patient] });
  const run = await pawl.start(patient, undefined);
  const parked = async (): Promise<void> => {
    while ((await run.info()).status !== 'waiting') await new Promise((r) => setTimeout(r, 5));
  };
  await parked();
  const before = await typesOf(store, run.id);
  await run.signal('other', {});
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await typesOf(store, run.id)).toEqual(before);
  await run.signal('go', {});
  await run.result({ timeoutMs: 20_000 });
  const types = await typesOf(store, run.id);
  expect(types.filter((type) => type === 'signal.received')).toHaveLength(2);
}, 4000);

async function typesOf(store: RunStore, run: string): Promise<string[]> {
  return (await store.events({ run, after: 0, limit: 100 })).map(({ type }) => type);
}
