/** Runs that need attention, as scripts list them: nine values each, the id first. */
import type { DueRun } from '../core/due-run.ts';
import type { Reply } from './arguments.ts';
import type { ShardKeys } from './keys.ts';
import { statusOf } from './replies.ts';

/** A run whose record cannot be read, for the log. */
export interface DamagedRun {
  readonly run: string;
  readonly key: string;
  readonly error: string;
}

export interface DueRuns {
  readonly runs: readonly DueRun[];
  readonly damaged: readonly DamagedRun[];
}

export function toDueRuns(shard: ShardKeys, reply: Reply): DueRuns {
  const runs: DueRun[] = [];
  const damaged: DamagedRun[] = [];
  for (let i = 0; i + 8 < reply.length; i += 9) {
    const run = String(reply[i]);
    if (String(reply[i + 3]) === 'damaged') {
      damaged.push({ run, key: shard.run(run), error: String(reply[i + 6]) });
    } else {
      runs.push(toDueRun(shard, run, reply.slice(i + 1, i + 9)));
    }
  }
  return { runs, damaged };
}

export function toDueRun(
  shard: ShardKeys,
  run: string,
  [workflow, fence, status, losses, priority, told, key, birth]: Reply,
): DueRun {
  const notes = String(told);
  return {
    run,
    workflow: String(workflow),
    fence: Number(fence),
    status: statusOf(shard, run, status),
    losses: Number(losses),
    priority: Number(priority),
    notifyPending: notes.includes('u'),
    cancelPending: notes.includes('o'),
    asleep: notes.includes('a'),
    ...(notes.includes('t')
      ? { needsTurn: { key: String(key), birth: String(birth), begun: notes.includes('b') } }
      : {}),
  };
}
