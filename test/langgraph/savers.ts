/** Savers and checkpoints for tests. */
import { emptyCheckpoint, uuid6, type Checkpoint } from '@langchain/langgraph-checkpoint';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { PawlSaver, type PawlSaverOptions } from '../../src/langgraph.ts';
import { newPrefix } from '../support/workers.ts';

/**
 * Asks Redis by a connection of its own. Files of the project share this module, so a connection that the end of one file
 * closes would be missing in the next.
 */
async function asked<T>(ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(inject('redisUrl'));
  try {
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}

export interface OpenedSaver {
  readonly saver: PawlSaver;
  readonly prefix: string;
  /** Keys of the prefix that hold something of a thread. */
  readonly keys: (thread: string) => Promise<string[]>;
}

export async function openSaver(options: PawlSaverOptions = {}): Promise<OpenedSaver> {
  const prefix = options.prefix ?? newPrefix();
  const saver = await PawlSaver.open({ redis: inject('redisUrl'), ...options, prefix });
  onTestFinished(() => saver.close());
  return {
    saver,
    prefix,
    keys: async (thread) => {
      const all = await asked((redis) => redis.keys(`{${prefix}*`));
      return all.filter((key) => key.includes(`thread~${thread}`));
    },
  };
}

/** All bytes that Redis has under a prefix, as text. */
export async function bytesOf(prefix: string): Promise<string> {
  return asked(async (redis) => {
    const found: string[] = [];
    for (const key of await redis.keys(`{${prefix}*`)) {
      const dumped = await redis.dumpBuffer(key);
      found.push(key, dumped?.toString('latin1') ?? '');
    }
    return found.join('\n');
  });
}

/** What the keys of a prefix take in the memory of Redis. */
export async function memoryOf(prefix: string): Promise<number> {
  return asked(async (redis) => {
    const keys = await redis.keys(`{${prefix}*`);
    const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
    return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
  });
}

export const atRoot = (thread: string, checkpoint?: string) => ({
  configurable: {
    thread_id: thread,
    checkpoint_ns: '',
    ...(checkpoint === undefined ? {} : { checkpoint_id: checkpoint }),
  },
});

let step = 0;

/** Ids grow: the checkpoint that is made last is the newest. */
export function newCheckpoint(
  values: Readonly<Record<string, unknown>>,
  versions: Readonly<Record<string, number>> = Object.fromEntries(
    Object.keys(values).map((channel) => [channel, 1]),
  ),
): Checkpoint {
  return {
    ...emptyCheckpoint(),
    id: uuid6(step++),
    channel_values: { ...values },
    channel_versions: { ...versions },
  };
}

export const metadata = (more: object = {}) => ({
  source: 'loop' as const,
  step: 0,
  parents: {},
  ...more,
});
