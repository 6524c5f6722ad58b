/**
 * The run store on Redis. Every method is one script or one read; the invariants live in the scripts (see lua/), this file
 * turns replies into outcomes. Nothing is remembered here: a process may die between any two lines.
 */
import { CorruptionError, PawlError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { InterruptReason } from '../core/event.ts';
import { defaults } from '../core/limits.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import type { RunRecord } from '../core/run.ts';
import type {
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
  RunPage,
  RunStore,
  WorkerInfo,
  WorkerRecord,
} from '../core/store.ts';
import { Announcements } from './announcements.ts';
import { connect, type Connection, createConnection, type RedisTarget } from './connection.ts';
import { toFault } from './faults.ts';
import {
  type Entry,
  type Flat,
  ownerOf,
  toEvent,
  toRecord,
  toSnapshot,
  toStatus,
  toTakeover,
  toWorker,
} from './fields.ts';
import { configKey, Keys, type ShardKeys } from './keys.ts';
import { probePresence } from './presence-probe.ts';
import { listRuns } from './run-list.ts';
import { type Reply, Scripts } from './scripts.ts';

export interface RedisStoreOptions {
  readonly redis: RedisTarget;
  readonly prefix?: string;
  /** Number of shards of a new prefix; default 1, in Redis Cluster 16. It cannot be changed later. */
  readonly shards?: number;
  readonly allowEviction?: boolean;
  /** How long to wait for Redis, in milliseconds. */
  readonly connectMs?: number;
  /** How long a call to Redis may take before its outcome counts as unknown, in milliseconds. Default 15 000. */
  readonly callMs?: number;
  readonly logger?: Logger;
}

export class RedisRunStore implements RunStore {
  readonly #connection: Connection;
  readonly #target: RedisTarget;
  readonly #keys: Keys;
  readonly #scripts: Scripts;
  readonly #announcements: Announcements;
  readonly #logger: Logger;
  #closed = false;

  private constructor(
    connected: { connection: Connection; target: RedisTarget },
    keys: Keys,
    logger: Logger,
  ) {
    this.#connection = connected.connection;
    this.#target = connected.target;
    this.#keys = keys;
    this.#scripts = new Scripts(connected.connection, keys);
    this.#announcements = new Announcements(connected.connection);
    this.#logger = logger;
  }

  /**
   * Connects, checks the server and the prefix.
   * @throws UnavailableError, PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG`, `PAWL_SHARDS`. Nothing was written.
   */
  static async open(options: RedisStoreOptions): Promise<RedisRunStore> {
    const logger = options.logger ?? silentLogger;
    const connected = await connect(options.redis, {
      connectMs: options.connectMs ?? defaults.connectMs,
      callMs: options.callMs ?? defaults.callMs,
      allowEviction: options.allowEviction ?? false,
      logger,
    });
    const prefix = options.prefix ?? defaults.prefix;
    const wanted = options.shards ?? (connected.cluster ? defaults.clusterShards : defaults.shards);
    try {
      await connected.connection.hsetnx(configKey(prefix), 'shards', wanted);
      const shards = Number(await connected.connection.hget(configKey(prefix), 'shards'));
      if (options.shards !== undefined && shards !== options.shards) {
        throw new PawlError(
          'PAWL_SHARDS',
          `Prefix ${prefix} has ${shards} shards, ${options.shards} were asked for; nothing was written. Leave the option out, or choose another prefix.`,
        );
      }
      return new RedisRunStore(connected, new Keys(prefix, shards), logger);
    } catch (error) {
      connected.connection.disconnect();
      throw toFault(error, 'open');
    }
  }

  /** What the resume queue needs to reach the same server: a maker of further connections. */
  connectionFor(purpose: { readonly blocking: boolean }): Connection {
    return createConnection(
      this.#target,
      purpose.blocking ? {} : { commandTimeout: defaults.callMs },
    );
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const [outcome, run, payload] = await this.#run(() => this.#scripts.create(params));
    const record = this.#record(params.run, run, payload);
    return { outcome: String(outcome) === 'created' ? 'created' : 'exists', record };
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    const [outcome, ...rest] = await this.#run(() => this.#scripts.claim(params));
    const key = this.#keys.of(params.run).run(params.run);
    switch (String(outcome)) {
      case 'claimed': {
        const loaded = this.#loaded(params.run, rest);
        const run = rest[0] as Flat;
        const owner = ownerOf(key, run) ?? params.token;
        return {
          outcome: 'claimed',
          ownership: { run: params.run, fence: loaded.record.fence, owner },
          takeover: toTakeover(key, run),
          ...loaded,
        };
      }
      case 'held':
        return { outcome: 'held', worker: String(rest[0]) };
      case 'stale':
        return { outcome: 'stale', fence: Number(rest[0]) };
      case 'idle':
        return { outcome: 'idle', status: toStatus(key, String(rest[0])) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(key, outcome);
    }
  }

  async commit(params: CommitParams): Promise<CommitOutcome> {
    const [outcome, first, second] = await this.#run(() => this.#scripts.commit(params));
    switch (String(outcome)) {
      case 'committed':
        return { outcome: 'committed', seq: Number(first), version: Number(second) };
      case 'fenced':
        return { outcome: 'fenced', fence: Number(first), applied: second === 1 };
      case 'conflict':
        return { outcome: 'conflict', seq: Number(first) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(this.#keys.of(params.run).run(params.run), outcome);
    }
  }

  async interrupt(params: InterruptParams): Promise<readonly DueRun[]> {
    return this.#eachShard(params.limit, (shard, limit) =>
      this.#scripts.interrupt(shard, { ...params, limit }),
    );
  }

  async due(params: DueParams): Promise<readonly DueRun[]> {
    return this.#eachShard(params.limit, (shard, limit) =>
      this.#scripts.due(shard, { ...params, limit }),
    );
  }

  async delete(run: string): Promise<DeleteOutcome> {
    const [outcome, worker] = await this.#run(() => this.#scripts.delete(run));
    switch (String(outcome)) {
      case 'deleted':
        return { outcome: 'deleted' };
      case 'active':
        return { outcome: 'active', worker: String(worker) };
      case 'missing':
        return { outcome: 'missing' };
      default:
        throw unknownReply(this.#keys.of(run).run(run), outcome);
    }
  }

  async record(run: string): Promise<RunRecord | undefined> {
    return (await this.#records([run]))[0];
  }

  async load(run: string): Promise<LoadedRun | undefined> {
    const [outcome, ...rest] = await this.#run(() => this.#scripts.load(run));
    return String(outcome) === 'missing' ? undefined : this.#loaded(run, rest);
  }

  async events(params: {
    run: string;
    after: number;
    limit: number;
  }): Promise<readonly StoredEvent[]> {
    const key = this.#keys.of(params.run).events(params.run);
    const entries = await this.#run(
      () =>
        this.#connection.xrangeBuffer(
          key,
          `${params.after + 1}-0`,
          '+',
          'COUNT',
          params.limit,
        ) as Promise<Entry[]>,
    );
    return entries.map((entry) => toEvent(key, entry));
  }

  async list(params: ListParams): Promise<RunPage> {
    return this.#run(() =>
      listRuns(
        { connection: this.#connection, keys: this.#keys, records: (ids) => this.#records(ids) },
        params,
      ),
    );
  }

  async watch(run: string, changed: () => void): Promise<() => Promise<void>> {
    return this.#run(() => this.#announcements.listen(this.#keys.of(run).changed(run), changed));
  }

  async appear(worker: string): Promise<void> {
    const works = await this.#run(() =>
      probePresence(this.#connection, () => createConnection(this.#target), this.#keys.liveBase),
    );
    if (works) {
      await this.#announcements.subscribe(this.#keys.live(worker));
    } else {
      this.#logger.warn(
        { worker },
        'presence does not work here; a dead worker is noticed when its session ends',
      );
    }
  }

  async beat(worker: WorkerInfo, sessionMs: number): Promise<void> {
    await this.#run(() => this.#scripts.beat(worker, sessionMs));
  }

  async leave(worker: string): Promise<void> {
    await this.#run(() => this.#scripts.leave(worker));
    await this.#announcements.unsubscribe(this.#keys.live(worker));
  }

  async workers(): Promise<readonly WorkerRecord[]> {
    const ids = await this.#run(() => this.#connection.zrange(this.#keys.workers, '0', '-1'));
    const found = await this.#run(() =>
      Promise.all(
        ids.map(async (id) => {
          const key = this.#keys.worker(id);
          const flat = flatten(await this.#connection.hgetallBuffer(key));
          const present = await this.#connection.hexists(this.#keys.presence, id);
          return flat.length === 0 ? undefined : toWorker({ key, id }, flat, present === 1);
        }),
      ),
    );
    return found.filter((worker) => worker !== undefined);
  }

  async holders(): Promise<readonly string[]> {
    const found = await this.#run(() =>
      Promise.all(this.#keys.shards.map((shard) => this.#connection.smembers(shard.holders))),
    );
    return [...new Set(found.flat())];
  }

  async look(worker: string, lockMs: number): Promise<Look> {
    const [role, workers, at, ...rest] = await this.#run(() => this.#scripts.look(worker, lockMs));
    if (String(role) === 'follower') return { leader: false, workers: Number(workers) };
    const lost = [];
    for (let i = 0; i + 2 < rest.length; i += 3) {
      lost.push({
        worker: String(rest[i]),
        reason: String(rest[i + 1]) as InterruptReason,
        lastSeenAt: Number(rest[i + 2]),
      });
    }
    return { leader: true, workers: Number(workers), at: Number(at), lost };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
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
      for (let i = 0; i + 4 < reply.length; i += 5) {
        const run = String(reply[i]);
        const status = toStatus(shard.run(run), String(reply[i + 3]));
        found.push({
          run,
          workflow: String(reply[i + 1]),
          fence: Number(reply[i + 2]),
          status,
          deaths: Number(reply[i + 4]),
        });
      }
    }
    return found;
  }

  async #records(ids: readonly string[]): Promise<readonly RunRecord[]> {
    const found = await this.#run(() =>
      Promise.all(
        ids.map(async (id) => {
          const shard = this.#keys.of(id);
          const [run, payload] = await Promise.all([
            this.#connection.hgetallBuffer(shard.run(id)),
            this.#connection.hgetallBuffer(shard.payload(id)),
          ]);
          const flat = flatten(run);
          return flat.length === 0 ? undefined : this.#record(id, flat, flatten(payload));
        }),
      ),
    );
    return found.filter((record) => record !== undefined);
  }

  #record(id: string, run: unknown, payload: unknown): RunRecord {
    return toRecord({ key: this.#keys.of(id).run(id), id }, run as Flat, payload as Flat);
  }

  #loaded(id: string, [run, payload, snapshot, events]: readonly unknown[]): LoadedRun {
    const shard = this.#keys.of(id);
    return {
      record: this.#record(id, run, payload),
      snapshot: toSnapshot(shard.snapshot(id), snapshot as Flat),
      events: (events as Entry[]).map((entry) => toEvent(shard.events(id), entry)),
    };
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      return await call();
    } catch (error) {
      throw this.#closed ? closedError() : toFault(error, 'redis');
    }
  }
}

function closedError(): PawlError {
  return new PawlError('PAWL_CLOSED', 'The store is closed; open a new one.');
}

function unknownReply(key: string, outcome: unknown): CorruptionError {
  return new CorruptionError(
    { key },
    `made a script answer ${String(outcome)}, which this version does not know`,
  );
}

/** ioredis turns a hash into an object; scripts return it flat. One shape is enough. */
function flatten(hash: Record<string, Buffer>): Buffer[] {
  return Object.entries(hash).flatMap(([name, value]) => [Buffer.from(name), value]);
}
