// Goal: streams keep the contract that TanStack AI has for their durability, and a producer that was replaced adds nothing.
// Method: each test of the contract also runs over the durability in memory of TanStack AI; its responses use ours.
import {
  EventType,
  memoryStream,
  type StreamChunk,
  type StreamDurability,
  toServerSentEventsResponse,
} from '@tanstack/ai';
import { afterEach, describe, expect, test } from 'vitest';
import type { Pawl } from 'pawl';
import { pawlStream } from 'pawl/tanstack-ai';
import { Parts, toParts } from '../../../src/tanstack-ai/parts.ts';
import { memoryPawl } from '../../support/memory.ts';

let opened: Pawl | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const chunk = (delta: string): StreamChunk => ({
  type: EventType.TEXT_MESSAGE_CONTENT,
  messageId: 'm',
  delta,
  timestamp: 1,
});

async function taken(
  reading: AsyncIterable<{ readonly chunk: StreamChunk }>,
): Promise<StreamChunk[]> {
  const all: StreamChunk[] = [];
  for await (const one of reading) all.push(one.chunk);
  return all;
}

type Make = (source: Request | { runId: string; offset?: string | null }) => StreamDurability;

const makers: readonly [name: string, () => Make][] = [
  ['their durability in memory', () => (source) => memoryStream(source)],
  [
    'runs of a pawl',
    () => {
      const { pawl } = memoryPawl();
      opened = pawl;
      return (source) => pawlStream(pawl, source, { firstChunk: 200 });
    },
  ],
];

describe.each(makers)('%s', (_, begin) => {
  test('each chunk has an offset, and reading goes on behind any of them until the end', async () => {
    const make = begin();
    const runId = crypto.randomUUID();
    const producer = make({ runId });
    expect(producer.resumeFrom()).toBeNull();
    const offsets = [
      ...(await producer.append([chunk('a'), chunk('b')])),
      ...(await producer.append([chunk('c')])),
    ];
    expect(new Set(offsets).size).toBe(3);
    const reading = taken(make({ runId }).read('-1'));
    await producer.append([chunk('d')]);
    await producer.close();
    await producer.close();
    expect(await reading).toEqual(['a', 'b', 'c', 'd'].map(chunk));
    for (const [i, offset] of offsets.entries()) {
      const reader = make({ runId, offset });
      expect(reader.resumeFrom()).toBe(offset);
      expect(await taken(reader.read(offset))).toEqual(
        ['a', 'b', 'c', 'd'].slice(i + 1).map(chunk),
      );
    }
  });

  test('a snapshot is what is there, and returns while the stream goes on', async () => {
    const make = begin();
    const runId = crypto.randomUUID();
    expect(await make({ runId }).snapshot()).toEqual([]);
    const producer = make({ runId });
    const offsets = await producer.append([chunk('a'), chunk('b')]);
    expect(await make({ runId }).snapshot()).toEqual([
      { offset: offsets[0], chunk: chunk('a') },
      { offset: offsets[1], chunk: chunk('b') },
    ]);
    await producer.close();
  });

  test('a run that nobody has made is not waited for without an end', async () => {
    const make = begin();
    const runId = crypto.randomUUID();
    await expect(taken(make({ runId }).read('-1'))).rejects.toThrow();
    const offset = (await make({ runId: 'other' }).append([chunk('a')]))[0] ?? '';
    await expect(taken(make({ runId, offset }).read(offset))).rejects.toThrow();
  });

  test('who has said nothing ends the stream, so nobody waits for it', async () => {
    const make = begin();
    const runId = crypto.randomUUID();
    await make({ runId }).close();
    expect(await taken(make({ runId }).read('-1'))).toEqual([]);
  });

  test('a response stores what it sends, and another one goes on where a page was', async () => {
    const make = begin();
    const runId = crypto.randomUUID();
    const headers = { 'X-Run-Id': runId };
    const request = new Request('http://localhost/chat', { method: 'POST', headers });
    const words = (async function* () {
      for (const word of ['one', 'two', 'three']) yield chunk(word);
    })();
    const respond = (source: Request, stream: AsyncIterable<StreamChunk>): Promise<string> =>
      toServerSentEventsResponse(stream, { durability: { adapter: make(source) } }).text();
    const first = await respond(request, words);
    const events = first.split('\n\n').filter((event) => event.includes('id: '));
    const one = events.find((event) => event.includes('"delta":"one"')) ?? '';
    const [, id = ''] = /^id: (.+)$/m.exec(one) ?? [];
    const nobody: AsyncIterable<StreamChunk> = {
      [Symbol.asyncIterator]() {
        throw new Error('the model is asked again');
      },
    };
    const back = new Request('http://localhost/chat', { headers: { 'Last-Event-ID': id } });
    const rest = await respond(back, nobody);
    expect([...rest.matchAll(/"delta":"(\w+)"/g)].map(([, delta]) => delta)).toEqual([
      'two',
      'three',
    ]);
  });
});

