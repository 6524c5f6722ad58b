// Goal: whatever bytes come out of Redis, reading them gives data or a typed error, quickly, in little memory, and changes
// nothing. Method: real payloads, broken in every way there is. PAWL_FUZZ_RUNS makes it deeper.
import { describe, expect, test } from 'vitest';
import { canonical, decode, encode } from '../../../src/core/codec.ts';
import { PawlError } from '../../../src/core/errors.ts';
import { toMessage, toRecord, toSnapshot, toWorker } from '../../../src/redis/fields.ts';
import { bullWakeUp } from '../../../src/bullmq/resume-queue.ts';
import { unpackEvents } from '../../../src/redis/packed-events.ts';
import { packed } from '../../support/packed.ts';
import { processorMs } from '../../support/processor-time.ts';

const runs = Number(process.env['PAWL_FUZZ_RUNS'] ?? 30_000);

/** A small generator with a seed (mulberry32): a failure can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const samples: readonly Uint8Array[] = [
  { a: [1, 'two', new Date(0), new Map([[1, 2n]])], b: { c: null } },
  { name: 'step', result: encode({ deep: [[[[1]]]] }, 'x', 1000), attempts: 1 },
  Array.from({ length: 40 }, (_, i) => ({ i, text: 'x'.repeat(i), at: new Date(i) })),
  new Set([undefined, 2n ** 70n, -1.5, new Uint8Array(40), 'ü'.repeat(30)]),
  new Map([['k'.repeat(300), new Map([['__proto', 1]])]]),
  'text',
  77,
].map((value) => encode(value, 'x', 100_000));
const json = new TextEncoder().encode('{"worker":"w","takeover":{"from":"x","detectMs":1}}');
const all = [...samples, json];

/** Tokens that matter: lengths, extensions, what msgpackr gives a meaning of its own. */
const spice = [
  0x00, 0x01, 0x02, 0x7b, 0x40, 0x7f, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xd4, 0xd6, 0xd7, 0xd8, 0xd9,
  0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff, 0x42, 0x4d, 0x62, 0x65, 0x69, 0x70, 0x72, 0x73, 0x74, 0x78,
  0x90, 0x9f,
];

function broken(random: () => number): Buffer {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const at = (bytes: Uint8Array): number => Math.floor(random() * bytes.length);
  let bytes = Buffer.from(pick(all));
  for (let i = Math.floor(random() * 4); i >= 0; i--) {
    switch (Math.floor(random() * 6)) {
      case 0:
        bytes[at(bytes)] = (bytes[at(bytes)] ?? 0) ^ (1 << Math.floor(random() * 8));
        break;
      case 1:
        bytes = bytes.subarray(0, at(bytes));
        break;
      case 2: {
        const other = Buffer.from(pick(all));
        bytes = Buffer.concat([bytes.subarray(0, at(bytes)), other.subarray(at(other))]);
        break;
      }
      case 3:
        bytes[at(bytes)] = pick(spice);
        break;
      case 4: {
        const many = Buffer.from(Array.from({ length: 6 }, () => pick(spice)));
        bytes = Buffer.concat([bytes.subarray(0, at(bytes)), many, bytes.subarray(at(bytes))]);
        break;
      }
      default:
        bytes[at(bytes)] = Math.floor(random() * 256);
    }
  }
  return bytes;
}

const canary = {
  numbers: Array.from({ length: 128 }, (_, i) => i),
  text: 'x'.repeat(50),
  none: {},
};
const canaryBytes = encode(canary, 'x', 10_000);

/** Runs `read` on broken bytes; each answer is data or a typed error. */
function hammer(seed: number, count: number, read: (bytes: Buffer) => unknown): void {
  const random = randomOf(seed);
  const before = process.memoryUsage().heapUsed;
  let slowest = 0;
  for (let i = 0; i < count; i++) {
    const bytes = broken(random);
    const ms = processorMs(() => {
      try {
        read(bytes);
      } catch (error) {
        if (!PawlError.is(error)) throw new Error(bytes.toString('hex'), { cause: error });
      }
    });
    slowest = Math.max(slowest, ms);
    if (i % 1000 === 0) expect(decode(canaryBytes, { key: 'canary' })).toEqual(canary);
  }
  expect(decode(canaryBytes, { key: 'canary' })).toEqual(canary);
  expect(Reflect.ownKeys(Object.prototype).length).toBe(prototypeKeys);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  // Generous: what this looks for takes seconds, or gigabytes.
  expect(slowest).toBeLessThan(2_000);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(400e6);
}
const prototypeKeys = Reflect.ownKeys(Object.prototype).length;

test(`${runs} broken payloads`, { timeout: 600_000 }, () => {
  hammer(1, runs, (bytes) => {
    const value = decode(bytes, { key: 'k' });
    // What could be read can be stored again, or is too deep for it: it is plain data.
    if (typeof value === 'object') canonical(value, encode(value, 'x', Infinity));
  });
});

const text = (value: string): Buffer => Buffer.from(value);

