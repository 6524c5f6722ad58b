// Goal: each fault of the proxy is the one its name says. Method: a plain client through the proxy, and one beside it that
// sees what has reached the server.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let proxy: TcpProxy;
let through: Redis;
let beside: Redis;
let key: string;

beforeEach(async () => {
  const url = new URL(inject('redisUrl'));
  proxy = await startTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
  through = client(proxy.url);
  beside = client(url.href);
  await Promise.all([through.ping(), beside.ping()]);
  key = `test-proxy:${randomUUID()}`;
});

afterEach(async () => {
  await beside.del(key);
  through.disconnect();
  beside.disconnect();
  await proxy.close();
});

function client(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 5 });
  redis.on('error', () => undefined);
  return redis;
}

/** The value, or undefined when there is none within `ms`. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work, sleep(ms, undefined)]);
}

/** Connections of the server that come from clients of the proxy. */
async function serverSide(id: number): Promise<boolean> {
  return String(await beside.call('CLIENT', 'LIST', 'ID', id)).includes(`id=${id} `);
}

test('lets everything through, and counts connections', async () => {
  const big = 'x'.repeat(3_000_000);
  await through.set(key, big);
  expect(await through.get(key)).toBe(big);
  expect(proxy.connections()).toBe(1);
  through.disconnect();
  await expect.poll(() => proxy.connections()).toBe(0);
});

test('tells the server that a client has gone, and the client that the server has', async () => {
  const id = Number(await through.call('CLIENT', 'ID'));
  let closes = 0;
  through.on('close', () => closes++);
  await beside.call('CLIENT', 'KILL', 'ID', id);
  await expect.poll(() => closes).toBe(1);
  const next = Number(await through.call('CLIENT', 'ID'));
  through.disconnect();
  await expect.poll(() => serverSide(next)).toBe(false);
});

test('pause holds requests and answers, resume delivers them', async () => {
  let closes = 0;
  through.on('close', () => closes++);
  proxy.pause();
  const answer = through.incr(key);
  expect(await within(100, answer)).toBeUndefined();
  expect(await beside.get(key)).toBeNull();
  proxy.resume();
  expect(await answer).toBe(1);
  expect(closes).toBe(0);
});

test('cut ends the connections; the client comes back on a new one', async () => {
  const before = await through.call('CLIENT', 'ID');
  proxy.cut();
  expect(await through.incr(key)).toBe(1);
  expect(await through.call('CLIENT', 'ID')).not.toBe(before);
});

test('dropReplies lets a request happen and loses its answer: the client sends it again', async () => {
  proxy.dropReplies(1);
  expect(await through.incr(key)).toBe(2);
});

test('dropReplies gives no later answer to a connection that lost one', async () => {
  const impatient = client(proxy.url);
  await impatient.ping();
  proxy.dropReplies(2);
  const first = impatient.incr(key);
  expect(await within(100, first)).toBeUndefined();
  // Had it gone through, this answer would have been taken for that of INCR.
  const second = impatient.ping();
  expect(await second).toBe('PONG');
  expect(await first).toBe(2);
  impatient.disconnect();
});

test('delay takes its time in each direction and keeps the order', async () => {
  proxy.delay(60);
  const startedAt = performance.now();
  const answers = await Promise.all([through.incr(key), through.incr(key), through.incr(key)]);
  expect(performance.now() - startedAt).toBeGreaterThan(115);
  expect(answers).toEqual([1, 2, 3]);
  proxy.delay(0);
  expect(await through.incr(key)).toBe(4);
});

test('halfOpen closes the side of the server alone, and what the client writes vanishes', async () => {
  let closes = 0;
  through.on('close', () => closes++);
  const id = Number(await through.call('CLIENT', 'ID'));
  proxy.halfOpen();
  await expect.poll(() => serverSide(id)).toBe(false);
  const lost = through.incr(key);
  lost.catch(() => undefined);
  expect(await within(100, lost)).toBeUndefined();
  expect(await beside.get(key)).toBeNull();
  expect(closes).toBe(0);
  const fresh = client(proxy.url);
  expect(await fresh.ping()).toBe('PONG');
  fresh.disconnect();
});

test('partition loses bytes both ways without telling anybody; heal makes the client connect anew', async () => {
  let closes = 0;
  through.on('close', () => closes++);
  const id = Number(await through.call('CLIENT', 'ID'));
  proxy.partition();
  const answer = through.incr(key);
  const stranger = client(proxy.url);
  expect(await within(100, Promise.race([answer, stranger.ping()]))).toBeUndefined();
  expect(await beside.get(key)).toBeNull();
  expect(await serverSide(id)).toBe(true);
  expect(closes).toBe(0);
  proxy.heal();
  // Sent again on the new connection; the first one never arrived.
  expect(await answer).toBe(1);
  expect(await stranger.ping()).toBe('PONG');
  stranger.disconnect();
});
