// Goal: whoever hands over something that is no workflow is told so, by an error that names the place. Method: every entry
// that takes one, and what people pass by mistake.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type { Pawl, Workflow } from 'pawl';
import { memoryPawl } from '../../../support/memory.ts';

const definition = { name: 'plain', run: () => 1 };
const mistakes: readonly unknown[] = [
  undefined,
  null,
  'plain',
  { name: 'plain' },
  definition,
  () => 1,
];

type Entry = (pawl: Pawl, workflow: Workflow) => unknown;
const entries: Readonly<Record<string, Entry>> = {
  start: (pawl, workflow) => pawl.start(workflow, undefined),
  fork: (pawl, workflow) => pawl.fork(workflow, 'some-run', { seq: 1 }),
  schedule: (pawl, workflow) => pawl.schedule(workflow, undefined, { id: 's', every: '1h' }),
  worker: (pawl, workflow) => pawl.worker({ workflows: [workflow] }),
  rehearse: (pawl, workflow) => pawl.rehearse([workflow]),
};

test.each(Object.entries(entries))('%s takes workflows only', async (...[, entry]) => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  for (const mistake of mistakes) {
    const knock = async (): Promise<unknown> => entry(pawl, mistake as Workflow);
    await expect(knock()).rejects.toMatchObject({
      code: 'PAWL_INVALID',
      field: expect.stringContaining('workflow') as string,
      message: expect.stringContaining('defineWorkflow') as string,
    });
  }
});

test('a worker needs a list of them', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  for (const workflows of [undefined, definition, 'plain']) {
    expect(() => pawl.worker({ workflows: workflows as never })).toThrow(
      /workflows.* must be a list/,
    );
  }
});

test('a child is started of a workflow only', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const parent = defineWorkflow({
    name: 'parent',
    run: async (ctx) => ctx.start(definition as never, undefined as never),
  });
  pawl.worker({ workflows: [parent] });
  const run = await pawl.start(parent, undefined);
  const error: unknown = await run.result().catch((thrown: unknown) => thrown);
  expect((error as Error).cause).toMatchObject({ code: 'PAWL_INVALID' });
});

test('a handle with a state is made of a workflow only', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  expect(() => pawl.run({ name: 'plain' } as never, 'id')).toThrow(/defineWorkflow/);
});
