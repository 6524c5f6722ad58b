// Goal: what a worker does at its start, to be quick at its first take-over, reaches the body of a step, changes nothing in
// Redis, and is told to nobody. Method: real Redis, all of whose keys are compared.
import { Redis } from 'ioredis';
import { expect, inject, test, vi } from 'vitest';
import { defaultLimits } from '../../src/core/limits.ts';
import type { ResumeQueue } from '../../src/core/queue.ts';
import type { RunStore } from '../../src/core/store.ts';
import { Keyring } from '../../src/encryption/keyring.ts';
import { EncryptedRunStore } from '../../src/encryption/run-store.ts';
import { listen } from '../../src/engine/diagnostics.ts';
import { RunsHere } from '../../src/engine/runs-here.ts';
import { systemClock } from '../../src/engine/system-clock.ts';
import { newToken } from '../../src/engine/token.ts';
import { settingsOf } from '../../src/engine/worker/settings.ts';
import { warmUp } from '../../src/engine/worker/warm-up.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { newPrefix } from '../support/workers.ts';

const host = {
  session: { ageMs: 0, lapses: 0, loopLagMs: 0 },
  isClosing: () => false,
  onParked: () => undefined,
  onReclaimed: () => undefined,
};

/** How often a body was reached, and what was told meanwhile. */
async function warmedUp(store: RunStore): Promise<{ reached: number; told: unknown[] }> {
  const told: unknown[] = [];
  const tell = vi.fn((...said: unknown[]) => told.push(said));
  const logger = { debug: tell, info: tell, warn: tell, error: tell };
  const stops = (['run:claimed', 'run:released', 'step:ended'] as const).map((name) =>
    listen(name, (message) => told.push(message)),
  );
  const services = {
    store,
    queue: {} as ResumeQueue,
    limits: defaultLimits,
    clock: systemClock,
    logger,
    tracing: undefined,
    newToken,
    here: new RunsHere(),
    random: Math.random,
    tell: (...said: unknown[]) => void told.push(said),
    asCaller: <T>(call: () => T): T => call(),
    worker: 'w',
    wake: (wakeUp: unknown) => Promise.resolve(void told.push(wakeUp)),
    settings: settingsOf({ workflows: [] }),
  };
  const reached = await warmUp(services, host);
  for (const stop of stops) stop();
  return { reached, told };
}

test.each(['plain', 'encrypted'])(
  'a take-over that is played reaches the body, and changes nothing in Redis: %s',
  async (kind) => {
    const prefix = newPrefix();
    const redis = new Redis(inject('redisUrl'));
    const stored = async (): Promise<readonly (readonly [string, Buffer | null])[]> => {
      const names = (await redis.keys(`*${prefix}*`)).sort();
      return Promise.all(names.map(async (name) => [name, await redis.dumpBuffer(name)] as const));
    };
    const plain = await RedisRunStore.open({ redis: inject('redisUrl'), prefix });
    const keys = new Keyring({ keys: { a: Buffer.alloc(32, 1) }, current: 'a' }, prefix);
    const store = kind === 'plain' ? plain : new EncryptedRunStore(plain, keys);
    const before = await stored();
    expect(await warmedUp(store)).toEqual({ reached: 3, told: [] });
    expect(await stored()).toEqual(before);
    await store.close();
    redis.disconnect();
  },
);

test('a store to which there is no way needs no warming up', async () => {
  expect(await warmedUp(new MemoryRunStore())).toEqual({ reached: 0, told: [] });
});
