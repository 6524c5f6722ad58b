/**
 * The run store on Redis. Every method is one script or one read; the invariants live in the scripts (see lua/), this file
 * turns replies into outcomes. Nothing is remembered here: a process may die between any two lines.
 */
import type { Archive } from '../core/archive.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { PawlError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Fleet } from '../core/fleet.ts';
import type { Lists } from '../core/lists.ts';
import type { Observation } from '../core/observation.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type { Schedules } from '../core/schedules.ts';
import type {
  CancelOutcome,
  CancelParams,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  LoadedRun,
  Mail,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  RunStore,
  Seen,
  Snapshot,
} from '../core/store.ts';
import type { Transfer } from '../core/transfer.ts';
import { Announcements } from './announcements.ts';
import { RedisArchive } from './archive.ts';
import { listCheckpoints, recallCheckpoint } from './checkpoints.ts';
import {
  type Connected,
  type Connection,
  createConnection,
  createConsumerConnection,
  type RedisTarget,
  type Use,
} from './connection.ts';
import { locateDamage } from './damage.ts';
import type { DurableWrites } from './durable-writes.ts';
import { closedError, toFault } from './faults.ts';
import { type Entry, type Flat, toEvent, toRecord } from './fields.ts';
import { RedisFleet } from './fleet.ts';
import type { Keys } from './keys.ts';
import { RedisLists } from './lists.ts';
import { readMail } from './mail.ts';
import { MemoryGuard } from './memory-guard.ts';
import { RedisObservation } from './observation.ts';
import {
  type About,
  toCancel,
  toClaim,
  toCommit,
  toDelete,
  toLoaded,
  toPause,
  toPost,
  toResume,
} from './outcomes.ts';
import { type OpenedParts, openParts } from './opening.ts';
import type { RedisParts } from './parts.ts';
import { RedisSchedules } from './schedules.ts';
import { Scripts } from './scripts.ts';
import { Sessions } from './sessions.ts';
import { agreed } from './shards.ts';
import type { RedisStoreOptions } from './store-options.ts';
import { RedisTransfer } from './transfer.ts';

export class RedisRunStore implements RunStore {
  /** The server does not answer INFO to this user, so nothing is known of its version and settings. */
  readonly hidesInfo: boolean;
  readonly archive: Archive;
  readonly fleet: Fleet;
  readonly lists: Lists;
  readonly observation: Observation;
  readonly schedules: Schedules;
  readonly transfer: Transfer;
  readonly #connection: Connection;
  readonly #target: RedisTarget;
  readonly #use: Use;
  readonly #keys: Keys;
  readonly #scripts: Scripts;
  readonly #memory: MemoryGuard;
  readonly #durable: DurableWrites | undefined;
  #closed = false;

  private constructor(
    { connection, hidesInfo, target }: Connected,
    keys: Keys,
    { logger, durable, use }: OpenedParts['own'],
  ) {
    this.hidesInfo = hidesInfo;
    this.#connection = connection;
    this.#target = target;
    this.#use = use;
    this.#keys = keys;
    this.#durable = durable;
    const scripts = new Scripts(connection, keys, durable);
    this.#scripts = scripts;
    const memory = new MemoryGuard(connection);
    this.#memory = memory;
    const guard = <T>(call: () => Promise<T>): Promise<T> => this.#run(call);
    const parts: RedisParts = { keys, connection, scripts, guard };
    const announcements = new Announcements(connection);
    const reconnect = (): Connection => createConnection(target, use);
    const sessions = new Sessions({ ...parts, logger, announcements, connect: reconnect });
    this.archive = new RedisArchive(parts);
    this.fleet = new RedisFleet({ ...parts, sessions, logger });
    this.lists = new RedisLists(parts);
    this.observation = new RedisObservation({ ...parts, announcements });
    this.schedules = new RedisSchedules(parts);
    this.transfer = new RedisTransfer({ ...parts, memory });
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#durable?.close();
    this.#connection.disconnect();
    await Promise.resolve();
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
