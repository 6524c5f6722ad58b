// Goal: what is stored comes back as it was, everything else is refused, and no bytes can do harm when they are read.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical, decode, encode } from '../../../src/core/codec.ts';
import {
  CorruptionError,
  LimitError,
  PawlError,
  UnstorableError,
} from '../../../src/core/errors.ts';

const roundTrip = (value: unknown): unknown =>
  decode(encode(value, 'value', Infinity), { key: 'test' });

/** Text without lone surrogates, which UTF-8 cannot carry. */
const text = fc.string({ unit: 'binary' });
/** `__proto__` is refused. */
const key = text.filter((name) => name !== '__proto__');
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
);
const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('plain')),
    fc.dictionary(key, tie('plain'), { noNullPrototype: true }),
    fc.array(fc.tuple(text, tie('plain'))).map((entries) => new Map(entries)),
    fc.array(text).map((items) => new Set(items)),
  ),
}));

test('plain data comes back equal', () => {
  fc.assert(
    fc.property(plain, (value) => {
      expect(roundTrip(value)).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test('maps stay maps and objects stay objects, inside one another', () => {
  const value = { map: new Map<unknown, unknown>([[1, { a: new Map([['b', new Set([2])]]) }]]) };
  expect(roundTrip(value)).toStrictEqual(value);
});

test('what the first execution sees is a copy, as a replay would see it', () => {
  const value = { list: [1] };
  const bytes = encode(value, 'value', 1000);
  value.list.push(2);
  expect(canonical(value, bytes)).toEqual({ list: [1] });
});

describe('what cannot be stored is refused with its path', () => {
  class Socket {
    readonly open = true;
  }
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  test.each([
    ['a function', { pages: [{ read: () => 1 }] }, 'result.pages[0].read'],
    ['an instance of a class', { a: { socket: new Socket() } }, 'result.a.socket'],
    ['a symbol', [Symbol('s')], 'result[0]'],
    ['a promise', { later: Promise.resolve() }, 'result.later'],
    ['a value in a map', new Map([['x', () => 1]]), 'result.get(x)'],
    ['an error', new Error('no'), 'result'],
    ['a field named __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'result.a.__proto__'],
    ['a typed array of floats', new Float32Array(1), 'result'],
  ])('%s', (_, value, path) => {
    expect(() => encode(value, 'result', Infinity)).toThrow(UnstorableError);
    expect(() => encode(value, 'result', Infinity)).toThrow(expect.objectContaining({ path }));
  });
  test('a cycle', () => {
    expect(() => encode(cycle, 'result', Infinity)).toThrow(
      /nested deeper than 64 levels, or a cycle/,
    );
  });
});

test('a value over its limit is refused with limit and actual size', () => {
  expect(() => encode('x'.repeat(100), 'input', 50)).toThrow(LimitError);
  expect(() => encode('x'.repeat(100), 'input', 50)).toThrow(
    expect.objectContaining({ limit: 50, actual: 103 }),
  );
});

describe('bytes that are not a payload', () => {
  const origin = { key: '{p:0}:events:r', seq: 7 };
  test.each([
    ['nothing', new Uint8Array()],
    ['an unknown format', new Uint8Array([0xc0, 1])],
    ['a truncated payload', encode({ a: 'long text' }, 'x', 100).slice(0, 5)],
    ['broken JSON', new TextEncoder().encode('{"a":')],
    // msgpackr's own extensions for a regular expression and an error.
    ['a regular expression', new Uint8Array([1, 0xc7, 4, 0x78, 0x92, 0xa1, 0x61, 0xa0])],
    ['an array of four thousand million items', new Uint8Array([1, 0xdd, 0xff, 0xff, 0xff, 0xff])],
  ])('%s: an error that names key and seq', (_, bytes) => {
    expect(() => decode(bytes, origin)).toThrow(CorruptionError);
    expect(() => decode(bytes, origin)).toThrow(expect.objectContaining(origin));
  });

  test('mutated payloads give data or a typed error, and never change a prototype', () => {
    const bytes = encode(
      { a: [1, 'two', new Date(0), new Map([[1, 2n]])], b: { c: null } },
      'x',
      1000,
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 }),
        (changes) => {
          const mutated = bytes.slice();
          for (const [at, byte] of changes) mutated[at] = byte;
          try {
            decode(mutated, origin);
          } catch (error) {
            // Among the changed bytes is the format, which may come to say: encrypted.
            const isKey =
              mutated[0] === 2 && PawlError.is(error) && error.code === 'PAWL_KEY_MISSING';
            if (!isKey) expect(error).toBeInstanceOf(CorruptionError);
          }
          expect(Object.keys(Object.prototype)).toEqual([]);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
