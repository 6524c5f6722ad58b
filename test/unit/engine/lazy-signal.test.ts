// Goal: a moment costs nothing before somebody asks for its signal, and is the same moment for who asks late.
import { expect, test } from 'vitest';
import { LazySignal } from '../../../src/engine/signals.ts';

test('the first reason counts, and is made once, when somebody asks for it', () => {
  const moment = new LazySignal();
  let made = 0;
  const reason = (): Error => new Error(`made ${(made += 1)} times`);
  const early = moment.signal;
  expect([moment.aborted, moment.reason]).toEqual([false, undefined]);
  moment.abort(reason);
  moment.abort('later');
  expect(early.aborted).toBe(true);
  expect(moment.signal.reason).toBe(early.reason);
  expect(moment.reason).toEqual(new Error('made 1 times'));
  const unseen = new LazySignal();
  unseen.abort(reason);
  expect(unseen.aborted).toBe(true);
  expect(made).toBe(1);
  expect(unseen.signal.reason).toBe(unseen.reason);
});

test('a moment that leads another brings it, now or when it comes', () => {
  const [lost, told, late] = [new LazySignal(), new LazySignal(), new LazySignal()];
  lost.leads(told);
  const { signal } = told;
  lost.abort('lost');
  lost.leads(late);
  expect([signal.aborted, signal.reason, late.reason]).toEqual([true, 'lost', 'lost']);
  const own = new LazySignal();
  own.abort('own');
  lost.leads(own);
  expect(own.reason).toBe('own');
});
