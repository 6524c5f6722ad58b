// Goal: an option that is misspelled or does not fit is refused by name, whatever takes it.
// Method: tables of rules, checked against values of all kinds.
import { describe, expect, test } from 'vitest';
import * as rules from '../../../src/core/option-rules.ts';

interface Inner {
  readonly attempts?: number;
}
interface Sample {
  readonly id: string;
  readonly concurrency?: number;
  readonly timeout?: number | string;
  readonly retry?: Inner;
}

const check = rules.optionsOf<Sample>({
  id: rules.needed(rules.text),
  concurrency: rules.wholeNumber(1, 100),
  timeout: rules.duration,
  retry: rules.optionsOf<Inner>({ attempts: rules.wholeNumber(1) }, '{ attempts: 3 }'),
});

function problemOf(value: unknown, rule = check): unknown {
  try {
    rule(value, 'options');
    return undefined;
  } catch (error) {
    const { code, field, message } = error as { code: string; field: string; message: string };
    expect(code).toBe('PAWL_INVALID');
    expect(message.startsWith(field)).toBe(true);
    return message;
  }
}

describe('options', () => {
  test('that fit pass, and absent ones are absent', () => {
    expect(problemOf({ id: 'a', concurrency: 3, timeout: '1s', retry: { attempts: 2 } })).toBe(
      undefined,
    );
    expect(problemOf({ id: 'a', concurrency: undefined, retry: {} })).toBe(undefined);
    expect(problemOf(undefined, rules.optionsOf<Inner>({ attempts: rules.anything }))).toBe(
      undefined,
    );
  });

  test.each([
    [{ id: 'a', concurency: 3 }, 'options.concurency is no option. Did you mean concurrency?'],
    [{ id: 'a', timeOut: 3 }, 'options.timeOut is no option. Did you mean timeout?'],
    [{ id: 'a', rerty: 3 }, 'options.rerty is no option. Did you mean retry?'],
    [
      { id: 'a', retry: { attemps: 3 } },
      'options.retry.attemps is no option. Did you mean attempts?',
    ],
    [
      { id: 'a', unlike: undefined },
      'options.unlike is no option. Known are id, concurrency, timeout and retry.',
    ],
    [Object.create({ id: 'a', tiemout: 1 }), 'options.tiemout is no option. Did you mean timeout?'],
    [{ concurrency: 3 }, 'options.id is missing.'],
    [{ id: undefined }, 'options.id is missing.'],
    [undefined, 'options must be an object, it is undefined.'],
    [3, 'options must be an object, it is 3.'],
    [['id'], 'options must be an object, it is a list.'],
    [{ id: 'a', retry: 3 }, 'options.retry must be an object such as { attempts: 3 }, it is 3.'],
    [
      { id: 'a', concurrency: 0 },
      'options.concurrency must be a whole number from 1 to 100, it is 0.',
    ],
    [
      { id: 'a', concurrency: '5' },
      'options.concurrency must be a whole number from 1 to 100, it is "5".',
    ],
    [{ id: 'a', concurrency: null }, /from 1 to 100, it is null/],
    [{ id: 'a', timeout: 'soon' }, /^options\.timeout must be milliseconds or a text such as 30s/],
  ])('%j is refused: %s', (value, message) => {
    if (typeof message === 'string') expect(problemOf(value)).toBe(message);
    else expect(problemOf(value)).toMatch(message);
  });

  test('what was not written for a type does not compile', () => {
    // @ts-expect-error -- retry has no rule
    rules.optionsOf<Sample>({
      id: rules.needed(rules.text),
      concurrency: rules.text,
      timeout: rules.text,
    });
    // @ts-expect-error -- extra is no option
    rules.optionsOf<Inner>({ attempts: rules.text, extra: rules.text });
    // @ts-expect-error -- the type demands an id
    rules.optionsOf<Pick<Sample, 'id'>>({ id: rules.text });
    expect(true).toBe(true);
  });
});

describe('rules', () => {
  const schema = { '~standard': {} };
  test.each([
    ['flag', rules.flag, [true, false], [0, 'true', null]],
    ['text', rules.text, ['', 'a'], [1, null, {}]],
    ['textOf', rules.textOf(1, 2), ['a', 'ab'], ['', 'abc', 1]],
    ['callback', rules.callback, [() => 1], ['f', {}]],
    ['milliseconds', rules.milliseconds, [1, 0.5], [0, -5, NaN, Infinity, 'soon', '5']],
    ['millisecondsOrNone', rules.millisecondsOrNone, [0, 1], [-1, NaN, Infinity, '0']],
    ['wholeNumber', rules.wholeNumber(0), [0, 7], [-1, 1.5, Infinity, '1']],
    ['plainObject', rules.plainObject, [{}], [[], null, 1]],
    ['objectOf', rules.objectOf(rules.flag), [{}, { a: true }], [{ a: 1 }, [true], null]],
    ['listOf', rules.listOf(rules.flag, 1), [[true]], [[], [1], {}, 'true']],
    ['oneOf', rules.oneOf('a', 'b'), ['a'], ['c', undefined]],
    ['abortSignal', rules.abortSignal, [new AbortController().signal], [{}, true]],
    ['time', rules.time, [new Date(), 5], [new Date(NaN), '2026-01-01', 0.5]],
    ['schema', rules.schema, [schema, Object.assign(() => 1, schema)], [{}, () => 1, 'z.int()']],
    ['having', rules.having('a logger', 'info'), [{ info: () => 1 }], [{}, { info: 1 }, null]],
    ['either', rules.either((v) => v === 'forever', rules.duration), ['forever', '1s'], ['never']],
  ])('%s', (_, rule, good, bad) => {
    expect(good.map((value) => problemOf(value, rule))).toEqual(good.map(() => undefined));
    for (const value of bad) expect(problemOf(value, rule)).toMatch(/^options/);
  });

  test('a value is shown in short, and nothing of what is inside', () => {
    const secret = { password: 'hunter2' };
    const long = 'x'.repeat(100);
    const values = [long, secret, () => secret, Symbol('a'), 5n, [secret]];
    expect(values.map((value) => rules.shown(value))).toEqual([
      `"${'x'.repeat(40)}…"`,
      'an object',
      'a function',
      'a symbol',
      '5',
      'a list',
    ]);
  });
});
