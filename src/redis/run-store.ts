/**
 * The run store on Redis: the life of a run. A method is one script, or reads of one run; the invariants live in the scripts
 * (see lua/), and scripts/ has what each is given and what its answer means. What is about many runs is in files of its own.
 * Nothing is remembered here: a process may die between any two lines.
 */
import type { Archive } from '../core/archive.ts';
import { type BlobIndex, SweptError } from '../core/blobs.ts';
import { type CheckpointQuery, type CheckpointRecord, isCheckpointId } from '../core/checkpoint.ts';
import type { PawlError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Fleet } from '../core/fleet.ts';
import type { ThreadValue } from '../core/langgraph.ts';
import type { Lists } from '../core/lists.ts';
import type { Observation } from '../core/observation.ts';
import type { Outputs } from '../core/outputs.ts';
import type { Questions } from '../core/questions.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type { Schedules } from '../core/schedules.ts';
import type {
  CancelOutcome,
  CancelParams,
  ClaimedRun,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  LoadedRun,
  UnreadMessages,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  RunStore,
  SampleRun,
  Seen,
  Snapshot,
  ToldEnd,
} from '../core/store.ts';
import type { Transfer } from '../core/transfer.ts';
import type { Turns } from '../core/turns.ts';
import { addressOf } from './address.ts';
import { Announcements } from './announcements.ts';
import { RedisArchive } from './archive.ts';
import { RedisBlobs } from './blobs.ts';
import { listCheckpoints } from './checkpoints.ts';
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
import { RedisFleet } from './fleet.ts';
import { RedisThreads } from './langgraph.ts';
import type { Keys, ShardKeys } from './keys.ts';
import { RedisLists } from './lists.ts';
import { readInbox } from './inbox.ts';
import { MemoryGuard } from './memory-guard.ts';
import { RedisObservation } from './observation.ts';
import { type OpenedParts, openParts } from './opening.ts';
import { RedisOutputs } from './outputs.ts';
import type { Reply } from './arguments.ts';
import type { RedisParts } from './parts.ts';
import { RedisQuestions } from './questions.ts';
import { RedisSchedules } from './schedules.ts';
import { ScriptCalls } from './script-calls.ts';
import { cancel } from './scripts/cancel.ts';
import { claim } from './scripts/claim.ts';
import { create } from './scripts/create.ts';
import { deleteRun } from './scripts/delete.ts';
import { events } from './scripts/events.ts';
import { load } from './scripts/load.ts';
import { pause } from './scripts/pause.ts';
import { post } from './scripts/post.ts';
import { progress } from './scripts/progress.ts';
import { recall } from './scripts/recall.ts';
import { record } from './scripts/record.ts';
import { reindex } from './scripts/reindex.ts';
import { resume } from './scripts/resume.ts';
import { sample } from './scripts/sample.ts';
import { settleFamily } from './scripts/settle-family.ts';
import { Sessions } from './sessions.ts';
import { agreed } from './shards.ts';
import { readOnly } from './scripts/read-only.ts';
import type { StoreScript } from './store-script.ts';
import type { RedisStoreOptions } from './store-options.ts';
import { RedisTransfer } from './transfer.ts';
import { RedisTurns } from './turns.ts';

export class RedisRunStore implements RunStore {
  /** The server does not answer INFO to this user, so nothing is known of its version and settings. */
  readonly hidesInfo: boolean;
  /** Where its servers were when it was opened: see `addressOf`. */
  readonly address: string;
  readonly archive: Archive;
  readonly blobs: BlobIndex;
  readonly fleet: Fleet;
  /** Threads of LangGraph, for `pawl/langgraph`. */
  readonly langgraph: RedisThreads;
  readonly lists: Lists;
  readonly observation: Observation;
  readonly outputs: Outputs;
  readonly questions: Questions;
  readonly schedules: Schedules;
  readonly transfer: Transfer;
  readonly turns: Turns;
  readonly #connection: Connection;
  readonly #target: RedisTarget;
  readonly #use: Use;
  readonly #keys: Keys;
  readonly #scripts: ScriptCalls;
  readonly #memory: MemoryGuard;
  readonly #durable: DurableWrites | undefined;
  #closed = false;

