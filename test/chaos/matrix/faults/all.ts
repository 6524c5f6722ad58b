/** Everything that can be injected. */
import type { Fault } from '../fault.ts';
import { blockedLoop } from './blocked-loop.ts';
import { clientKill } from './client-kill.ts';
import { crashPoints } from './crash-point.ts';
import { halfOpen, partition, replyDropped, slowNetwork } from './network.ts';
import { deployWhenFull, outOfMemory } from './out-of-memory.ts';
import { poisonRun } from './poison-run.ts';
import { jobsDelayed, jobsDeleted, jobsDoubled, queueDeleted } from './queue-jobs.ts';
import { redisCrash } from './redis-crash.ts';
import { redisFreeze } from './redis-freeze.ts';
import { redisRewind } from './redis-rewind.ts';
import { rollingDeploy } from './rolling-deploy.ts';
import { scriptFlush } from './script-flush.ts';
import { workerFreeze } from './worker-freeze.ts';
import { workerKill } from './worker-kill.ts';
import { wrongClock } from './wrong-clock.ts';

export const faults: readonly Fault[] = [
  workerKill,
  workerFreeze,
  rollingDeploy,
  wrongClock,
  blockedLoop,
  poisonRun,
  redisCrash,
  redisRewind,
  redisFreeze,
  outOfMemory,
  deployWhenFull,
  scriptFlush,
  clientKill,
  jobsDoubled,
  jobsDelayed,
  jobsDeleted,
  queueDeleted,
  replyDropped,
  halfOpen,
  slowNetwork,
  partition,
  ...crashPoints,
];
