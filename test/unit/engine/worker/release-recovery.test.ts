// Goal: a run does not wait for the death of a worker that lives and has let go of it. Method: the memory store, into
// which the test writes what a Redis that has lost the last commit of a run comes back with.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { encode } from '../../../../src/core/codec.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { claimed, created } from '../../../../src/testing/run-store/opened.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { withMethods } from '../../../support/with-methods.ts';

const quick = defineWorkflow({ name: 'quick', run: () => 'done' });

test('a worker gives back a run that it holds and does not work on', async () => {
  const memory = memoryPawl();
  await using pawl = memory.pawl;
  const { store } = memory;
  const worker = pawl.worker({ workflows: [quick], beatMs: 20, sessionMs: 60_000 });
  await worker.ready();
  const input = encode(undefined, 'input', 100);
  const data = encode({ workflow: 'quick', codeVersion: 1 }, 'data', 100);
  const id = await created(store, { workflow: 'quick', input, data });
  await claimed(store, id, { worker: worker.id });

  const run = pawl.run(quick, id);
  expect(await run.result({ timeoutMs: 20_000 })).toBe('done');
  const events = await store.events({ run: id, after: 2, limit: 1 });
  expect(events[0]?.type).toBe('run.interrupted');
  expect(JSON.parse(String(Buffer.from(events[0]?.data ?? [])))).toMatchObject({
    worker: worker.id,
    reason: 'forgotten',
  });
});

test('a run that is at work is not taken for forgotten', async () => {
  const looks: string[] = [];
  const store = new MemoryRunStore();
  const fleet = withMethods(store.fleet, {
    held: (worker) => {
      looks.push(worker);
      return store.fleet.held(worker);
    },
  });
  await using pawl = memoryPawl({ store: withMethods(store, { fleet }) }).pawl;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const slow = defineWorkflow({
    name: 'slow',
    run: (ctx) => ctx.step('wait', () => finished.then(() => ctx.fence)),
  });
  pawl.worker({ workflows: [slow], beatMs: 5, sessionMs: 60_000 });
  const run = await pawl.start(slow, undefined);
  while (looks.length < 10) await new Promise((resolve) => setTimeout(resolve, 5));
  finish();
  await run.result({ timeoutMs: 20_000 });
  expect((await run.info()).takeovers).toBe(0);
});
