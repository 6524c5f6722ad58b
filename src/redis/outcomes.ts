/** What scripts answer, as outcomes of the contract. An answer this version does not know is corruption, not a guess. */
import { CorruptionError } from '../core/errors.ts';
import type { RunStatus } from '../core/run.ts';
import type {
  CancelOutcome,
  ClaimOutcome,
  CommitOutcome,
  DeleteOutcome,
  LoadedRun,
  PauseOutcome,
  PostOutcome,
  ResumeOutcome,
} from '../core/store.ts';
import type { DueRun } from '../core/due-run.ts';
import type { Reply } from './arguments.ts';
import {
  type Entry,
  type Flat,
  ownerOf,
  toEvent,
  toMessage,
  toRecord,
  toSnapshot,
  toStatus,
  toFurthest,
  toTakeover,
} from './fields.ts';
import type { ShardKeys } from './keys.ts';

/** The run a reply is about, and the keys of its shard. */
export interface About {
  readonly run: string;
  readonly shard: ShardKeys;
}

export function toLoaded(about: About, [run, payload, snapshot, events]: Reply): LoadedRun {
  const { shard } = about;
  const key = shard.run(about.run);
  return {
    record: toRecord({ key, id: about.run }, run as Flat, payload as Flat),
    snapshot: toSnapshot(shard.snapshot(about.run), snapshot as Flat),
    events: (events as Entry[]).map((entry) => toEvent(shard.events(about.run), entry)),
  };
}

export function toClaim(about: About, [outcome, ...rest]: Reply, token: string): ClaimOutcome {
  const key = about.shard.run(about.run);
  switch (String(outcome)) {
    case 'claimed': {
      const loaded = toLoaded(about, rest);
      const run = rest[0] as Flat;
      const inbox = about.shard.inbox(about.run);
      return {
        outcome: 'claimed',
        ownership: {
          run: about.run,
          fence: loaded.record.fence,
          owner: ownerOf(key, run) ?? token,
        },
        takeover: toTakeover(key, run),
        furthest: toFurthest(key, run),
        messages: (rest[4] as Entry[]).map((entry) => toMessage(inbox, entry)),
        ...loaded,
      };
    }
    case 'held':
      return { outcome: 'held', worker: String(rest[0]) };
    case 'stale':
      return { outcome: 'stale', fence: Number(rest[0]) };
    case 'newer':
      return { outcome: 'newer', codeVersion: Number(rest[0]) };
    case 'idle':
      return { outcome: 'idle', status: statusOf(about, rest[0]) };
    case 'missing':
      return { outcome: 'missing' };
    case 'damaged':
      throw new CorruptionError(
        { key: String(rest[0]) },
        `cannot be worked with (${String(rest[1])})`,
      );
    default:
      throw unknownReply(about, outcome);
  }
}

export function toCommit(about: About, [outcome, first, second]: Reply): CommitOutcome {
  switch (String(outcome)) {
    case 'committed':
      return { outcome: 'committed', seq: Number(first), version: Number(second) };
    case 'fenced':
      return { outcome: 'fenced', fence: Number(first), applied: second === 1 };
    case 'conflict':
      return { outcome: 'conflict', seq: Number(first) };
    case 'mail':
      return { outcome: 'mail' };
    case 'missing':
      return { outcome: 'missing' };
    case 'damaged':
      throw new CorruptionError(
        { key: about.shard.snapshot(about.run) },
        'is packed, and its lengths do not fit',
      );
    default:
      throw unknownReply(about, outcome);
  }
}

export function toPost(about: About, [outcome, ...rest]: Reply): PostOutcome {
  switch (String(outcome)) {
    case 'posted':
      return { outcome: 'posted', woken: rest[1] === 1, wakeUp: toDueRun(about, rest.slice(2)) };
    case 'known':
      return {
        ...{ outcome: 'known', taken: rest[0] === 1, woken: rest[1] === 1 },
        wakeUp: toDueRun(about, rest.slice(2)),
      };
    case 'ended':
      return { outcome: 'ended', status: statusOf(about, rest[0]) };
    case 'missing':
      return { outcome: 'missing' };
    default:
      throw unknownReply(about, outcome);
  }
}

export function toCancel(about: About, [outcome, ...rest]: Reply): CancelOutcome {
  switch (String(outcome)) {
    case 'asked':
      return { outcome: 'asked', wakeUp: toDueRun(about, rest) };
    case 'cancelled':
      return { outcome: 'cancelled' };
    case 'ended':
      return { outcome: 'ended', status: statusOf(about, rest[0]) };
    case 'missing':
      return { outcome: 'missing' };
    default:
      throw unknownReply(about, outcome);
  }
}

export function toPause(about: About, [outcome, status]: Reply): PauseOutcome {
  switch (String(outcome)) {
    case 'paused':
      return { outcome: 'paused', status: statusOf(about, status) };
    case 'ended':
      return { outcome: 'ended', status: statusOf(about, status) };
    case 'missing':
      return { outcome: 'missing' };
    default:
      throw unknownReply(about, outcome);
  }
}

export function toResume(about: About, [outcome, ...rest]: Reply): ResumeOutcome {
  switch (String(outcome)) {
    case 'resumed':
      return { outcome: 'resumed', wakeUp: toDueRun(about, rest) };
    case 'idle':
      return { outcome: 'idle', status: statusOf(about, rest[0]) };
    case 'missing':
      return { outcome: 'missing' };
    default:
      throw unknownReply(about, outcome);
  }
}

export function toDelete(about: About, [outcome, worker]: Reply): DeleteOutcome {
  switch (String(outcome)) {
    case 'deleted':
      return { outcome: 'deleted' };
    case 'active':
      return { outcome: 'active', worker: String(worker) };
    case 'changed':
    case 'untold':
      return { outcome: 'changed' };
    case 'missing':
      return { outcome: 'missing' };
    default:
      throw unknownReply(about, outcome);
  }
}

/** A run whose record cannot be read, for the log. */
interface DamagedRun {
  readonly run: string;
  readonly key: string;
  readonly error: string;
}

/** Runs as interrupt and due list them: seven values each. */
export function toDueRuns(
  shard: ShardKeys,
  reply: Reply,
): { readonly runs: readonly DueRun[]; readonly damaged: readonly DamagedRun[] } {
  const runs: DueRun[] = [];
  const damaged: DamagedRun[] = [];
  for (let i = 0; i + 6 < reply.length; i += 7) {
    const run = String(reply[i]);
    if (String(reply[i + 3]) === 'damaged') {
      damaged.push({ run, key: shard.run(run), error: String(reply[i + 6]) });
    } else {
      runs.push(toDueRun({ run, shard }, reply.slice(i + 1, i + 7)));
    }
  }
  return { runs, damaged };
}

function toDueRun(about: About, [workflow, fence, status, deaths, priority, told]: Reply): DueRun {
  const notes = String(told);
  return {
    run: about.run,
    workflow: String(workflow),
    fence: Number(fence),
    status: statusOf(about, status),
    deaths: Number(deaths),
    priority: Number(priority),
    ...{ untold: notes.includes('u'), owes: notes.includes('o'), asleep: notes.includes('a') },
  };
}

function statusOf({ run, shard }: About, status: unknown): RunStatus {
  return toStatus(shard.run(run), String(status));
}

function unknownReply({ run, shard }: About, outcome: unknown): CorruptionError {
  return new CorruptionError(
    { key: shard.run(run) },
    `made a script answer ${String(outcome)}, which this version does not know`,
  );
}
