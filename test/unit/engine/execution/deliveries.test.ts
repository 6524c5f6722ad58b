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
  const deliveries = new Deliveries({
    known: () => known,
    clock: systemClock,
    onQuiet: () => (quiet += 1),
    onGiven: (seq) => order.push(seq),
  });
  const ask = async (seq: number): Promise<void> => {
    deliveries.asked();
    await deliveries.turn(seq);
  };
  return { deliveries, order, ask, quiets: () => quiet };
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
