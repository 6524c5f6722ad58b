// Goal: who is subscribed stays subscribed, through reconnects and answers that do not come. Method: a client of a real
// Redis whose connection is killed, and whose subscriptions fail as if the server had not answered in time.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Announcements } from '../../src/redis/announcements.ts';
import { createConnection } from '../../src/redis/connection.ts';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';

let server: RedisServer;
let admin: Redis;

beforeAll(async () => {
  server = await startRedisServer();
  admin = new Redis(server.url);
});

afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

async function until(check: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('a subscription that finds no answer after a reconnect is tried again', async () => {
  const client = createConnection(server.url) as Redis;
  client.on('error', () => undefined);
  const announcements = new Announcements(client);
  await client.connect();
  const heard: (string | undefined)[] = [];
  await announcements.listen('{t}:changed', (message) => heard.push(message?.toString()));
  await announcements.subscribe('{t}:present');
  const subscribers = async (): Promise<number> =>
    Number((await admin.pubsub('SHARDNUMSUB', '{t}:present'))[1]);
  expect(await subscribers()).toBe(1);

  const failures = { left: 3, tried: 0 };
  const subscribe = client.ssubscribe.bind(client);
  client.ssubscribe = ((channel: string) => {
    failures.tried += 1;
    failures.left -= 1;
    return failures.left < 0 ? subscribe(channel) : Promise.reject(new Error('Command timed out'));
  }) as typeof client.ssubscribe;
  const id = await client.client('ID');
  await admin.client('KILL', 'ID', String(id));
  await until(() => failures.tried >= 5);
  await until(async () => (await subscribers()) === 1);
  // Told that something may have been missed, and then of everything again.
  await until(() => heard.includes(undefined));
  await admin.spublish('{t}:changed', '7');
  await until(() => heard.includes('7'));

  await announcements.unsubscribe('{t}:present');
  expect(await subscribers()).toBe(0);
  client.disconnect();
});
