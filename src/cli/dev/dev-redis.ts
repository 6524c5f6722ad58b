/** A Redis for `pawl dev`: the one that was named, the one of this machine, a private one, or none. */
import { waitForRedis } from '../../testing/ping.ts';
import { provideRedis } from '../../testing/provide-redis.ts';
import type { Shell } from '../shell.ts';

export interface DevRedis {
  /** Undefined: there is none, and runs are kept in the memory of this process. */
  readonly url: string | undefined;
  stop(): Promise<void>;
}

const answerMs = 300;
const nothing = async (): Promise<void> => undefined;

export async function devRedis(shell: Shell): Promise<DevRedis> {
  const { value, from } = shell.settings.redis;
  if (from !== 'default') return { url: value ?? '', stop: nothing };
  const isThere = await waitForRedis({ host: '127.0.0.1', port: 6379 }, answerMs).then(
    () => true,
    () => false,
  );
  if (isThere) return { url: value ?? '', stop: nothing };
  try {
    const redis = await provideRedis({ docker: 'never' });
    shell.say(`Started a private Redis at ${redis.url}. What is in it goes when pawl dev ends.`);
    return redis;
  } catch {
    shell.say(
      [
        'No Redis is here, so runs are in the memory of this process: NOTHING IS DURABLE.',
        'The end of this process loses all of them. Two threads are the workers.',
        'Type kill to terminate the one that has a run: the other one takes over.',
        'Type start <workflow> [input as JSON] to start a run.',
        `To have a Redis: ${redisCommand()}`,
      ].join('\n'),
    );
    return { url: undefined, stop: nothing };
  }
}

/** The one command that brings a Redis on this system. */
function redisCommand(): string {
  if (process.platform === 'darwin') return 'brew install redis';
  if (process.platform === 'win32')
    return 'wsl --install, and then: sudo apt-get install -y redis-server';
  return 'sudo apt-get install -y redis-server';
}
