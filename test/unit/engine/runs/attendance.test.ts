// Goal: whoever waits for a run that nobody works on is told so, once, and nobody else is. Method: the memory store, and a
// clock that the test moves.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defineWorkflow, type Logger, type Pawl } from 'pawl';
import { ManualClock, openInMemory } from 'pawl/testing';

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
const warned: Error[] = [];
const note = (warning: Error): void => void warned.push(warning);

let clock: ManualClock;
let pawl: Pawl;

beforeEach(() => {
  logged.length = 0;
  warned.length = 0;
  process.on('warning', note);
  clock = new ManualClock();
});

afterEach(async () => {
  process.off('warning', note);
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
  expect(warned).toEqual([]);
});

test('without a logger it is a warning of the process', async () => {
  pawl = openInMemory({ clock });
  pawl.worker({ workflows: [other] });
  const run = await pawl.start(forgotten, undefined);
  run.result().catch(nothing);
  await waitFor(8000);
  expect(warned.map(({ name, message }) => [name, message])).toEqual([
    ['PawlWarning', expect.stringContaining(`nobody works on run ${run.id}`)],
  ]);
});

test('a run that is paused, delayed or waits, or whose worker is busy, is no such case', async () => {
  pawl = openInMemory({ clock, logger });
  const later = await pawl.start(other, undefined, { delay: '1h' });
  const paused = await pawl.start(other, undefined);
  await paused.pause();
  const busy = defineWorkflow({
    name: 'busy',
    concurrency: 1,
    run: async (ctx) => ctx.step('long', () => clock.sleep(30_000)),
  });
  pawl.worker({ workflows: [busy] });
  const runs = [await pawl.start(busy, undefined), await pawl.start(busy, undefined)];
  for (const run of [later, paused, ...runs]) run.result().catch(nothing);
  await waitFor(20_000);
  expect(logged.filter(([, message]) => message.includes('nobody works'))).toEqual([]);
  await later.cancel();
  await waitFor(60_000);
});
