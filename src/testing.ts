export type { OpenedCheckpointer } from './testing/checkpointer/opened.ts';
export { checkpointerSuite, type CheckpointerSuiteOptions } from './testing/checkpointer-suite.ts';
export {
  crashTest,
  CrashTestError,
  type CrashTestOptions,
  type CrashTestReport,
  type CrashTestViolation,
} from './testing/crash-test.ts';
export type { CrashTestQuestion, CrashTestReply } from './testing/crash-test/asker.ts';
export type { CrashTestEnding, CrashTestSignal } from './testing/crash-test/performance.ts';
export { MemoryBlobStore } from './memory/blob-store.ts';
export { ManualClock } from './testing/manual-clock.ts';
export { openInMemory, type OpenInMemoryOptions } from './testing/open-in-memory.ts';
export {
  type InThreadsOptions,
  openInThreads,
  type PawlInThread,
  pawlInThread,
  type PawlThread,
  type PawlThreads,
  type ThreadEnd,
  type ThreadOptions,
} from './testing/open-in-threads.ts';
export {
  provideRedis,
  type ProvidedRedis,
  type ProvideRedisOptions,
} from './testing/provide-redis.ts';
export {
  freePort,
  startRedisServer,
  type RedisServer,
  type RedisServerOptions,
} from './testing/redis-server.ts';
export type { OpenedResumeQueue } from './testing/resume-queue/opened.ts';
export { resumeQueueSuite, type ResumeQueueSuiteOptions } from './testing/resume-queue-suite.ts';
export type { OpenedRunStore } from './testing/run-store/opened.ts';
export { runStoreSuite, type RunStoreSuiteOptions } from './testing/run-store-suite.ts';
export type { Expect, Matchers, Runner, Skip } from './testing/runner.ts';
