/**
 * The scripts inside Redis, each as one typed call. The order of KEYS and ARGV is spelled here (for whole runs in
 * transfer.ts, for schedules in schedules.ts) and in the header of the script, nowhere else.
 */
import { Cluster } from 'ioredis';
import { censusLook } from '../core/census.ts';
import type { CompactParams } from '../core/archive.ts';
import { deletionsKept } from '../core/deletions.ts';
import { defaults, fixedLimits } from '../core/limits.ts';
import { type RunProgress, runStatuses } from '../core/run.ts';
import type { ListPlace } from '../core/run-query.ts';
import type {
  CancelParams,
  ClaimParams,
  CommitParams,
  CreateParams,
  Ownership,
  PostParams,
  Seen,
} from '../core/store.ts';
import type { DueParams, InterruptParams, SeenWorker, WorkerInfo } from '../core/fleet.ts';
import type { ListParams } from '../core/lists.ts';
import { AppendGroups, appendArguments, toAppended } from './append-groups.ts';
import { type Argument, type Reply, toBuffer } from './arguments.ts';
import { commitArguments } from './commit-arguments.ts';
import type { Connection } from './connection.ts';
import { createArguments } from './create-arguments.ts';
import { Deadlines } from './deadlines.ts';
import type { DurableScript, DurableWrites } from './durable-writes.ts';
import { toFault } from './faults.ts';
import { formatWorker } from './fields.ts';
import type { Keys, ShardKeys } from './keys.ts';
import { listArguments } from './list-arguments.ts';
import { lua } from './lua.gen.ts';
import { type Script, ScriptCommand, sendThrough, toScript } from './script-command.ts';
import { WriteBatch } from './write-batch.ts';

type ScriptName = keyof typeof lua;
/** The others are called with the keys of one thing, as many as they always have. */
type SingleScript = Exclude<
  ScriptName,
  'appendMany' | 'list' | 'survey' | 'unlist' | 'bury' | 'config'
>;

type ScheduleScript = Extract<SingleScript, `${string}chedule${string}`>;

/** Keys of each script. */
const keyCounts: Readonly<Record<SingleScript, number>> = {
  alive: 1,
  append: 2,
  beat: 4,
  cancel: 6,
  census: 1,
  claim: 7,
  commit: 3,
  compact: 3,
  create: 5,
  delete: 10,
  drain: 1,
  due: 1,
  forget: 3,
  interrupt: 3,
  leave: 4,
  load: 4,
  look: 3,
  measure: 8,
  pause: 3,
  post: 4,
  progress: 1,
  recall: 3,
  record: 2,
  reindex: 3,
  restore: 15,
  resume: 6,
  schedule: 3,
  schedulesAdvance: 2,
  schedulesDue: 1,
  schedulesPostpone: 1,
  settle: 1,
  stage: 6,
  told: 2,
  unproven: 1,
  unpark: 2,
  unschedule: 3,
  whole: 5,
  workers: 1,
};

/** What is acknowledged to somebody; true where the script recognises its repetition. */
const acknowledged = {
  append: true,
  cancel: true,
  claim: true,
  commit: true,
  create: true,
  delete: false,
  pause: true,
  post: true,
  restore: true,
  resume: false,
  schedule: true,
  unschedule: false,
} satisfies Partial<Record<SingleScript, boolean>>;

const page = fixedLimits.eventsPerLoad;

export class Scripts {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #batch: WriteBatch;
  readonly #deadlines = new Deadlines();
  readonly #scripts: Readonly<Record<ScriptName, Script>>;
  readonly #groups: AppendGroups | undefined;
  readonly #durable: DurableWrites | undefined;
  readonly #durableScripts = new Map<string, DurableScript>();

