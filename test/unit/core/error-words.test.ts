// Goal: a line of the log says what went wrong, what caused it, and where, and says nothing twice.
import { expect, test } from 'vitest';
import { errorWords } from '../../../src/core/error-words.ts';

function thrownAt(message: string, place: string, cause?: unknown): Error {
  const error = new TypeError(message, { cause });
  error.stack = [
    `TypeError: ${message}`,
    '    at node:internal/timers:1:2',
    '    at step (file:///app/node_modules/pawl/dist/index.js:3:4)',
    `    at charge (${place})`,
  ].join('\n');
  return error;
}

test('the cause is added where the error does not say it, with the place where it began', () => {
  const cause = thrownAt('no card', 'file:///app/src/charge.ts:12:9');
  const outer = thrownAt('step "charge" failed', 'file:///app/src/order.ts:3:1', cause);
  expect(errorWords(outer)).toEqual({
    error: 'TypeError: step "charge" failed',
    cause: 'TypeError: no card',
    at: '/app/src/charge.ts:12:9',
  });
  const said = thrownAt('failed: no card', '/app/src/order.ts:3:1', thrownAt('no card', 'native'));
  expect(errorWords(said)).toEqual({
    error: 'TypeError: failed: no card',
    at: '/app/src/order.ts:3:1',
  });
});

test('whatever was thrown', () => {
  expect(errorWords('text')).toEqual({ error: 'text' });
  expect(errorWords(undefined)).toEqual({ error: 'undefined' });
  expect(errorWords({ code: 5 }).error).toContain('5');
  expect(errorWords(Object.assign(new Error('a'), { code: 'E_X' }))).toMatchObject({ code: 'E_X' });
});
