// Goal: a client of pawl that ioredis has given up connects again, and one that was closed does not, and says no more.
// Method: the end that a failover can bring about is brought about by hand, below the client; a client is let go in each
// of the moments before it is ready.
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

test.each(['connecting', 'connect'] as const)(
  'a client that is let go while its state is %s ends, and no answer comes after it',
  async (state) => {
    const client = createConnection(inject('redisUrl'));
    const errors: string[] = [];
    client.on('error', (error: Error) => errors.push(error.message));
    client.once(state, () => {
      client.disconnect();
    });
    const refused = client.ping().catch((error: Error) => error.message);
    client.connect().catch(() => undefined);
    expect(await refused).toBe('Connection is closed.');
    await expect.poll(() => client.status).toBe('end');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(errors).toEqual([]);
  },
);
