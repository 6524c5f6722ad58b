// Goal: nothing reaches a key that could move it, widen a rule or break a line.
import { describe, expect, test } from 'vitest';
import { InvalidError } from '../../../src/core/errors.ts';
import {
  checkEventType,
  checkRunId,
  checkStepName,
  checkTags,
  checkWorkflowName,
} from '../../../src/core/names.ts';

const hostile = [
  '',
  'x'.repeat(10_000),
  '*',
  '{}',
  'a{b}',
  'a\nb',
  'a\0b',
  'a b',
  'a:b',
  '[a]',
  'ä',
  null,
  undefined,
  7,
  {},
];

describe.each([
  ['run id', checkRunId],
  ['workflow name', checkWorkflowName],
  ['event type', checkEventType],
])('%s', (field, check: (value: unknown) => void) => {
  test.each(hostile)('refuses %j and names the field', (value) => {
    expect(() => check(value)).toThrow(InvalidError);
    expect(() => check(value)).toThrow(expect.objectContaining({ field, outcome: 'not-applied' }));
  });
  test('takes ordinary names', () => {
    expect(() => check('order.paid-2_b')).not.toThrow();
  });
});

test('a run id may be as long as 128 characters and begin with a digit', () => {
  expect(() => checkRunId('7'.repeat(128))).not.toThrow();
  expect(() => checkRunId('7'.repeat(129))).toThrow(/at most 128/);
});

test.each(['run.claimed', 'step.completed', 'state.x', 'operator.note'])(
  'the event type %s belongs to pawl',
  (type) => expect(() => checkEventType(type)).toThrow(/namespace of pawl's own events/),
);

test.each(['', 'a\nb', 'a\0', 'x'.repeat(257), 7])('step name %j is refused', (name) => {
  expect(() => checkStepName(name)).toThrow(InvalidError);
});

test.each([
  [{ 'a b': 'x' }],
  [{ a: 'x y' }],
  [{ a: '' }],
  [{ a: 'x\n' }],
  [{ a: '{x}' }],
  [{ a: 7 }],
  [null],
  [Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v']))],
])('tags %j are refused', (tags: unknown) => {
  expect(() => checkTags(tags)).toThrow(InvalidError);
});

test('tags may hold addresses and times', () => {
  expect(() => checkTags({ user: 'a.b+c@d.org', at: '2026-11-21T10:00:00+01:00' })).not.toThrow();
});
