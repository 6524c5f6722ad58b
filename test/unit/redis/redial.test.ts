// Goal: a client comes back at once from a blip, and knocks a few times a second at most where connecting leads to nothing.
// Method: the life of connections is told to the clockwork, without any.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { Redial } from '../../../src/redis/redial.ts';

/** A client that hears as many bytes as it is told. */
class FakeClient extends EventEmitter {
  readonly stream = { bytesRead: 0 };
}

let client: FakeClient;
let redial: Redial;

beforeEach(() => {
  vi.useFakeTimers();
  client = new FakeClient();
  redial = new Redial();
  redial.attach(client as unknown as Redis);
});

afterEach(() => {
  vi.useRealTimers();
});

/** A connection that becomes ready, hears so many bytes, lives so long, and is gone. */
function live(ms: number, bytes: number): number {
  client.stream.bytesRead = 0;
  client.emit('ready');
  client.stream.bytesRead += bytes;
  vi.advanceTimersByTime(ms);
  return redial.delayMs();
}

/** How many connections are made within ten seconds, if each ends like that. */
function knocks(pause: () => number): number {
  let made = 0;
  for (let ms = 0; ms < 10_000; ms += pause()) made += 1;
  return made;
}

test('a connection that was of use is made anew at once', () => {
  expect(live(60_000, 1000)).toBeLessThan(10);
  expect(live(500, 10)).toBeLessThan(10);
  expect(live(500, 10)).toBeLessThan(10);
});

test('nobody there: the pause grows to a second, and every second try is a quick one', () => {
  const pauses = Array.from({ length: 20 }, () => redial.delayMs());
  expect(pauses[0]).toBeLessThan(10);
  expect(Math.max(...pauses)).toBeLessThan(1200);
  expect(pauses.slice(-2).reduce((sum, ms) => sum + ms)).toBeGreaterThan(1000);
  expect(knocks(() => redial.delayMs())).toBeLessThan(30);
});

test('a server that takes connections and answers nothing is not knocked at without end', () => {
  expect(knocks(() => live(1, 0))).toBeLessThan(40);
});

test('a master that is read-only is knocked at about once a second, although it answers', () => {
  const refuse = redial.settings.reconnectOnError;
  const pause = (): number => {
    client.emit('ready');
    client.stream.bytesRead += 1000;
    expect(refuse?.(new Error("READONLY You can't write against a read only replica."))).toBe(2);
    vi.advanceTimersByTime(3);
    return redial.delayMs();
  };
  expect(pause()).toBeLessThan(10);
  expect(knocks(pause)).toBeLessThan(20);
  // When it writes again, and later does not once more, that is a new story.
  vi.advanceTimersByTime(1000);
  expect(live(5000, 10)).toBeLessThan(10);
});

test('other errors end no connection', () => {
  expect(redial.settings.reconnectOnError?.(new Error('WRONGTYPE'))).toBe(false);
});

test('where the refused call is not to be sent again by itself, only the connection is made anew', () => {
  const { reconnectOnError } = new Redial({ resendsRefused: false }).settings;
  expect(reconnectOnError?.(new Error('READONLY'))).toBe(1);
});
