// Goal: a client of pawl that ioredis has given up connects again, and one that was closed does not. Method: the end that a
// failover can bring about is brought about by hand, below the client.
import { expect, inject, test } from 'vitest';
import { Redis } from 'ioredis';
import { createConnection } from '../../src/redis/connection.ts';

test('a client that ends although nobody closed it connects again', async () => {
  const client = createConnection(inject('redisUrl'));
  if (!(client instanceof Redis)) throw new Error('not a single server');
  client.on('error', () => undefined);
  await client.connect();
  // As if the connector had given up.
  client.options.retryStrategy = () => null;
  client.stream.destroy();
  await expect.poll(() => client.status).toBe('end');
  await expect.poll(() => client.status).toBe('ready');
  expect(await client.ping()).toBe('PONG');
  client.disconnect();
  await expect.poll(() => client.status).toBe('end');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(client.status).toBe('end');
});