function open(): Pawl {
  const { pawl } = memoryPawl();
  opened = pawl;
  return pawl;
}

test('a producer that comes anew goes on with the stream, and the one before it is refused', async () => {
  const pawl = open();
  const before = pawlStream(pawl, { runId: 'r' });
  await before.append([chunk('a')]);
  const after = pawlStream(pawl, { runId: 'r' });
  expect((await after.snapshot()).map((one) => one.chunk)).toEqual([chunk('a')]);
  await after.append([chunk('b')]);
  await expect(before.append([chunk('x')])).rejects.toThrow(/another producer/);
  await before.close();
  await after.append([chunk('c')]);
  await after.close();
  await expect(after.append([chunk('x')])).rejects.toThrow(/has ended/);
  await expect(pawlStream(pawl, { runId: 'r' }).append([chunk('x')])).rejects.toThrow(/has ended/);
  expect(await taken(pawlStream(pawl, { runId: 'r' }).read('-1'))).toEqual(
    ['a', 'b', 'c'].map(chunk),
  );
});

test('large chunks come whole, one offset each, and names of any kind fit into a header', async () => {
  const pawl = open();
  const runId = 'Größe ✓ / a.b';
  const producer = pawlStream(pawl, { runId });
  const large = chunk('ß'.repeat(100_000));
  const offsets = await producer.append([chunk('a'), large, chunk('b')]);
  await producer.close();
  expect(offsets).toHaveLength(3);
  const request = (offset: string): Request =>
    new Request('http://localhost/', { headers: { 'Last-Event-ID': offset } });
  const reader = pawlStream(pawl, request(offsets[0] ?? ''));
  expect(await taken(reader.read(reader.resumeFrom() ?? ''))).toEqual([large, chunk('b')]);
  expect((await reader.snapshot()).map(({ offset }) => offset)).toEqual(offsets);
});

test('the half of a chunk whose producer has died is dropped', () => {
  const parts = new Parts();
  const [first, second, ...rest] = toParts(chunk('x'.repeat(200_000)));
  expect(rest.length).toBeGreaterThan(1);
  expect([first, second].map((part) => parts.add(part))).toEqual([undefined, undefined]);
  const next = chunk('y'.repeat(150_000));
  expect(
    toParts(next)
      .map((part) => parts.add(part))
      .at(-1),
  ).toEqual(next);
  parts.add(first);
  expect(toParts(chunk('z')).map((part) => parts.add(part))).toEqual([chunk('z')]);
});

test('only what comes from now on is read after `now`', async () => {
  const pawl = open();
  const producer = pawlStream(pawl, { runId: 'r' });
  await producer.append([chunk('a')]);
  const reader = pawlStream(pawl, { runId: 'r', offset: 'now' });
  const reading = taken(reader.read('now'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await producer.append([chunk('b')]);
  await producer.close();
  expect(await reading).toEqual([chunk('b')]);
});

test('options, runs and offsets that do not fit are refused', async () => {
  const pawl = open();
  expect(() => pawlStream(pawl, { runId: 'r' }, { ttl: 'soon' as never })).toThrow(/ttl/);
  expect(() => pawlStream(pawl, { runId: 'two\nlines' })).toThrow(/runId/);
  const forged = new Request('http://localhost/', { headers: { 'Last-Event-ID': '%' } });
  expect(() => pawlStream(pawl, forged)).toThrow(/runId/);
  const reader = pawlStream(pawl, { runId: 'r', offset: '1.other' });
  await expect(taken(reader.read('1.other'))).rejects.toThrow(/is not one of stream r/);
});
