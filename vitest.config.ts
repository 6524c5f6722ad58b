import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (file: string): string => fileURLToPath(new URL(`src/${file}`, import.meta.url));

// Projects of one group share the machine, groups follow one another: with two cores, a server that is being killed and
// restarted next door would turn other tests' time-outs into luck.
const groups = { fast: 0, redis: 1, chaos: 2 };

const onRedis = { globalSetup: ['test/support/global-redis.ts'] };

export default defineConfig({
  resolve: {
    alias: [
      { find: /^pawl$/, replacement: source('index.ts') },
      { find: /^pawl\/otel$/, replacement: source('otel.ts') },
      { find: /^pawl\/metrics$/, replacement: source('metrics.ts') },
      { find: /^pawl\/dashboard$/, replacement: source('dashboard.ts') },
      { find: /^pawl\/testing$/, replacement: source('testing.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'test/unit/**/*.test.ts',
            'test/programs/**/*.test.ts',
            'test/conformance/{memory,checkpointer-files}.test.ts',
          ],
          maxWorkers: 2,
          sequence: { groupOrder: groups.fast },
        },
      },
      {
        extends: true,
        test: {
          name: 'house',
          include: ['test/house/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: groups.fast },
        },
      },
      {
        extends: true,
        test: {
          name: 'redis',
          include: [
            'test/conformance/{redis,bullmq,cluster,differential}*.test.ts',
            'test/integration/**/*.test.ts',
            'test/simulation/**/*.test.ts',
          ],
          ...onRedis,
          maxWorkers: 2,
          sequence: { groupOrder: groups.redis },
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          ...onRedis,
          // One fault at a time: each test starts processes of its own.
          maxWorkers: 1,
          testTimeout: 60_000,
          sequence: { groupOrder: groups.chaos },
        },
      },
    ],
  },
});
