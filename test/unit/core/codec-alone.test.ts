// Goal: the bytes are pawl's own: as they were when a library wrote them, whatever others in the process do to that library.
import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { addExtension, pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { canonical, decode, encode, encodePiece } from '../../../src/core/codec.ts';
import { UnstorableError } from '../../../src/core/errors.ts';

const origin = { key: 'test' };
const bytesOf = (value: unknown): Uint8Array => encode(value, 'value', Infinity);
const hashOf = (value: unknown): string =>
  createHash('sha256').update(bytesOf(value)).digest('hex').slice(0, 16);

/** Values, and the bytes that pawl 0.1 has stored for them. */
const stored: readonly (readonly [unknown, string])[] = [
  [[], 'AZA='],
  [{}, 'Ad4AAA=='],
  [
    [1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 9007199254740991],
    'AZoBf8yAzP/NAQDN///OAAEAAM7/////y0HwAAAAAAAAy0M/////////',
  ],
  [
    [-1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, 0.5, NaN, -Infinity],
    'AZz/4NDf0IDR/3/RgADS//9//9KAAAAAy8HgAAAAIAAAyz/gAAAAAAAAy3/4AAAAAAAAy//wAAAAAAAA',
  ],
  [[true, false, null, undefined], 'AZTDwsDUAAA='],
  [
    ['', 'a', 'x'.repeat(31), 'x'.repeat(32), 'ä'.repeat(20), '漢字', '😀'],
    'AZegoWG/eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eNkgeHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHjZKMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6Sm5ryi5a2XpPCfmIA=',
  ],
  [
    [
      0n,
      -1n,
      2n ** 63n,
      -(2n ** 63n),
      2n ** 64n,
      -(2n ** 64n),
      2n ** 127n,
      -(2n ** 127n),
      2n ** 200n - 1n,
    ],
    'AZnTAAAAAAAAAADT///////////PgAAAAAAAAADTgAAAAAAAAADYQgAAAAAAAAABAAAAAAAAAADYQv//////////AAAAAAAAAADHGEIAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAADYQoAAAAAAAAAAAAAAAAAAAADHIEIAAAAAAAAA/////////////////////////////////w==',
  ],
  [
    [
      new Date(0),
      new Date(1764190000000),
      new Date(1764190000123),
      new Date(-1),
      new Date(-123456789012),
      new Date(8.64e15),
      new Date(NaN),
    ],
    'AZfW/wAAAADW/2knZzDX/x1TUwBpJ2cwxwz/O4uHwP//////////xwz/OuOvAP/////4pDLqxwz/AAAAAAAAB9uoIYAA1P//',
  ],
  [
    {
      map: new Map<unknown, unknown>([
        ['a', 1],
        [2, { b: new Set(['c', 3]) }],
      ]),
      empty: [new Map(), new Set()],
    },
    'Ad4AAqNtYXDUTQCUoWEBAt4AAaFi1HMAkqFjA6VlbXB0eZLUTQCQ1HMAkA==',
  ],
  [
    { bytes: Uint8Array.of(1, 2, 3), none: new Uint8Array() },
    'Ad4AAqVieXRlc8cEdAEBAgOkbm9uZccBdAE=',
  ],
  [Array.from({ length: 17 }, (_, i) => i), 'AdwAEQABAgMEBQYHCAkKCwwNDg8Q'],
  [
    Object.fromEntries(Array.from({ length: 17 }, (_, i) => ['key ' + i, i])),
    'Ad4AEaVrZXkgMACla2V5IDEBpWtleSAyAqVrZXkgMwOla2V5IDQEpWtleSA1BaVrZXkgNgala2V5IDcHpWtleSA4CKVrZXkgOQmma2V5IDEwCqZrZXkgMTELpmtleSAxMgyma2V5IDEzDaZrZXkgMTQOpmtleSAxNQ+ma2V5IDE2EA==',
  ],
  [
    { name: 'charge', result: Uint8Array.of(1, 0xc3), attempts: 1, took: ['go'] },
    'Ad4ABKRuYW1lpmNoYXJnZaZyZXN1bHTHA3QBAcOoYXR0ZW1wdHMBpHRvb2uRomdv',
  ],
];
/** Larger ones, and the hash of their bytes. */
const large: readonly (readonly [unknown, string])[] = [
  ['x'.repeat(300), 'db3f94b4e352acc8'],
  ['ä'.repeat(40_000), 'da68c914b7016bf6'],
  [new Uint8Array(300).fill(7), 'c146b7ae51a7bcd1'],
  [new Uint8Array(70_000).fill(7), '40d175f64b64b1df'],
  [Array.from({ length: 70_000 }, (_, i) => i), '911c4fd5e56aa366'],
];

/** What an application, or a second copy of pawl, may do to the library for all who use it. */
function disturb(): void {
  const write = (): string => 'disturbed';
  const read = (): string => 'disturbed';
  for (const Class of [Date, Set, Map, Uint8Array, Object, Array, Error]) {
    addExtension({ Class, type: 0x4d, write, read });
  }
  for (const type of [0x00, 0x42, 0x4d, 0x73, 0x74, 0xff]) addExtension({ type, read });
}

describe.each([
  ['alone', () => undefined],
  ['beside an application with extensions of its own', disturb],
])('%s', (_, prepare) => {
  test('what was stored is read, and written again as it was', () => {
    prepare();
    for (const [value, base64] of stored) {
      expect(Buffer.from(bytesOf(value)).toString('base64')).toBe(base64);
      expect(decode(Buffer.from(base64, 'base64'), origin)).toStrictEqual(value);
      expect(decode(Uint8Array.from(Buffer.from(base64, 'base64')), origin)).toStrictEqual(value);
    }
    for (const [value, hash] of large) {
      expect(hashOf(value)).toBe(hash);
      expect(decode(bytesOf(value), origin)).toEqual(value);
    }
  });
});

test('the library is disturbed indeed', () => {
  expect(unpack(pack(new Date(0)))).toBe('disturbed');
});

describe('what a first execution sees is what is read later', () => {
  test.each([
    ['minus zero', -0],
    ['a lone surrogate', 'a\ud800'],
    ['a list with a hole', Array.from({ length: 2 }).concat(1)],
    ['a field without a value', { gone: undefined }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a Buffer', Buffer.from('abc')],
    ['a field that is not seen', Object.defineProperty({ a: 1 }, 'b', { value: 2 })],
  ])('%s', (_, value) => {
    const bytes = bytesOf(value);
    expect(canonical(value, bytes)).toStrictEqual(decode(bytes, origin));
  });
  test('minus zero stays what it is, and a Buffer becomes plain bytes', () => {
    expect(decode(bytesOf([-0, 0]), origin)).toStrictEqual([-0, 0]);
    expect(decode(bytesOf(Buffer.from('abc')), origin)).toStrictEqual(Uint8Array.of(97, 98, 99));
  });
});

test('plain data of another realm is plain data', () => {
  const far: unknown = runInNewContext(
    '({ at: new Date(5), map: new Map([[1, { a: [2] }]]), set: new Set([3]), bytes: Uint8Array.of(4) })',
  );
  const here = {
    at: new Date(5),
    map: new Map([[1, { a: [2] }]]),
    set: new Set([3]),
    bytes: Uint8Array.of(4),
  };
  expect(decode(bytesOf(far), origin)).toStrictEqual(here);
});

describe('what throws when it is read is refused', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  class Pretender {
    get [Symbol.toStringTag](): string {
      return 'Map';
    }
  }
  test.each([
    ['a getter', Object.defineProperty({}, 'a', { enumerable: true, get: () => JSON.parse('{') })],
    ['a revoked proxy', { inside: proxy }],
    ['a class that calls itself a Map', { inside: new Pretender() }],
  ])('%s', (_, value) => {
    expect(() => bytesOf(value)).toThrow(UnstorableError);
  });
});

test('a value is read once, and what is read is what was checked', () => {
  let asked = 0;
  const value = {
    get once() {
      asked += 1;
      return asked === 1 ? 'plain' : () => 1;
    },
  };
  expect(decode(bytesOf(value), origin)).toEqual({ once: 'plain' });
});

test('a getter that encodes something itself disturbs nothing', () => {
  const value = {
    before: 'x'.repeat(50),
    get inner() {
      return bytesOf({ large: 'y'.repeat(50_000) }).length;
    },
    after: [1, 2, 3],
  };
  expect(decode(bytesOf(value), origin)).toEqual({
    before: 'x'.repeat(50),
    inner: 50_013,
    after: [1, 2, 3],
  });
});

test('pieces are never written over', () => {
  const value = (i: number): unknown => ({ i, text: 'x'.repeat((i * 7919) % 9000) });
  const pieces = Array.from({ length: 300 }, (_, i) => {
    bytesOf(value(i + 1));
    return encodePiece(value(i), 'value', Infinity);
  });
  for (const [i, piece] of pieces.entries()) expect(decode(piece, origin)).toEqual(value(i));
});