  /** With `durable`, writes are acknowledged only when they are confirmed. */
  constructor(connection: Connection, keys: Keys, durable?: DurableWrites) {
    this.#connection = connection;
    this.#keys = keys;
    this.#durable = durable;
    this.#batch = new WriteBatch(connection);
    const scripts = Object.entries(lua).map(([name, source]) => [name, toScript(name, source)]);
    this.#scripts = Object.fromEntries(scripts) as Record<ScriptName, Script>;
    for (const [name, isRepeatable] of Object.entries(acknowledged)) {
      const script = name as keyof typeof acknowledged;
      const { source, sha } = this.#scripts[script];
      this.#durableScripts.set(script, { source, sha, keys: keyCounts[script], isRepeatable });
    }
    // Durable writes gather by themselves.
    if (durable === undefined) {
      this.#groups = new AppendGroups({
        // Groups are made already, and each is to be on its way while the next is made.
        one: (args, keyCount) => this.#send('append', args, keyCount),
        many: (args, keyCount) => this.#send('appendMany', args, keyCount),
      });
    }
  }

  create(params: CreateParams, sure: boolean): Promise<Reply> {
    const shard = this.#keys.of(params.run);
    const shards = this.#keys.shards.length;
    return this.#call('create', createArguments(shard, params, { shards, sure }));
  }

  claim(params: ClaimParams): Promise<Reply> {
    const shard = this.#keys.of(params.run);
    return this.#call('claim', [
      ...runKeys(shard, params.run),
      ...[shard.held(params.worker), shard.inbox(params.run)],
      ...[params.run, params.worker, params.token, params.codeVersion],
      ...[params.expectedFence ?? '', page, shard.base, params.loose === true ? 1 : ''],
      ...[params.reclaim === true ? 1 : '', params.anyVersion === true ? 1 : ''],
    ]);
  }

  /** A commit; one that only appends takes the short way. */
  commit(params: CommitParams): Promise<Reply> {
    const shard = this.#keys.of(params.run);
    const { snapshot, release, taken } = params;
    if (snapshot === undefined && release === undefined && taken === undefined) {
      if (this.#groups !== undefined) return this.#groups.append(shard, params);
      const appended = this.#call('append', appendArguments(shard, params));
      return appended.then((reply) => toAppended(params, reply));
    }
    return this.#call('commit', commitArguments(shard, params));
  }

  interrupt(shard: ShardKeys, params: InterruptParams): Promise<Reply> {
    const { worker } = params;
    const held = shard.held(worker);
    // In a Cluster, sessions are on another server than most runs.
    const seen = this.#connection instanceof Cluster ? undefined : params.seen;
    return this.#call('interrupt', [
      ...[held, shard.due, seen === undefined ? held : this.#keys.worker(worker)],
      ...[worker, params.reason, params.lastSeenAt, params.resendMs],
      ...[params.quarantineAfter, params.limit, shard.base, params.evidence ?? ''],
      ...this.#seen(worker, seen),
      ...(params.runs ?? []),
    ]);
  }

  unproven(shard: ShardKeys, worker: string, limit: number): Promise<Reply> {
    return this.#call('unproven', [shard.held(worker), worker, shard.base, limit]);
  }

  due(shard: ShardKeys, params: DueParams): Promise<Reply> {
    return this.#call('due', [
      shard.due,
      ...[params.limit, params.resendMs, shard.base, params.aheadMs ?? 0],
    ]);
  }

  /** `data` keeps the deletion; `seen` is what the run must still be. */
  delete(run: string, data?: Uint8Array, seen?: Seen): Promise<Reply> {
    const shard = this.#keys.of(run);
    const mail = [shard.inbox(run), shard.seen(run)];
    const kept = [shard.checkpoints(run), shard.kept(run)];
    const { status = '', fence = '', seq = '' } = seen ?? {};
    return this.#call('delete', [
      ...[...runKeys(shard, run), ...mail, ...kept, shard.deleted],
      ...[run, shard.base, data === undefined ? '' : toBuffer(data), deletionsKept],
      ...[status, fence, seq],
    ]);
  }

  compact({ run, upTo, limit }: CompactParams): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('compact', [
      ...[shard.run(run), shard.events(run), shard.snapshot(run)],
      ...[upTo ?? '', limit],
    ]);
  }

  async forget(run: string, checkpoints: readonly string[]): Promise<number> {
    const shard = this.#keys.of(run);
    const keys = [shard.run(run), shard.checkpoints(run), shard.kept(run)];
    return Number(await this.#call('forget', [...keys, ...checkpoints]));
  }

  measure(run: string): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('measure', [
      ...[shard.run(run), shard.payload(run), shard.events(run), shard.snapshot(run)],
      ...[shard.checkpoints(run), shard.kept(run), shard.inbox(run), shard.seen(run)],
      0,
    ]);
  }

  post(params: PostParams): Promise<Reply> {
    const { run } = params;
    const shard = this.#keys.of(run);
    return this.#call('post', [
      ...[shard.run(run), shard.inbox(run), shard.seen(run), shard.due],
      ...[run, params.id, params.kind, params.name, toBuffer(params.data), shard.base],
    ]);
  }

  cancel(params: CancelParams): Promise<Reply> {
    const { run } = params;
    const shard = this.#keys.of(run);
    return this.#call('cancel', [
      ...[shard.run(run), shard.payload(run), shard.events(run)],
      ...[shard.inbox(run), shard.seen(run), shard.due],
      ...[run, params.id, toBuffer(params.data), toBuffer(params.error), params.keepMs, shard.base],
    ]);
  }

  progress({ run, fence, owner }: Ownership, progress: RunProgress): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('progress', [
      ...[shard.run(run), fence, owner],
      ...[progress.fraction, progress.message, shard.changed(run)],
    ]);
  }

  told(run: string, fence: number, what: 'untold' | 'owes'): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('told', [shard.run(run), shard.due, run, fence, what]);
  }

  /** Runs of one shard, each under the fence it was parked with. */
  settle(
    shard: ShardKeys,
    worker: string,
    runs: readonly Pick<Ownership, 'run' | 'fence'>[],
  ): Promise<Reply> {
    const args = runs.flatMap(({ run, fence }) => [run, fence]);
    return this.#call('settle', [shard.parked(worker), worker, shard.base, ...args]);
  }

  /** How many runs were looked at: fewer than `limit` when none is left. */
  async unpark(shard: ShardKeys, worker: string, limit: number): Promise<number> {
    const keys = [shard.parked(worker), shard.due];
    return Number(await this.#call('unpark', [...keys, worker, limit, shard.base]));
  }

  pause(run: string, data: Uint8Array): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('pause', [
      ...[shard.run(run), shard.events(run), shard.due],
      ...[run, toBuffer(data), shard.base],
    ]);
  }

  resume(run: string, data: Uint8Array): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('resume', [
      ...[shard.run(run), shard.payload(run), shard.events(run), shard.due],
      ...[shard.inbox(run), shard.seen(run)],
      ...[run, toBuffer(data), shard.base],
    ]);
  }

  record(shard: ShardKeys, run: string): Promise<Reply> {
    return this.#call('record', [shard.run(run), shard.payload(run)]);
  }

  load(run: string): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('load', [
      ...[shard.run(run), shard.payload(run), shard.events(run), shard.snapshot(run)],
      page,
    ]);
  }

  list(shard: ShardKeys, params: ListParams, after: ListPlace | undefined): Promise<Reply> {
    const { keys, args } = listArguments(shard, params, after);
    this.#batch.join();
    return this.#send('list', [...keys, ...args], keys.length);
  }

  reindex(run: string): Promise<Reply> {
    const shard = this.#keys.of(run);
    return this.#call('reindex', [
      ...[shard.run(run), shard.payload(run), shard.due],
      ...[run, shard.base, defaults.keepMs, ...runStatuses],
    ]);
  }

  census(shard: ShardKeys): Promise<Reply> {
    return this.#call('census', [shard.due, shard.base, censusLook, ...runStatuses]);
  }

  recall(run: string, checkpoint: string): Promise<Reply> {
    const shard = this.#keys.of(run);
    const kept = [shard.checkpoints(run), shard.kept(run)];
    return this.#call('recall', [shard.snapshot(run), ...kept, checkpoint]);
  }

  whole(args: Argument[]): Promise<Reply> {
    return this.#call('whole', args);
  }

  stage(args: Argument[]): Promise<Reply> {
    return this.#call('stage', args);
  }

  restore(args: Argument[]): Promise<Reply> {
    return this.#call('restore', args);
  }

  ofSchedules(script: ScheduleScript, args: Argument[]): Promise<Reply> {
    return this.#call(script, args);
  }

  beat(worker: WorkerInfo, sessionMs: number, atWork: string): Promise<Reply> {
    const keys = this.#keys;
    return this.#call('beat', [
      ...[keys.workers, keys.worker(worker.id), keys.presence, keys.config],
      ...[worker.id, keys.live(worker.id), sessionMs, keys.shards.length],
      ...formatWorker(worker),
      ...['atWork', atWork],
    ]);
  }

  leave(worker: string, seen?: SeenWorker): Promise<Reply> {
    const keys = this.#keys;
    return this.#call('leave', [
      keys.workers,
      keys.worker(worker),
      keys.presence,
      keys.sweeper,
      worker,
      ...this.#seen(worker, seen),
    ]);
  }

  /** The last beat of a worker, and the channel on which nobody listened, as far as a script is to compare them. */
  #seen(worker: string, seen: SeenWorker | undefined): Argument[] {
    return [seen?.seenAt ?? '', seen?.isAbsent === true ? this.#keys.live(worker) : ''];
  }

  drain(worker: string): Promise<Reply> {
    return this.#call('drain', [this.#keys.worker(worker)]);
  }

  workers(ids: readonly string[]): Promise<Reply> {
    const { presence, workerBase } = this.#keys;
    return this.#call('workers', [presence, workerBase, ...ids]);
  }

  alive(): Promise<Reply> {
    return this.#call('alive', [this.#keys.workers]);
  }

  look(worker: string, lockMs: number): Promise<Reply> {
    const keys = this.#keys;
    return this.#call('look', [
      ...[keys.workers, keys.presence, keys.sweeper],
      ...[worker, lockMs, keys.liveBase, keys.workerBase],
    ]);
  }

  #call(name: SingleScript, args: Argument[]): Promise<Reply> {
    const script = this.#durable && this.#durableScripts.get(name);
    if (this.#durable === undefined || script === undefined) {
      this.#batch.join();
      return this.#send(name, args, keyCounts[name]);
    }
    return this.#durable.call(script, args).catch((error: unknown) => {
      throw toFault(error, name);
    });
  }

  #send(name: ScriptName, args: Argument[], keyCount: number): Promise<Reply> {
    const connection = this.#connection;
    const through = { connection, deadlines: this.#deadlines };
    const command = new ScriptCommand(this.#scripts[name], { keyCount, args }, through);
    sendThrough(connection, command);
    return command.reply;
  }
}

/** KEYS 1–5 of claim and delete. */
function runKeys(shard: ShardKeys, run: string): string[] {
  return [shard.run(run), shard.payload(run), shard.events(run), shard.snapshot(run), shard.due];
}
