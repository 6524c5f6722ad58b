import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';
import { isThorough } from './test/support/thorough.ts';

const source = (file: string): string => fileURLToPath(new URL(`src/${file}`, import.meta.url));

// Every project imports the scripts, and git does not have the module that holds them.
execFileSync(process.execPath, [fileURLToPath(new URL('tools/embed-lua.mjs', import.meta.url))], {
  stdio: 'inherit',
});

// Projects of one group share the machine, groups follow one another: with two cores, what keeps both of them busy would
// turn the time-outs of the tests with faults into luck.
const groups = { fast: 0, redis: 1, chaos: 2, storm: 3 };

// Tests wait for most of their time, so more of them run at a time than there are cores.
const waiting = 4;
const starting = 3;

// Files of a project that share their modules: loading them anew for each file would be half of the work.
const shared = { isolate: false, setupFiles: ['test/support/close-pawls.ts'] };

/**
 * Replace modules or the timers of the platform, so each has a process of its own. Loops that another file of the process
 * leaves running would run in the time that such a test moves: every 25 ms of a thousand days.
 */
const replacing = [
  'test/unit/examples/crash.test.ts',
  'test/unit/engine/long-times.test.ts',
  'test/unit/redis/deadlines.test.ts',
  'test/unit/redis/redial.test.ts',
];

/** Counts the timers and the heap of its process, so nothing else may have been in it. */
const counting = 'test/integration/sleepers.test.ts';

/**
 * What takes long, and what others judge as well in parts; only with `PAWL_THOROUGH=1`.
 */
const seldom = isThorough
  ? []
  : [
      'test/conformance/{cluster-replicas,redis-acl,redis-blobs,redis-durable,redis-shards}.test.ts',
      'test/langgraph/official-cluster.test.ts',
      'test/integration/{overload,read-only-master}.test.ts',
      'test/chaos/{linearizability,poison,fairness,schedules}.test.ts',
    ];

/** Fleets of processes that keep the machine busy for minutes. */
const busy = ['test/chaos/{fairness,poison,schedules}.test.ts'];

/** In a browser, which not every machine has: `npm run test:browser`. */
const inBrowser = process.env['PAWL_BROWSER'] !== undefined;

/** LangGraph's package of checkpoints that its tests run against: the newest one, or the one named here. */
const checkpointVersion = process.env['PAWL_LANGGRAPH_CHECKPOINT'];
const otherCheckpoints =
  checkpointVersion === undefined
    ? {}
    : {
        resolve: {
          alias: [
            {
              find: /^@langchain\/langgraph-checkpoint$/,
              replacement: `langgraph-checkpoint-${checkpointVersion}`,
            },
          ],
        },
        test: { server: { deps: { inline: [/langgraph-checkpoint/] } } },
      };

const onRedis = { globalSetup: ['test/support/global-redis.ts'] };

export default defineConfig({
  resolve: {
    alias: [
      { find: /^pawl$/, replacement: source('index.ts') },
      { find: /^pawl\/ai$/, replacement: source('ai.ts') },
      { find: /^pawl\/assistant-ui$/, replacement: source('assistant-ui.ts') },
      { find: /^pawl\/tanstack-ai$/, replacement: source('tanstack-ai.ts') },
      { find: /^pawl\/otel$/, replacement: source('otel.ts') },
      { find: /^pawl\/doctor$/, replacement: source('doctor.ts') },
      { find: /^pawl\/file$/, replacement: source('file.ts') },
      { find: /^pawl\/import$/, replacement: source('import.ts') },
      { find: /^pawl\/langgraph$/, replacement: source('langgraph.ts') },
      { find: /^pawl\/metrics$/, replacement: source('metrics.ts') },
      { find: /^pawl\/openai-agents$/, replacement: source('openai-agents.ts') },
      { find: /^pawl\/dashboard$/, replacement: source('dashboard.ts') },
      { find: /^pawl\/store$/, replacement: source('store.ts') },
      { find: /^pawl\/mcp$/, replacement: source('mcp.ts') },
      { find: /^pawl\/testing$/, replacement: source('testing.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    // Many runs fail and many workers die on purpose. Tests of what is said choose for themselves.
    env: { PAWL_LOG: 'off' },
    // What a test waits for comes late on a busy machine, and that is no failure.
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 60_000,
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'test/unit/**/*.test.ts',
            'test/programs/**/*.test.ts',
            'test/conformance/{memory,threads,checkpointer-files}.test.ts',
          ],
          exclude: replacing,
          ...shared,
          maxWorkers: waiting,
          sequence: { groupOrder: groups.fast },
        },
      },
      {
        extends: true,
        test: {
          name: 'house',
          include: ['test/house/**/*.test.ts'],
          maxWorkers: waiting,
          sequence: { groupOrder: groups.fast },
        },
      },
      {
        extends: true,
        test: {
          name: 'replacing',
          include: replacing,
          maxWorkers: waiting,
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
          exclude: [counting, ...seldom],
          ...onRedis,
          ...shared,
          maxWorkers: starting,
          // Many start processes of their own, which take seconds on a busy machine.
          testTimeout: 60_000,
          sequence: { groupOrder: groups.redis },
        },
      },
      mergeConfig(otherCheckpoints, {
        extends: true,
        test: {
          name: 'langgraph',
          include: ['test/langgraph/**/*.test.ts'],
          exclude: seldom,
          ...onRedis,
          ...shared,
          // The official suite takes its words from there.
          globals: true,
          maxWorkers: starting,
          testTimeout: 60_000,
          sequence: { groupOrder: groups.redis },
        },
      }),
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          exclude: [...busy, ...seldom],
          ...onRedis,
          ...shared,
          maxWorkers: waiting,
          testTimeout: 120_000,
          sequence: { groupOrder: groups.chaos },
        },
      },
      {
        extends: true,
        test: {
          name: 'counting',
          include: [counting],
          ...onRedis,
          maxWorkers: waiting,
          testTimeout: 120_000,
          sequence: { groupOrder: groups.chaos },
        },
      },
      ...(inBrowser
        ? [
            {
              extends: true as const,
              test: {
                name: 'browser',
                include: ['test/browser/**/*.test.ts'],
                ...onRedis,
                maxWorkers: 1,
                testTimeout: 120_000,
                hookTimeout: 180_000,
                sequence: { groupOrder: groups.storm },
              },
            },
          ]
        : []),
      {
        extends: true,
        test: {
          name: 'storm',
          include: busy,
          exclude: seldom,
          ...onRedis,
          maxWorkers: 1,
          testTimeout: 120_000,
          sequence: { groupOrder: groups.storm },
        },
      },
    ],
  },
});