describe('each place that reads what is stored', () => {
  const each = Math.ceil(runs / 10);
  test.each<readonly [string, (bytes: Buffer) => unknown]>([
    [
      'data of an event',
      (bytes) => {
        const fields = ['type', 't', 'at', '1', 'data'].map(text).concat(bytes);
        const [event] = unpackEvents('k', packed([[text('1-2'), fields]]));
        return decode(event?.data ?? bytes, { key: 'k', seq: 1 });
      },
    ],
    [
      'names and numbers of an event',
      (bytes) => unpackEvents('k', packed([[bytes, [bytes, bytes, text('at'), bytes]]])),
    ],
    ['a page of events', (bytes) => unpackEvents('k', bytes)],
    [
      'a snapshot’s field',
      (bytes) =>
        toSnapshot('k', [
          text('version'),
          text('1'),
          text('seq'),
          text('1'),
          text('schema'),
          text('1'),
          text('at'),
          text('1'),
          bytes,
          bytes,
        ]),
    ],
    [
      'a snapshot’s numbers',
      (bytes) => toSnapshot('k', [text('version'), bytes, text('seq'), bytes]),
    ],
    [
      'a record',
      (bytes) =>
        toRecord(
          { key: 'k', id: 'r' },
          [text('status'), bytes, text('fence'), bytes],
          [bytes, bytes],
        ),
    ],
    [
      'a record’s tags',
      (bytes) => {
        const run = [
          'status',
          'queued',
          'fence',
          '0',
          'seq',
          '1',
          'createdAt',
          '1',
          'changedAt',
          '1',
        ].map(text);
        const { tags } = toRecord({ key: 'k', id: 'r' }, run, [text('tags'), bytes]);
        if (Object.getPrototypeOf(tags) !== Object.prototype) throw new Error('another prototype');
      },
    ],
    [
      'a message',
      (bytes) =>
        toMessage('k', [bytes, [text('at'), bytes, text('kind'), bytes, text('data'), bytes]]),
    ],
    [
      'a worker',
      (bytes) =>
        toWorker(
          { key: 'k', id: 'w' },
          [
            'pid',
            '1',
            'concurrency',
            '1',
            'active',
            '0',
            'loopLagMs',
            '0',
            'startedAt',
            '1',
            'seenAt',
            '1',
            'sessionEndsAt',
            '1',
            'workflows',
          ]
            .map(text)
            .concat(bytes),
          true,
        ),
    ],
    [
      'a job of BullMQ',
      (bytes) => {
        let data: unknown;
        try {
          data = JSON.parse(bytes.toString('latin1'));
        } catch {
          data = decode(bytes, { key: 'k' });
        }
        return bullWakeUp(data);
      },
    ],
  ])('%s', (_, read) => hammer(7, each, read));
});

describe('bytes that ask for too much', () => {
  const deep = (token: number[], depth: number): Uint8Array =>
    Uint8Array.from([1, ...Array.from({ length: depth }, () => token).flat(), 0xc0]);
  test.each([
    ['an array of 16 million', Uint8Array.of(1, 0xdd, 1, 0, 0, 0)],
    ['arrays of 32 million inside one another', deep([0xdd, 1, 0xff, 0xff, 0xff], 50)],
    ['arrays of 65 thousand inside one another', deep([0xdc, 0xff, 0xff], 9_000)],
    ['arrays 100,000 deep', deep([0x91], 100_000)],
    ['maps 100,000 deep', deep([0x81, 0xa0], 100_000)],
    ['sets 5,000 deep', deep([0xd4, 0x73, 0x00, 0x91], 5_000)],
    ['JSON 100,000 deep', new TextEncoder().encode(`{"a":${'['.repeat(100_000)}`)],
    ['a string of 4 GB', Uint8Array.of(1, 0xdb, 0xff, 0xff, 0xff, 0xff, 0x61)],
    ['bytes of 4 GB', Uint8Array.of(1, 0xc6, 0xff, 0xff, 0xff, 0xff, 0x61)],
    ['an extension of 4 GB', Uint8Array.of(1, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x73)],
    ['a regular expression', Uint8Array.of(1, 0xc7, 4, 0x78, 0x92, 0xa1, 0x61, 0xa0)],
    [
      'an error',
      Uint8Array.of(1, 0xd4, 0x65, 0, 0x92, 0xa5, 0x45, 0x72, 0x72, 0x6f, 0x72, 0xa1, 0x61),
    ],
    ['a record', Uint8Array.of(1, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01)],
    ['floats', Uint8Array.of(1, 0xc7, 5, 0x74, 7, 0, 0, 0, 0)],
    ['a bundle of strings', Uint8Array.of(1, 0xd6, 0x62, 0, 0, 0, 1, 0xa0)],
    ['JSON with __proto__', new TextEncoder().encode('{"__proto__":{"polluted":1}}')],
  ])('%s: refused at once', (_, bytes) => {
    const before = process.memoryUsage();
    const ms = processorMs(() => {
      expect(() => decode(bytes, { key: 'k' })).toThrow(
        expect.objectContaining({ code: 'PAWL_CORRUPT' }),
      );
    });
    expect(ms).toBeLessThan(1_000);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(60e6);
  });

  test('__proto__ in msgpack changes no prototype', () => {
    const bytes = Buffer.concat([
      Buffer.of(1, 0x81, 0xa9),
      text('__proto__'),
      Buffer.of(0x81, 0xa1, 0x70, 1),
    ]);
    let value: unknown;
    try {
      value = decode(bytes, { key: 'k' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'PAWL_CORRUPT' });
    }
    expect((value as { p?: number } | undefined)?.p).toBeUndefined();
  });
});
