// Goal: a connection that has died without a word costs a second, and one that is only slow is left alone. Method: clients
// of pawl behind a proxy that loses what is said, before servers that freeze, and a process that is busy.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { callSettings, createConsumerConnection } from '../../src/redis/connection.ts';
import { createConnection, silenceMs, type Use } from '../../src/redis/connection.ts';
import { LineWatch } from '../../src/redis/line-watch.ts';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { calmTimeOf } from '../support/calm-time.ts';

const callMs = 15_000;
let proxy: TcpProxy;
let use: Use;
const clients: Redis[] = [];
const servers: RedisServer[] = [];

beforeEach(async () => {
  const { hostname, port } = new URL(inject('redisUrl'));
  proxy = await startTcpProxy({ target: { host: hostname, port: Number(port) } });
  use = { ...callSettings(callMs), watch: new LineWatch(silenceMs(callMs)) };
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await proxy.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function connect(url = proxy.url): Promise<Redis> {
  return ready(createConnection(url, use) as Redis);
}

async function ready(client: Redis): Promise<Redis> {
  client.on('error', () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

/** A silent connection is noticed after so long, at the soonest: what is answered in less has not waited for that. */
const noticeMs = 500;

/** Connections that a client has made until now. */
function countConnections(client: Redis): () => number {
  let made = 0;
  client.on('connect', () => {
    made += 1;
  });
  return () => made;
}

test('an answer that is lost comes over a new connection within a second or so', async () => {
  const client = await connect();
  for (let i = 0; i < 3; i++) {
    proxy.halfOpen();
    expect(await calmTimeOf(() => client.ping())).toBeLessThan(2000);
  }
});

test('a greeting that is lost costs no more', async () => {
  const client = await connect();
  await sleep(300);
  proxy.dropReplies(1e9);
  proxy.cut();
  await expect.poll(() => client.status).toBe('connect');
  await sleep(50);
  proxy.dropReplies(0);
  expect(await calmTimeOf(() => client.ping())).toBeLessThan(1500);
});

test('silent connections do not add up: the others are asked when one is found dead', async () => {
  const busy = await connect();
  const idle = await connect();
  const consumer = createConsumerConnection(proxy.url, use) as Redis;
  const blocking = await ready(consumer.duplicate());
  clients.push(consumer);
  await idle.ping();
  const read = blocking.bzpopmin('silent:nobody', 10);
  await sleep(1000);
  proxy.halfOpen();
  expect(await calmTimeOf(() => busy.ping())).toBeLessThan(2000);
  // The blocking read comes back with nothing, so that who reads looks for itself, and the idle one has been replaced.
  expect(await calmTimeOf(() => read)).toBeLessThan(noticeMs);
  expect(await read).toBeNull();
  await sleep(1500);
  expect(await calmTimeOf(() => idle.ping())).toBeLessThan(noticeMs);
  expect(await calmTimeOf(() => blocking.ping())).toBeLessThan(noticeMs);
});

test('a blocking read is silent for as long as it may be', async () => {
  const consumer = createConsumerConnection(proxy.url, use) as Redis;
  const blocking = await ready(consumer.duplicate());
  clients.push(consumer);
  const other = await connect();
  const made = countConnections(blocking);
  const read = blocking.bzpopmin('silent:nobody', 3);
  for (let i = 0; i < 30; i++) {
    await sleep(100);
    await other.ping();
  }
  expect(await read).toBeNull();
  expect(made()).toBe(0);
});

test('a server that answers nobody keeps its connections', async () => {
  const server = await startRedisServer();
  servers.push(server);
  const [first, second] = [await connect(server.url), await connect(server.url)];
  const made = [countConnections(first), countConnections(second)];
  process.kill(server.pid, 'SIGSTOP');
  const answers = [first.ping(), second.ping()];
  await sleep(3000);
  process.kill(server.pid, 'SIGCONT');
  await Promise.all(answers);
  await sleep(300);
  expect(made.map((count) => count())).toEqual([0, 0]);
});

test('a slow way is no dead one', async () => {
  proxy.delay(450);
  const clientA = await connect();
  const clientB = await connect();
  const made = [countConnections(clientA), countConnections(clientB)];
  for (let i = 0; i < 4; i++) await Promise.all([clientA.ping(), clientB.ping()]);
  expect(made.map((count) => count())).toEqual([0, 0]);
});

test('a process that was too busy to listen blames nobody', async () => {
  const client = await connect();
  const other = await connect();
  const made = countConnections(client);
  for (let i = 0; i < 3; i++) {
    const answers = [client.ping(), other.ping()];
    const until = performance.now() + 1200;
    while (performance.now() < until);
    await Promise.all(answers);
  }
  expect(made()).toBe(0);
});
