/**
 * A connection whose scripts ask a key for the time instead of the server.
 *
 * Two stores can be compared to the last digit only when they live in the same moment. So `TIME` in the text of each
 * script is replaced by a read of two strings that a test sets; everything else of the scripts is as shipped, and the
 * server that runs them is a real one.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { type Script, ScriptCommand, toScript } from '../../../src/redis/script-command.ts';

const clockKey = 'test:clock';
const timeCall = "redis.call('TIME')";

const scripts = new Map<string, Script>();

/** The script with the other clock, the same one each time. */
function clocked({ name, source }: Script): Script {
  const known = scripts.get(name);
  // A call that is sent again has been here before.
  if (known?.source === source) return known;
  const read = `redis.call('MGET', '${clockKey}:s', '${clockKey}:us')`;
  const script = toScript(name, source.replaceAll(timeCall, read));
  scripts.set(name, script);
  return script;
}

export class ClockedRedis extends Redis {
  /** The store makes a connection of its own from the one it is given: of this kind, too. */
  override duplicate(override?: Partial<RedisOptions>): Redis {
    return new ClockedRedis({ ...this.options, ...override, replyMapping: 'legacy' });
  }

  override sendCommand(...call: Parameters<Redis['sendCommand']>): unknown {
    const [command] = call;
    if (command instanceof ScriptCommand) command.script = clocked(command.script);
    return super.sendCommand(...call);
  }

  /** Puts the clock of the scripts to a time in milliseconds since 1970. */
  async setClock(ms: number): Promise<void> {
    const micros = String((ms % 1000) * 1000);
    await this.mset(`${clockKey}:s`, String(Math.floor(ms / 1000)), `${clockKey}:us`, micros);
  }
}
