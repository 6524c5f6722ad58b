import { Redis } from 'ioredis';
import { startRedisServer } from '../../src/testing/redis-server.ts';

/** Whether the servers that tests start have a command, like `waitaof` or `cluster|migrateslots`. */
export async function serverHas(command: string): Promise<boolean> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  try {
    const [found] = (await redis.call('COMMAND', 'INFO', command)) as unknown[];
    return found !== null && found !== undefined;
  } finally {
    redis.disconnect();
    await server.stop();
  }
}
