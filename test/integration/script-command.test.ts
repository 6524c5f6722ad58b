/** Calls of scripts on the wire: what is sent arrives as it is, however it is sent and however often. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deadlines } from '../../src/redis/deadlines.ts';
import { ScriptCommand, toScript } from '../../src/redis/script-command.ts';
import { type RedisServer, startRedisServer } from '../../src/testing/redis-server.ts';

let server: RedisServer;
let redis: Redis;
const deadlines = new Deadlines();

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  redis.on('error', () => undefined);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function call(source: string, keys: string[], args: (string | number | Buffer)[]) {
  return callOn(redis, source, keys, args);
}

async function callOn(
  connection: Redis,
  source: string,
  keys: string[],
  args: (string | number | Buffer)[],
): Promise<unknown> {
  const command = new ScriptCommand(
    toScript('tried', source),
    { keyCount: keys.length, args: [...keys, ...args] },
    { connection, deadlines },
  );
  void connection.sendCommand(command);
  return command.reply;
}

test('texts of any letters and bytes of any length arrive as they are', async () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const long = Buffer.alloc(300_000, every);
  const values = ['', 'Grüße, 世界 🎉', every, Buffer.alloc(0), long, 'x'.repeat(70_000), 42];
  const wanted = values.map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(`${value}`)));
  expect(await call('return {KEYS[1], unpack(ARGV)}', ['Schlüssel'], values)).toEqual([
    Buffer.from('Schlüssel'),
    ...wanted,
  ]);
});

test('large calls and small ones of one turn keep their order and their bytes', async () => {
  const push = "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)";
  const sizes = [10, 100_000, 20, 16_384, 16_383, 30, 500_000, 40];
  const values = sizes.map((size, i) => Buffer.alloc(size, 97 + i));
  const replies = await Promise.all(values.map((value) => call(push, ['in-order'], [value])));
  for (const [i, reply] of replies.entries()) {
    const lengths = (reply as Buffer[]).map(({ length }) => length);
    expect(lengths).toEqual(sizes.slice(0, i + 1));
    expect((reply as Buffer[])[i]?.equals(values[i] as Buffer)).toBe(true);
  }
});

test('a server that has forgotten the script gets it again, and each call takes effect once', async () => {
  const script = toScript('counted', "return redis.call('INCR', KEYS[1])");
  const send = async (): Promise<number> => {
    const about = { keyCount: 1, args: ['counter'] };
    const command = new ScriptCommand(script, about, { connection: redis, deadlines });
    void redis.sendCommand(command);
    return Number(await command.reply);
  };
  expect(await send()).toBe(1);
  await redis.script('FLUSH');
  const rest = await Promise.all(Array.from({ length: 200 }, send));
  expect(rest.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 2));
});

test('a call goes out again after a reconnect, as a whole', async () => {
  const parts = [redis.client('ID'), call('return ARGV[1]', [], ['before'])] as const;
  const [id] = await Promise.all(parts);
  const admin = redis.duplicate();
  await admin.client('KILL', 'ID', String(id));
  expect(await call('return ARGV[1]', [], ['after'])).toEqual(Buffer.from('after'));
  admin.disconnect();
});

test('a call without an answer is rejected when its time is over, and others are not', async () => {
  const hasty = new Redis(server.url, { commandTimeout: 150, maxRetriesPerRequest: null });
  hasty.on('error', () => undefined);
  expect(await callOn(hasty, 'return ARGV[1]', [], ['quick'])).toEqual(Buffer.from('quick'));
  process.kill(server.pid, 'SIGSTOP');
  try {
    const late = callOn(hasty, 'return 1', [], []);
    const later = callOn(hasty, 'return 2', [], []);
    await expect(late).rejects.toThrow('timed out');
    await expect(later).rejects.toThrow('timed out');
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  expect(await callOn(hasty, 'return ARGV[1]', [], ['again'])).toEqual(Buffer.from('again'));
  hasty.disconnect();
});

test('an error of the script is the error of its call alone', async () => {
  const [wrong, right] = await Promise.allSettled([
    call("return redis.call('HGET', KEYS[1])", ['x'], []),
    call('return 7', [], []),
  ]);
  expect(wrong.status).toBe('rejected');
  expect(right).toEqual({ status: 'fulfilled', value: 7 });
});
