// Goal: a page of events is read as it was packed, and whatever is no event is named by its key, and by its seq if it has
// one.
import { expect, test } from 'vitest';
import { CorruptionError } from '../../../src/core/errors.ts';
import { unpackEvents } from '../../../src/redis/packed-events.ts';
import { packed } from '../../support/packed.ts';

const text = (value: string): Buffer => Buffer.from(value);
const entry = (id: string, ...texts: string[]): readonly (Buffer | readonly Buffer[])[] => [
  text(id),
  texts.map(text),
];
const pageOf = (...entries: ReturnType<typeof entry>[]): Buffer => packed(entries);

test('events come in order, with what they have', () => {
  const page = pageOf(
    entry('1-7', 'type', 'a', 'at', '12', 'data', 'x'),
    entry('2-7', 'type+', 'bä', 'at', '13', 'data', '', 'branch', 'ü'),
    entry('3-1764000000000001', 'type', 'bä', 'at', '13', 'data', 'yy', 'more', 'of later'),
    entry('4-9', 'at', '13', 'type', 'bb', 'data', 'z'),
  );
  const events = unpackEvents('k', page).map(({ data, ...about }) => ({
    ...about,
    data: Buffer.from(data).toString(),
  }));
  expect(events).toEqual([
    { seq: 1, fence: 7, type: 'a', at: 12, data: 'x' },
    { seq: 2, fence: 7, type: 'bä', at: 13, data: '', branch: 'ü', more: true },
    { seq: 3, fence: 1764000000000001, type: 'bä', at: 13, data: 'yy' },
    { seq: 4, fence: 9, type: 'bb', at: 13, data: 'z' },
  ]);
  expect(unpackEvents('k', packed([]))).toEqual([]);
});

const fine = ['type', 'a', 'at', '1', 'data', 'x'] as const;
test.each([
  ['no dash', pageOf(entry('12', ...fine))],
  ['two dashes', pageOf(entry('1-2-3', ...fine))],
  ['no number', pageOf(entry('a-2', ...fine))],
  ['no fence', pageOf(entry('1-', ...fine))],
  ['a seq that is too large', pageOf(entry('99999999999999999999-1', ...fine))],
  ['no type', pageOf(entry('1-2', 'at', '1', 'data', 'x'))],
  ['no time', pageOf(entry('1-2', 'type', 'a', 'at', 'x', 'data', 'x'))],
  ['no data', pageOf(entry('1-2', 'type', 'a', 'at', '1'))],
  ['a name without a value', pageOf(entry('1-2', ...fine, 'branch'))],
  ['a text for an entry', packed([text('1-2')])],
  ['one part', packed([[text('1-2')]])],
  ['cut off', pageOf(entry('1-2', ...fine)).subarray(0, -1)],
  ['something behind', Buffer.concat([pageOf(entry('1-2', ...fine)), Buffer.of(0)])],
  ['nothing', Buffer.alloc(0)],
  ['a list that is longer than the bytes', Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
])('%s is refused', (_name, bytes) => {
  expect(() => unpackEvents('k', bytes)).toThrow(CorruptionError);
});