  private constructor(
    { connection, hidesInfo, target }: Connected,
    keys: Keys,
    { logger, durable, use }: OpenedParts['own'],
  ) {
    this.hidesInfo = hidesInfo;
    this.address = addressOf(connection);
    this.#connection = connection;
    this.#target = target;
    this.#use = use;
    this.#keys = keys;
    this.#durable = durable;
    const scripts = new ScriptCalls(connection, durable);
    this.#scripts = scripts;
    const memory = new MemoryGuard(connection);
    this.#memory = memory;
    const guard = <T>(call: () => Promise<T>): Promise<T> => this.#run(call);
    const parts: RedisParts = { keys, connection, scripts, guard };
    const announcements = new Announcements(connection);
    const reconnect = (): Connection => createConnection(target, use);
    const sessions = new Sessions({ ...parts, logger, announcements, connect: reconnect });
    this.archive = new RedisArchive(parts);
    this.blobs = new RedisBlobs(parts);
    this.fleet = new RedisFleet({ ...parts, sessions, logger });
    this.langgraph = new RedisThreads(parts);
    this.lists = new RedisLists(parts);
    this.observation = new RedisObservation({ ...parts, announcements });
    const ofRun = <T>(run: string, call: () => Promise<T>): Promise<T> => this.#runOn(run, call);
    this.outputs = new RedisOutputs({ ...parts, announcements, guard: ofRun });
    this.questions = new RedisQuestions(parts);
    this.schedules = new RedisSchedules(parts);
    this.transfer = new RedisTransfer({ ...parts, memory });
    this.turns = new RedisTurns(parts);
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
      await store.#memory.sample();
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

  /**
   * Runs a script that only reads, for what stands beside the store on the same server. It travels with the calls of the
   * same turn of the event loop.
   */
  evaluate(lua: string, keys: readonly string[]): Promise<Reply> {
    return this.#run(() => this.#scripts.call(readOnly(lua), undefined, keys));
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const { run } = params;
    const shard = this.#keys.of(run);
    const shards = this.#keys.shards.length;
    return this.#run(async () => {
      // A run at work must be able to go on, and so to start another one.
      if (params.parent === undefined) await this.#memory.refuseNewRun(shard.run(run));
      return agreed(this.#connection, this.#keys, (sure) =>
        this.#scripts.call(create, shard, { ...params, shards, sure }),
      );
    });
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    return this.#call(claim, params.run, params);
  }

  async sample(made: SampleRun): Promise<ClaimedRun> {
    return this.#call(sample, made.run, made);
  }

  /** On the way of every step, so it makes no promise more than it must. */
  commit(params: CommitParams): Promise<CommitOutcome> {
    const { run } = params;
    return this.#runOn(run, () => this.#scripts.commit(this.#keys.of(run), params));
  }

  async post(params: PostParams): Promise<PostOutcome> {
    return this.#call(post, params.run, params);
  }

  async cancel(params: CancelParams): Promise<CancelOutcome> {
    return this.#call(cancel, params.run, params);
  }

  async pause(run: string, data: Uint8Array): Promise<PauseOutcome> {
    return this.#call(pause, run, { run, data });
  }

  async resume(run: string, data: Uint8Array, blobs?: readonly string[]): Promise<ResumeOutcome> {
    return this.#call(resume, run, { run, data, blobs });
  }

  async progress(owner: Ownership, { fraction, message }: RunProgress): Promise<void> {
    return this.#call(progress, owner.run, { ...owner, fraction, message });
  }

  async parentNotified(run: string, { fence, hook = false }: ToldEnd): Promise<void> {
    return this.#call(settleFamily, run, { run, fence, what: 'notifyPending', hook });
  }

  async childrenCancelled(run: string, { fence }: Pick<Seen, 'fence'>): Promise<void> {
    return this.#call(settleFamily, run, { run, fence, what: 'cancelPending', hook: false });
  }

  async delete(run: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    const made = await this.#call(deleteRun, run, { run, data, seen });
    return made.outcome === 'notifyPending' ? { outcome: 'changed' } : made;
  }

  /** Repairs the indexes of a run by its record; false when there is none, and it was taken out of them. */
  async reindex(run: string): Promise<boolean> {
    return this.#call(reindex, run, run);
  }

  async record(run: string): Promise<RunRecord | undefined> {
    return this.#call(record, run, run);
  }

  async load(run: string): Promise<LoadedRun | undefined> {
    return this.#call(load, run, run);
  }

  async events(params: Parameters<RunStore['events']>[0]): Promise<readonly StoredEvent[]> {
    return this.#call(events, params.run, params);
  }

  async readInbox(run: string): Promise<UnreadMessages> {
    return this.#runOn(run, () => readInbox(this.#connection, this.#keys.of(run), run));
  }

  async checkpoints(query: CheckpointQuery): Promise<readonly CheckpointRecord[]> {
    return this.#run(() => listCheckpoints(this.#connection, this.#keys.of(query.run), query));
  }

  async recall(run: string, id: string): Promise<Snapshot | undefined> {
    return isCheckpointId(id) ? this.#call(recall, run, { run, id }) : undefined;
  }

  async channels(
    run: string,
    at: { readonly namespace: string; readonly checkpoint: string | undefined },
  ): Promise<ReadonlyMap<string, ThreadValue> | undefined> {
    return this.langgraph.channels(run, at);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#durable?.close();
    this.#connection.disconnect();
    await Promise.resolve();
  }

  /** A script about one run. */
  #call<Params, Outcome>(
    script: StoreScript<ShardKeys, Params, Outcome>,
    run: string,
    params: Params,
  ): Promise<Outcome> {
    return this.#runOn(run, () => this.#scripts.call(script, this.#keys.of(run), params));
  }

  /** As `#run`, of one run: an error about what its keys hold names the key. */
  async #runOn<T>(run: string, call: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      return await call();
    } catch (error) {
      if (error instanceof SweptError) throw error;
      throw await locateDamage(this.#toFault(error), this.#connection, {
        run,
        shard: this.#keys.of(run),
      });
    }
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      return await call();
    } catch (error) {
      if (error instanceof SweptError) throw error;
      throw this.#toFault(error);
    }
  }

  #toFault(error: unknown): PawlError {
    return this.#closed ? closedError() : toFault(error, 'redis');
  }
}
