// Goal: each thing inside of ioredis that src/redis stands on is as it expects. ioredis promises none of them, so its minor
// version is pinned, and a newer one must pass these tests first. Method: ioredis alone, on a real Redis.
import { Cluster, Command, Redis } from 'ioredis';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { startRedisCluster } from '../support/cluster.ts';

const clients: Redis[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

async function connect(options: object = {}): Promise<Redis> {
  const client = new Redis(inject('redisUrl'), {
    lazyConnect: true,
    protocol: 3,
    replyMapping: 'legacy',
    ...options,
  });
  client.on('error', () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

describe('a command of our own (script-command.ts)', () => {
  test('writes itself to the socket, is told of its time and of its answer', async () => {
    const client = await connect({ commandTimeout: 5_000 });
    const told: unknown[] = [];
    class Ping extends Command {
      override toWritable(socket: object): Buffer {
        told.push(['socket', socket === client.stream]);
        return Buffer.from('*1\r\n$4\r\nPING\r\n');
      }
      override setTimeout(ms: number): void {
        told.push(['time', ms]);
      }
      override transformReply<T>(reply: T): T {
        told.push(['answer', String(reply)]);
        return reply;
      }
    }
    const ping = new Ping('ping');
    void client.sendCommand(ping);
    expect(String(await ping.promise)).toBe('PONG');
    expect(told).toEqual(
      expect.arrayContaining([
        ['socket', true],
        ['time', 5_000],
        ['answer', 'PONG'],
      ]),
    );
    expect(told).toHaveLength(3);
  });

  test('is refused through its own `reject`, which may be replaced before it is sent', async () => {
    const client = await connect();
    const command = new Command('evalsha', ['0'.repeat(40), 0]);
    const { reject } = command;
    const refused: string[] = [];
    command.reject = (error) => {
      refused.push(error.message);
      if (refused.length > 1) return reject(error);
      // Sent again by itself, as after NOSCRIPT.
      void client.sendCommand(command);
    };
    void client.sendCommand(command);
    await expect(command.promise).rejects.toThrow('NOSCRIPT');
    expect(refused).toEqual([
      expect.stringMatching(/^NOSCRIPT/),
      expect.stringMatching(/^NOSCRIPT/),
    ]);
  });

  test('has keys that a Cluster finds its node by, through getKeys', () => {
    expect(new Command('evalsha', ['sha', 1, 'key', 'value']).getKeys()).toEqual(['key']);
  });
});

describe('what a connection owes (line-watch.ts)', () => {
  test('its calls stand in a queue, the oldest in front, and say when they are settled', async () => {
    const client = await connect();
    const first = client.blpop('ioredis:nobody', 0.05);
    const last = client.ping();
    const { commandQueue } = client;
    const blocking = commandQueue.peekFront()?.command as Command;
    expect(blocking.name).toBe('blpop');
    expect(commandQueue.peekBack()?.command).toMatchObject({ name: 'ping' });
    expect(commandQueue.length).toBe(2);
    expect(Command.checkFlag('BLOCKING_COMMANDS', 'blpop')).toBe(true);
    expect(Command.checkFlag('BLOCKING_COMMANDS', 'ping')).toBe(false);
    expect(blocking.extractBlockingTimeout()).toBe(50);
    expect(blocking.isSettled).toBe(false);
    await Promise.all([first, last]);
    expect(blocking.isSettled).toBe(true);
    expect(commandQueue.length).toBe(0);
    expect(client.stream.bytesRead).toBeGreaterThan(0);
    expect(client.stream.bytesWritten).toBeGreaterThan(0);
  });
});

describe('a client that is let go (connection.ts)', () => {
  test('has a socket, and a status that can be set', async () => {
    const client = await connect();
    expect(client.stream.destroyed).toBe(false);
    let ended = false;
    client.once('end', () => {
      ended = true;
    });
    (client as unknown as { setStatus(status: string): void }).setStatus('end');
    expect(client.status).toBe('end');
    await expect.poll(() => ended).toBe(true);
  });

  test('keeps in `prevCommandQueue` what is sent again after a reconnect', async () => {
    const client = await connect();
    client.blpop('ioredis:nobody', 60).catch(() => undefined);
    const inside = client as unknown as { prevCommandQueue?: Redis['commandQueue'] | null };
    const seen = new Promise<string | undefined>((resolve) => {
      client.once('close', () => {
        const command = inside.prevCommandQueue?.peekFront()?.command as Command | undefined;
        resolve(command?.name);
      });
    });
    client.stream.destroy();
    expect(await seen).toBe('blpop');
  });

  test('waits in `offlineQueue` for a connection', async () => {
    const client = new Redis({ port: 1, lazyConnect: true, retryStrategy: null });
    client.on('error', () => undefined);
    clients.push(client);
    const waiting = client.ping().catch(() => undefined);
    const { offlineQueue } = client as unknown as { offlineQueue: Redis['commandQueue'] };
    expect(offlineQueue.peekFront()?.command).toMatchObject({ name: 'ping' });
    await waiting;
  });
});

test('one connection subscribes and works: protocol 3 (client-options.ts)', async () => {
  const client = await connect();
  await client.ssubscribe('ioredis:news');
  expect(await client.ping()).toBe('PONG');
  expect(await client.hgetall('ioredis:nobody')).toEqual({});
});

test('an instance has its settings in `options`, and says by `isCluster` what it is (connection.ts)', () => {
  const one = new Redis({ port: 1, lazyConnect: true });
  const many = new Cluster([{ port: 1 }], { lazyConnect: true });
  expect(one).toMatchObject({ isCluster: false, options: { port: 1 } });
  expect(many).toMatchObject({ isCluster: true, startupNodes: [{ port: 1 }] });
  expect(['duplicate' in one, 'duplicate' in many]).toEqual([true, true]);
});

test('a Cluster knows the master of each slot as host:port, and its nodes by the same (durable-writes.ts)', async () => {
  const servers = await startRedisCluster({ masters: 3 });
  const cluster = new Cluster([...servers.nodes], { redisOptions: { protocol: 3 } });
  try {
    await cluster.ping();
    await expect.poll(() => cluster.slots[16_383]?.[0]).toBeDefined();
    const known = cluster.nodes('all').map(({ options: { host, port } }) => `${host}:${port}`);
    for (const slot of [0, 8_000, 16_383]) expect(known).toContain(cluster.slots[slot]?.[0]);
  } finally {
    cluster.disconnect();
    await servers.stop();
  }
}, 60_000);
