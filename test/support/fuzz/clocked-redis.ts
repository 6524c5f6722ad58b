/**
 * A connection whose scripts ask a key for the time instead of the server.
 *
 * Two stores can be compared to the last digit only when they live in the same moment. So `TIME` in the text of each
 * script is replaced by a read of two strings that a test sets; everything else of the scripts is as shipped, and the
 * server that runs them is a real one.
 */
import { Redis, type RedisOptions } from 'ioredis';

const clockKey = 'test:clock';
const timeCall = "redis.call('TIME')";

export class ClockedRedis extends Redis {
  /** The store makes a connection of its own from the one it is given: of this kind, too. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new ClockedRedis({ ...this.options, ...override, replyMapping: 'legacy' });
  }

  override defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void {
    const lua = definition.lua.replaceAll(
      timeCall,
      `redis.call('MGET', '${clockKey}:s', '${clockKey}:us')`,
    );
    super.defineCommand(name, { ...definition, lua });
  }

  /** Puts the clock of the scripts to a time in milliseconds since 1970. */
  async setClock(ms: number): Promise<void> {
    const micros = String((ms % 1000) * 1000);
    await this.mset(`${clockKey}:s`, String(Math.floor(ms / 1000)), `${clockKey}:us`, micros);
  }
}
