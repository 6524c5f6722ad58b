/** Where programs are played: what one process of a fleet works with, in memory or on a real Redis. */
import { randomBytes } from 'node:crypto';
import { BullResumeQueue } from '../../src/bullmq/resume-queue.ts';
import { detach } from '../../src/core/detached.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { ResumeQueue } from '../../src/core/queue.ts';
import type { RunStore } from '../../src/core/store.ts';
import { Keyring } from '../../src/encryption/keyring.ts';
import { EncryptedRunStore } from '../../src/encryption/run-store.ts';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { RewindingStore } from './rewinds.ts';

export interface Process {
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  /** It dies: its presence is gone. */
  vanish(worker: string): void;
  close(): Promise<void>;
}

export interface Ground {
  open(): Promise<Process>;
  /** What to do to have the run forgotten back to what it is now; undefined where that cannot be done. */
  readonly image?: (run: string) => () => void;
  /** Blobs that were forgotten with it. */
  readonly forgottenBlobs?: ReadonlySet<string>;
}

export function inMemory(): Ground {
  const store = new RewindingStore();
  const queue = new MemoryResumeQueue();
  return {
    open: async () => ({
      store,
      queue,
      vanish: (worker) => store.vanish(worker),
      close: async () => undefined,
    }),
    image: (run) => store.image(run),
    forgottenBlobs: store.forgottenBlobs,
  };
}

/** What lies in the store is sealed; whoever dies or judges is above that, and sees it plain. */
export function encrypted(ground: Ground): Ground {
  const keys = { k1: randomBytes(32) };
  const keyring = new Keyring({ keys, current: 'k1', required: true }, 'fuzz');
  return {
    ...ground,
    open: async () => {
      const process = await ground.open();
      return { ...process, store: new EncryptedRunStore(process.store, keyring) };
    },
  };
}

/** Each process has connections of its own, which end when it dies. */
export function onRedis(url: string): Ground {
  const prefix = `fuzz-${randomBytes(6).toString('hex')}`;
  return {
    open: async () => {
      const store = await RedisRunStore.open({ redis: url, prefix });
      const queue = new BullResumeQueue({
        connect: (purpose) => store.connectionFor(purpose),
        evaluate: (lua, keys) => store.evaluate(lua, keys),
        prefix: `{${prefix}}:bull`,
        logger: silentLogger,
      });
      const close = async (): Promise<void> => {
        await queue.close();
        await store.close();
      };
      const vanish = (): void => detach(store.close(), () => undefined);
      return { store, queue, vanish, close };
    },
  };
}
