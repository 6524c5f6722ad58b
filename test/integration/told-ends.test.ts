// Goal: who waits for a run that another process executes is told its small end with the announcement, and reads no record.
// Method: real Redis, two stores; reads of records are counted; large, failed, cancelled and sealed ends are played as well.
import { defineWorkflow, Pawl } from 'pawl';
import { expect, inject, test, vi } from 'vitest';
import { z } from 'zod';
import { BullResumeQueue } from '../../src/bullmq/resume-queue.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { newPrefix } from '../support/workers.ts';

const answered = defineWorkflow({
  name: 'answered',
  input: z.object({ text: z.string(), fails: z.boolean().default(false) }),
  signals: { go: z.undefined() },
  async run(ctx, { text, fails }) {
    await ctx.waitFor('go');
    if (fails) throw new Error(text);
    return text;
  },
});

type Keys = { readonly current: string; readonly keys: Readonly<Record<string, Uint8Array>> };

async function opened(prefix: string, encryption: Keys | undefined) {
  const store = await RedisRunStore.open({ redis: inject('redisUrl'), prefix });
  const queue = new BullResumeQueue({
    connect: (purpose) => store.connectionFor(purpose),
    evaluate: (lua, keys) => store.evaluate(lua, keys),
    prefix: `{${prefix}}:bull`,
    logger: silentLogger,
  });
  const parts = { store, queue, logger: false } as const;
  const pawl = Pawl.assemble(encryption === undefined ? parts : { ...parts, encryption });
  return { pawl, store };
}

async function apart(encryption?: Keys) {
  const prefix = newPrefix();
  const [caller, worker] = [await opened(prefix, encryption), await opened(prefix, encryption)];
  await worker.pawl.worker({ workflows: [answered], concurrency: 8 }).ready();
  const dispose = async (): Promise<void> => {
    await worker.pawl.close();
    await caller.pawl.close();
  };
  return { ...caller, [Symbol.asyncDispose]: dispose };
}

/** Plays a run whose end is awaited before it comes; how it ended, and the reads of records that no poll explains. */
async function play(
  { pawl, store }: { readonly pawl: Pawl; readonly store: RedisRunStore },
  input: { readonly text: string; readonly fails?: boolean },
  how: 'go' | 'cancel' = 'go',
) {
  const looks = vi.spyOn(store.observation, 'status');
  const reads = vi.spyOn(store, 'record');
  const run = await pawl.start(answered, input);
  const result = run.result().catch((error: unknown) => error);
  // It is subscribed then, and has seen that the run goes on.
  await vi.waitFor(() => expect(looks).toHaveBeenCalled());
  await looks.mock.results[0]?.value;
  const began = performance.now();
  if (how === 'go') await run.signal('go', undefined);
  else await run.cancel({ reason: 'enough' });
  const ended = await result;
  const polls = Math.floor((performance.now() - began) / 1000);
  const unexplained = reads.mock.calls.length - polls;
  vi.restoreAllMocks();
  return { ended, unexplained };
}

test('a small end is told with its announcement, and no record is read', async () => {
  await using there = await apart();
  const completed = await play(there, { text: 'ä\n€' });
  expect(completed.ended).toBe('ä\n€');
  const failed = await play(there, { text: 'no\nuse', fails: true });
  expect(failed.ended).toMatchObject({ code: 'PAWL_RUN_FAILED', cause: { message: 'no\nuse' } });
  const cancelled = await play(there, { text: '' }, 'cancel');
  expect(cancelled.ended).toMatchObject({ code: 'PAWL_RUN_CANCELLED' });
  for (const { unexplained } of [completed, failed, cancelled]) {
    expect(unexplained).toBeLessThanOrEqual(0);
  }
});

test('a large end is read, and so is one that is sealed', async () => {
  await using there = await apart();
  const large = await play(there, { text: 'x'.repeat(10_000) });
  expect(large).toEqual({ ended: 'x'.repeat(10_000), unexplained: 1 });
  await using sealed = await apart({ current: 'a', keys: { a: new Uint8Array(32).fill(1) } });
  expect(await play(sealed, { text: 'secret' })).toEqual({ ended: 'secret', unexplained: 1 });
});
