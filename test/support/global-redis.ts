import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { provideRedis, type ProvidedRedis } from '../../src/testing/provide-redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Redis of this project's tests; `inject('redisUrl')`. */
    redisUrl: string;
  }
}

let redis: ProvidedRedis | undefined;

export async function setup(project: TestProject): Promise<void> {
  redis = await provideRedis({ install: true, log: (line) => process.stderr.write(`${line}\n`) });
  project.provide('redisUrl' satisfies keyof ProvidedContext, redis.url);
}

export async function teardown(): Promise<void> {
  await redis?.stop();
}
