// Goal: a person fills in what a schema asks for, and what comes back is what was meant. Method: schemas, and forms as a
// browser sends them.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { fieldText, kindFor, valueOf } from '../../../src/dashboard/fields.ts';
import { inLine, preview } from '../../../src/dashboard/words.ts';
import { commandLine } from '../../../src/dashboard/command-line.ts';
import { spanText } from '../../../src/dashboard/times.ts';
import { formFields } from '../../../src/engine/definition/zod-schema.ts';

test('fields have the kinds of their schemas, whatever stands around them', () => {
  const schema = z
    .object({
      text: z.string().min(1).default('x'),
      number: z.int().optional(),
      yes: z.boolean().nullable(),
      one: z.enum(['a', 'b']).readonly(),
      same: z.literal('c'),
      many: z.array(z.string()),
      any: z.unknown(),
    })
    .default({ text: '', yes: null, one: 'a', same: 'c', many: [], any: 1 });
  expect(Object.fromEntries(formFields(schema) ?? [])).toEqual({
    text: 'text',
    number: 'number',
    yes: 'boolean',
    one: ['a', 'b'],
    same: ['c'],
    many: 'json',
    any: 'json',
  });
  expect(formFields(z.null())).toBe(undefined);
  expect(formFields({ '~standard': {} })).toBe(undefined);
  expect(formFields(undefined)).toBe(undefined);
});

test('a form is a value again; what is empty is not in it', () => {
  const form = {
    token: 't',
    'text:name': 'Ada\r\nLovelace',
    'text:empty': '',
    'number:cents': '4.5',
    'boolean:ok': 'no',
    'json:at': '{"$date":"2026-01-31T12:00:00.000Z"}',
  };
  expect(valueOf(form)).toEqual({
    name: 'Ada\nLovelace',
    cents: 4.5,
    ok: false,
    at: new Date('2026-01-31T12:00:00Z'),
  });
  expect(() => valueOf({ 'number:cents': 'much' })).toThrow('cents is not a number');
  expect(() => valueOf({ 'json:at': '{' })).toThrow('at is not JSON');
  expect(valueOf({ payload: '[1]' })).toEqual([1]);
});

test('a value that is not what its schema says is edited as JSON', () => {
  expect(kindFor('text', 5)).toBe('json');
  expect(kindFor('number', 5)).toBe('number');
  expect(kindFor(['a', 'b'], 'c')).toBe('json');
  expect(fieldText('boolean', false)).toBe('no');
  expect(fieldText('json', new Map([['a', 1n]]))).toContain('$map');
});

test('what JSON cannot say is readable, and megabytes are cut before they are written', () => {
  expect(inLine({ a: undefined, at: new Date(0), n: 5n, m: new Map([[1, 2]]) }, 500)).toBe(
    '{"a":"undefined","at":"1970-01-01T00:00:00.000Z","n":"5","m":{"map":[[1,2]]}}',
  );
  const large = Array.from({ length: 100_000 }, (_, i) => ({ i, text: 'x'.repeat(100) }));
  const began = performance.now();
  const { text, isCut } = preview(large);
  expect(performance.now() - began).toBeLessThan(100);
  expect([isCut, text.length]).toEqual([true, 2_001]);
});

test('lengths of time, and command lines that a shell takes', () => {
  expect([0, 412.4, 1_240, 61_000, 3_900_000, 187_200_000].map(spanText)).toEqual([
    '0 ms',
    '412 ms',
    '1.24 s',
    '1 min 1 s',
    '1 h 5 min',
    '2 d 4 h',
  ]);
  expect(commandLine('runs', 'signal', 'r1', `it's`, '--data', '<json>')).toBe(
    String.raw`pawl runs signal r1 'it'\''s' --data <json>`,
  );
});
