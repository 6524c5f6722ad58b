// Goal: whoever waits for a run that nobody works on is told so, once, and nobody else is. Method: the memory store, and a
// clock that the test moves.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defineWorkflow, type Logger, Pawl } from 'pawl';
import type { ResumeQueue } from 'pawl/store';
import { ManualClock, openInMemory } from 'pawl/testing';
import { queueDepth } from '../../../support/queue-depth.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';

const forgotten = defineWorkflow({ name: 'forgotten', run: () => 1 });
const other = defineWorkflow({ name: 'other', run: () => 1 });

const logged: [object, string][] = [];
const nothing = (): void => undefined;
const logger: Logger = {
  debug: nothing,
  info: nothing,
  error: nothing,
  warn: (fields, message) => void logged.push([fields, message]),
};

let clock: ManualClock;
let pawl: Pawl;

beforeEach(() => {
  logged.length = 0;
  clock = new ManualClock();
});

afterEach(async () => {
  const closed = pawl.close();
  await clock.advance('10s');
  await closed;
});

async function waitFor(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    await clock.advance('1s');
    await new Promise(setImmediate);
  }
}

test('with nobody there it is said once for each workflow, on the logger', async () => {
  pawl = openInMemory({ clock, logger });
  const run = await pawl.start(forgotten, undefined);
  const again = await pawl.start(forgotten, undefined);
  for (const one of [run, again]) one.result().catch(nothing);
  await waitFor(4000);
  expect(logged).toEqual([]);
  await waitFor(4000);
  expect(logged).toHaveLength(1);
  const [about, message] = logged[0] ?? [];
  expect(about).toMatchObject({ workflow: 'forgotten' });
  expect(message).toContain('pawl.worker({ workflows: [forgotten] })');
  await waitFor(60_000);
  expect(logged).toHaveLength(1);
});

test('a run that is paused is said once, for each run', async () => {
  pawl = openInMemory({ clock, logger });
  const runs = [await pawl.start(forgotten), await pawl.start(forgotten)];
  for (const one of runs) {
    await one.pause();
    one.result().catch(nothing);
  }
  await waitFor(20_000);
  const said = runs.map(({ id }) => [
    { run: id, workflow: 'forgotten' },
    `nobody works on run ${id}: it is paused. It goes on after pawl.run('${id}').resume()`,
  ]);
  expect(logged).toHaveLength(2);
  expect(logged).toEqual(expect.arrayContaining(said));
});

test('a queue that somebody has paused is said', async () => {
  const store = new MemoryRunStore({ clock });
  const queue: ResumeQueue = {
    send: async () => undefined,
    consume: async () => ({ close: async () => undefined }),
    inspect: async (workflow) => queueDepth(workflow, true),
    close: async () => undefined,
  };
  pawl = Pawl.assemble({ store, queue, clock, logger });
  clock.follow(() => store.nextDueAt(clock.now()));
  await pawl.worker({ workflows: [other] }).ready();
  const run = await pawl.start(other);
  run.result().catch(nothing);
  await waitFor(8000);
  expect(logged.map(([, message]) => message)).toContain(
    `nobody works on run ${run.id}: the queue of the workflow other is paused in BullMQ. Its runs wait until the queue is resumed there`,
  );
});

test('a run that is delayed or waits, or whose worker is busy, is no such case', async () => {
  pawl = openInMemory({ clock, logger });
  const later = await pawl.start(other, undefined, { delay: '1h' });
  const busy = defineWorkflow({
    name: 'busy',
    concurrency: 1,
    run: async (ctx) => ctx.step('long', () => clock.sleep(30_000)),
  });
  pawl.worker({ workflows: [busy] });
  const runs = [await pawl.start(busy, undefined), await pawl.start(busy, undefined)];
  for (const run of [later, ...runs]) run.result().catch(nothing);
  await waitFor(20_000);
  expect(logged.filter(([, message]) => message.includes('nobody works'))).toEqual([]);
  await later.cancel();
  await waitFor(60_000);
});
