// Goal: a run that the store takes a living worker to hold, and that the worker has let go of, goes on. Method: a claim in
// the worker's name that it knows nothing of, as a Redis leaves behind that has lost the release.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { memoryPawl } from '../support/memory.ts';

test('a worker gives up a run that it is taken to hold and does not execute, and no other', async () => {
  const { pawl: opened, store } = memoryPawl();
  await using pawl = opened;
  let goOn: () => void = () => undefined;
  const patient = defineWorkflow({
    name: 'patient',
    run: (ctx) => ctx.step('wait', () => new Promise<void>((resolve) => (goOn = resolve))),
  });
  const quick = defineWorkflow({ name: 'quick', run: async () => 'done' });
  const forgotten = await pawl.start(quick, undefined);
  const executed = await pawl.start(patient, undefined);
  // Times are short: the search is made as often as a session lasts.
  const options = { beatMs: 20, sessionMs: 200, sweepMs: 5 };
  const worker = pawl.worker({ ...options, workflows: [patient, quick] });
  await store.claim({ run: forgotten.id, worker: worker.id, codeVersion: 1, token: 'forgotten' });
  expect(await forgotten.result({ timeoutMs: 5_000 })).toBe('done');
  const types: string[] = [];
  for await (const { type, data } of forgotten.events()) {
    types.push(type);
    if (type === 'run.interrupted') expect(data).toMatchObject({ reason: 'forgotten' });
  }
  expect(types).toContain('run.interrupted');
  goOn();
  await executed.result();
  expect((await executed.info()).takeovers).toBe(0);
});
