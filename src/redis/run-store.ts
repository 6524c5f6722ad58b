/**
 * The run store on Redis. Each write to a run is one script. A read is one script or one command; lists, counts and
 * workers take one for each shard or more. The invariants live in the scripts (see lua/), this file turns replies into
 * outcomes. Nothing is remembered here: a process may die between any two lines.
 */
import type { Census } from '../core/census.ts';
import type { Archive } from '../core/archive.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { DeletionPage, DeletionQuery } from '../core/deletions.ts';
import type { Fleet } from '../core/fleet.ts';
import type { StoredEvent } from '../core/event.ts';
import type { PawlError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type { Schedules } from '../core/schedules.ts';
import type {
  Beat,
  CancelOutcome,
  CancelParams,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  DueParams,
  DueRun,
  InterruptParams,
  ListParams,
  LoadedRun,
  Look,
  Mail,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  RunPage,
  RunStore,
  Seen,
  SeenWorker,
  Snapshot,
  WorkerInfo,
  WorkerRecord,
} from '../core/store.ts';
import type { Transfer } from '../core/transfer.ts';
import type { Vitals } from '../core/vitals.ts';
import { Announcements } from './announcements.ts';
import { takeCensus } from './census.ts';
import { RedisArchive } from './archive.ts';
import { listCheckpoints, recallCheckpoint } from './checkpoints.ts';
import type { Reply } from './arguments.ts';
import {
  type Connected,
  type Connection,
  createConnection,
  createConsumerConnection,
  type RedisTarget,
  type Use,
} from './connection.ts';
import { locateDamage } from './damage.ts';
import { listDeletions } from './deletions.ts';
import type { DurableWrites } from './durable-writes.ts';
import { closedError, toFault } from './faults.ts';
import { type Entry, type Flat, toChange, toEvent, toRecord } from './fields.ts';
import { RedisFleet } from './fleet.ts';
import type { Keys, ShardKeys } from './keys.ts';
import { readMail } from './mail.ts';
import { MemoryGuard } from './memory-guard.ts';
import {
  type About,
  toCancel,
  toClaim,
  toCommit,
  toDelete,
  toDueRuns,
  toLoaded,
  toPause,
  toPost,
  toResume,
} from './outcomes.ts';
import { type OpenedParts, openParts } from './opening.ts';
import { listRuns } from './run-list.ts';
import { RedisSchedules } from './schedules.ts';
import { Scripts } from './scripts.ts';
import type { RedisStoreOptions } from './store-options.ts';
import { Sessions } from './sessions.ts';
import { agreed } from './shards.ts';
import { RedisTransfer } from './transfer.ts';
import { readVitals } from './vitals.ts';

export class RedisRunStore implements RunStore {
  /** The server does not answer INFO to this user, so nothing is known of its version and settings. */
  readonly hidesInfo: boolean;
  readonly archive: Archive;
  readonly transfer: Transfer;
  readonly schedules: Schedules;
  readonly #connection: Connection;
  readonly #target: RedisTarget;
  readonly #use: Use;
  readonly #logger: Logger;
  readonly #keys: Keys;
  readonly #scripts: Scripts;
  readonly #announcements: Announcements;
  readonly #sessions: Sessions;
  readonly #memory: MemoryGuard;
  readonly fleet: Fleet;
  readonly #durable: DurableWrites | undefined;
  #closed = false;

  private constructor(
    connected: Connected,
    keys: Keys,
    { logger, durable, use }: OpenedParts['own'],
  ) {
    this.#use = use;
    this.#logger = logger;
    this.hidesInfo = connected.hidesInfo;
    this.#connection = connected.connection;
    this.#target = connected.target;
    this.#keys = keys;
    this.#durable = durable;
    this.#scripts = new Scripts(connected.connection, keys, durable);
    this.#memory = new MemoryGuard(connected.connection);
    const { connection } = connected;
    const guard = <T>(call: () => Promise<T>): Promise<T> => this.#run(call);
    const parts = { keys, connection, scripts: this.#scripts, guard };
    this.archive = new RedisArchive(parts);
    this.schedules = new RedisSchedules(parts);
    this.transfer = new RedisTransfer({ ...parts, memory: this.#memory });
    this.#announcements = new Announcements(connection);
    this.#sessions = new Sessions({
      ...{ keys, logger, connection },
      scripts: this.#scripts,
      announcements: this.#announcements,
      connect: () => createConnection(connected.target, use),
    });
    const run = <T>(call: () => Promise<T>): Promise<T> => this.#run(call);
    this.fleet = new RedisFleet({
      connection: this.#connection,
      keys,
      scripts: this.#scripts,
      sessions: this.#sessions,
      run,
    });
  }

  /**
   * Connects, checks the server and the prefix.
   * @throws UnavailableError, PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG`, `PAWL_SHARDS`. Nothing was written.
   */
  static async open(options: RedisStoreOptions): Promise<RedisRunStore> {
    const { connected, keys, own } = await openParts(options);
    try {
      const store = new RedisRunStore(connected, keys, own);
      // A process that starts one run and ends would never know otherwise.
      await store.#memory.look();
      return store;
    } catch (error) {
      connected.connection.disconnect();
      own.durable?.close();
      throw toFault(error, 'open');
    }
  }

  /** What the resume queue needs to reach the same server: a maker of further connections. */
  connectionFor(purpose: { readonly blocking: boolean }): Connection {
    return purpose.blocking
      ? createConsumerConnection(this.#target, this.#use)
      : createConnection(this.#target, this.#use);
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const key = this.#keys.of(params.run).run(params.run);
    const [outcome, run, payload] = await this.#run(async () => {
      // A run at work must be able to go on, and so to start another one.
      if (params.parent === undefined) await this.#memory.refuseNewRun(key);
      return agreed(this.#connection, this.#keys, (sure) => this.#scripts.create(params, sure));
    });
    const record = this.#record(params.run, run, payload);
    return { outcome: String(outcome) === 'created' ? 'created' : 'exists', record };
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    const reply = await this.#runOn(params.run, () => this.#scripts.claim(params));
    return toClaim(this.#about(params.run), reply, params.token);
  }

  /** On the way of every step, so it makes no promise more than it must. */
  commit(params: CommitParams): Promise<CommitOutcome> {
    const { run } = params;
    const replied = this.#runOn(run, () => this.#scripts.commit(params));
    return replied.then((reply) => toCommit(this.#about(run), reply));
  }

  async interrupt(params: InterruptParams): Promise<readonly DueRun[]> {
    let isRenewed = false;
    const taken = await this.#eachShard(params.limit, async (shard, limit) => {
      if (isRenewed) return [];
      if (params.runs === undefined) {
        const reply = await this.#scripts.interrupt(shard, { ...params, limit });
        isRenewed = reply.length === 1;
        return reply;
      }
      const runs = params.runs.filter((run) => this.#keys.of(run) === shard);
      // A script that is given none takes all.
      return runs.length === 0 ? [] : this.#scripts.interrupt(shard, { ...params, limit, runs });
    });
    if (params.runs === undefined && !isRenewed && taken.length < params.limit) {
      await this.#run(() => this.#sessions.unpark(params.worker));
    }
    return taken;
  }

  async due(params: DueParams): Promise<readonly DueRun[]> {
    return this.#eachShard(params.limit, (shard, limit) =>
      this.#scripts.due(shard, { ...params, limit }),
    );
  }

  async post(params: PostParams): Promise<PostOutcome> {
    const reply = await this.#runOn(params.run, () => this.#scripts.post(params));
    return toPost(this.#about(params.run), reply);
  }

  async cancel(params: CancelParams): Promise<CancelOutcome> {
    const reply = await this.#runOn(params.run, () => this.#scripts.cancel(params));
    return toCancel(this.#about(params.run), reply);
  }

  async pause(run: string, data: Uint8Array): Promise<PauseOutcome> {
    const reply = await this.#runOn(run, () => this.#scripts.pause(run, data));
    return toPause(this.#about(run), reply);
  }

  async resume(run: string, data: Uint8Array): Promise<ResumeOutcome> {
    const reply = await this.#runOn(run, () => this.#scripts.resume(run, data));
    return toResume(this.#about(run), reply);
  }

  async progress(owner: Ownership, progress: RunProgress): Promise<void> {
    await this.#run(() => this.#scripts.progress(owner, progress));
  }

  async told(run: string, { fence }: Pick<Seen, 'fence'>): Promise<void> {
    await this.#run(() => this.#scripts.told(run, fence, 'untold'));
  }

  async paid(run: string, { fence }: Pick<Seen, 'fence'>): Promise<void> {
    await this.#run(() => this.#scripts.told(run, fence, 'owes'));
  }

  async settled(worker: string, runs: readonly Pick<Ownership, 'run' | 'fence'>[]): Promise<void> {
    for (const shard of this.#keys.shards) {
      const own = runs.filter(({ run }) => this.#keys.of(run) === shard);
      if (own.length > 0) await this.#run(() => this.#scripts.settle(shard, worker, own));
    }
  }

  async delete(run: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    const reply = await this.#runOn(run, () => this.#scripts.delete(run, data, seen));
    return toDelete(this.#about(run), reply);
  }

  /** Repairs the indexes of a run by its record; false when there is none, and it was taken out of them. */
  async reindex(run: string): Promise<boolean> {
    return this.#run(async () => String((await this.#scripts.reindex(run))[0]) === 'reindexed');
  }

  async record(run: string): Promise<RunRecord | undefined> {
    const shard = this.#keys.of(run);
    const [flat, payload] = await this.#runOn(run, () => this.#scripts.record(shard, run));
    return (flat as Flat).length === 0 ? undefined : this.#record(run, flat, payload);
  }

  async load(run: string): Promise<LoadedRun | undefined> {
    const [outcome, ...rest] = await this.#runOn(run, () => this.#scripts.load(run));
    return String(outcome) === 'missing' ? undefined : toLoaded(this.#about(run), rest);
  }

  async events(params: Parameters<RunStore['events']>[0]): Promise<readonly StoredEvent[]> {
    const key = this.#keys.of(params.run).events(params.run);
    const { after, limit } = params;
    const range = [`${after + 1}-0`, '+', 'COUNT', limit] as const;
    const entries = await this.#runOn(params.run, () =>
      this.#connection.xrangeBuffer(key, ...range),
    );
    return (entries as Entry[]).map((entry) => toEvent(key, entry));
  }

  async mail(run: string): Promise<Mail> {
    return this.#runOn(run, () => readMail(this.#connection, this.#keys.of(run), run));
  }

  async checkpoints(query: CheckpointQuery): Promise<readonly CheckpointRecord[]> {
    return this.#run(() => listCheckpoints(this.#connection, this.#keys.of(query.run), query));
  }

  async recall(run: string, id: string): Promise<Snapshot | undefined> {
    return this.#run(() => recallCheckpoint(this.#scripts, this.#keys.of(run), { run, id }));
  }

  async list(params: ListParams): Promise<RunPage> {
    const from = { connection: this.#connection, keys: this.#keys, scripts: this.#scripts };
    return this.#run(() => listRuns(from, params));
  }

  async deletions(query: DeletionQuery): Promise<DeletionPage> {
    return this.#run(() => listDeletions(this.#connection, this.#keys, query));
  }

  async now(): Promise<number> {
    const [seconds, micros] = await this.#run(() => this.#connection.time());
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  async census(): Promise<Census> {
    return this.#run(() => takeCensus(this.#scripts, this.#keys));
  }

  async watch(
    run: string,
    changed: Parameters<RunStore['watch']>[1],
  ): Promise<() => Promise<void>> {
    const channel = this.#keys.of(run).changed(run);
    return this.#run(() => this.#announcements.listen(channel, (said) => changed(toChange(said))));
  }

  async appear(worker: string, asked: (run: string | undefined) => void = ignore): Promise<void> {
    await this.#run(() => this.#sessions.appear(worker, asked));
  }

  async beat(worker: WorkerInfo, sessionMs: number, atWork = ''): Promise<Beat> {
    return this.#run(() => this.#sessions.beat(worker, sessionMs, atWork));
  }

  async atWork(worker: string): Promise<string> {
    return this.#run(() => this.#sessions.atWork(worker));
  }

  async leave(worker: string, seen?: SeenWorker): Promise<boolean> {
    return this.#run(() => this.#sessions.leave(worker, seen));
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    return this.#run(() => this.#sessions.list());
  }

  async holders(): Promise<readonly string[]> {
    return this.#run(() => this.#sessions.holders());
  }

  async held(worker: string): Promise<readonly string[]> {
    return this.#run(() => this.#sessions.held(worker));
  }

  async look(worker: string, lockMs: number): Promise<Look> {
    return this.#run(() => this.#sessions.look(worker, lockMs));
  }

  vitals(): Promise<Vitals> {
    return this.#run(() => readVitals(this.#connection, this.#keys));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#durable?.close();
    this.#connection.disconnect();
    await Promise.resolve();
  }

  /** Asks each shard until `limit` runs are found. */
  async #eachShard(
    limit: number,
    ask: (shard: ShardKeys, limit: number) => Promise<Reply>,
  ): Promise<readonly DueRun[]> {
    const found: DueRun[] = [];
    for (const shard of this.#keys.shards) {
      if (found.length >= limit) break;
      const reply = await this.#run(() => ask(shard, limit - found.length));
      const { runs, damaged } = toDueRuns(shard, reply);
      found.push(...runs);
      for (const about of damaged) this.#logger.error(about, 'a damaged run is not looked after');
    }
    return found;
  }

  #record(id: string, run: unknown, payload: unknown): RunRecord {
    return toRecord({ key: this.#keys.of(id).run(id), id }, run as Flat, payload as Flat);
  }

  #about(run: string): About {
    return { run, shard: this.#keys.of(run) };
  }

  /** As `#run`, of one run: an error about what its keys hold names the key. */
  async #runOn<T>(run: string, call: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      return await call();
    } catch (error) {
      throw await locateDamage(this.#toFault(error), this.#connection, this.#about(run));
    }
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      return await call();
    } catch (error) {
      throw this.#toFault(error);
    }
  }

  #toFault(error: unknown): PawlError {
    return this.#closed ? closedError() : toFault(error, 'redis');
  }
}

function ignore(): void {
  // Nobody listens.
}
