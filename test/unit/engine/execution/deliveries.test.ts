// Goal: results come in the order of the log, however long pawl itself takes before the handler may ask. Method: the turns
// alone, on the clock of the process.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Deliveries } from '../../../../src/engine/execution/deliveries.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';

/** Longer than the patience with a handler that does something plain. */
const longMs = 200;

function turns(known: readonly number[]) {
  const order: number[] = [];
  let quiet = 0;
  let isAtWork = false;
  const deliveries = new Deliveries({
    known: () => known,
    clock: systemClock,
    onQuiet: () => (quiet += 1),
    onGiven: (seq) => order.push(seq),
    isAtWork: () => isAtWork,
  });
  const ask = async (seq: number): Promise<void> => {
    deliveries.asked();
    await deliveries.turn(seq);
  };
  const works = (): void => {
    isAtWork = true;
  };
  return { deliveries, order, ask, works, quiets: () => quiet };
}

test('a result waits for an earlier one whose request is held up', async () => {
  const { deliveries, order, ask, quiets } = turns([1, 2]);
  const first = deliveries.holdUp(pause(longMs)).then(() => ask(1));
  await Promise.all([first, ask(2)]);
  expect(order).toEqual([1, 2]);
  expect(quiets()).toBe(0);
});

test('one that nobody asks for is passed over', async () => {
  const { order, ask } = turns([1, 2]);
  await ask(2);
  expect(order).toEqual([2]);
});

test('a process that was busy has not been patient meanwhile', async () => {
  const { order, ask } = turns([1, 2]);
  const second = ask(2);
  await pause(1);
  const busyUntil = performance.now() + longMs;
  while (performance.now() < busyUntil);
  await Promise.all([pause(1).then(() => ask(1)), second]);
  expect(order).toEqual([1, 2]);
});

test('a handler has caught up when it has what is known, and done what follows from it', async () => {
  const { deliveries, order, ask } = turns([1, 2]);
  let did = '';
  deliveries.whenCaughtUp(() => (did += ' caught up'));
  await ask(1);
  await pause(longMs);
  // It does something plain, which may take as long as it likes.
  expect(deliveries.isCaughtUp).toBe(false);
  await ask(2);
  did += 'what follows';
  await pause(10);
  expect([order, did]).toEqual([[1, 2], 'what follows caught up']);
});

test('one that stands at something new does not ask for what is left', async () => {
  const { deliveries, order, ask, works } = turns([1, 2]);
  works();
  let at: number[] | undefined;
  deliveries.whenCaughtUp(() => (at = [...order]));
  await ask(1);
  await expect.poll(() => at).toEqual([1]);
  await ask(2);
  expect(order).toEqual([1, 2]);
});

test('one that was given a later result first has what it was passed over, too', async () => {
  const { deliveries, order, ask } = turns([1, 2]);
  await ask(2);
  await pause(10);
  expect(deliveries.isCaughtUp).toBe(false);
  await ask(1);
  await expect.poll(() => deliveries.isCaughtUp).toBe(true);
  expect(order).toEqual([2, 1]);
});

test('what was passed over comes in the order of the log when it is asked for after all', async () => {
  const { order, ask } = turns([1, 2, 3, 4, 5]);
  await ask(1);
  await ask(4);
  await Promise.all([ask(5), ask(3), pause(10).then(() => ask(2))]);
  expect(order).toEqual([1, 4, 2, 3, 5]);
});

test('a new result passes over known ones, which keep their order', async () => {
  const { order, ask } = turns([1, 2]);
  await ask(9);
  await pause(10);
  await Promise.all([ask(2), ask(1)]);
  expect(order).toEqual([9, 1, 2]);
});

test('one that knows nothing has caught up when it was called', async () => {
  const { deliveries } = turns([]);
  expect(deliveries.isCaughtUp).toBe(false);
  deliveries.schedule();
  await pause(10);
  expect(deliveries.isCaughtUp).toBe(true);
});
test('of new ones that are durable together the first comes first, though its way is longer', async () => {
  const { deliveries, order } = turns([]);
  const durable = pause(1);
  const ask = async (seq: number, detour: number): Promise<void> => {
    deliveries.asked();
    await durable;
    for (let i = 0; i < detour; i++) await Promise.resolve();
    await deliveries.turn(seq);
  };
  await Promise.all([ask(2, 0), ask(1, 5)]);
  expect(order).toEqual([1, 2]);
});
