/**
 * How keys are spelled. Scripts put some together themselves, from the base of a shard; a house test holds their names to
 * those here.
 *
 * All keys of a run and of its shard's indexes carry the hash tag `{prefix:shard}`, so that one script may change them
 * together in Redis Cluster too. Everything about workers and schedules carries the tag `{prefix}`: one slot, which is
 * where presence is judged. On a single server the tags do nothing.
 */
import calculateSlot from 'cluster-key-slot';

/** Keys of one shard. */
export interface ShardKeys {
  /** Prefix of every key of the shard, for scripts that build the keys of indexes. */
  readonly base: string;
  readonly due: string;
  /** How many shards there are, beside the runs of each: see `shards.ts`. */
  readonly shards: string;
  readonly runs: string;
  /** Every run, in the order of ids. */
  readonly ids: string;
  /** Unmanaged runs, by their last claim, snapshot or release. */
  readonly unmanaged: string;
  run(id: string): string;
  payload(id: string): string;
  events(id: string): string;
  snapshot(id: string): string;
  /** The kept snapshots of a run, and what was overwritten since. */
  checkpoints(id: string): string;
  preserved(id: string): string;
  inbox(id: string): string;
  /** Ids of the messages that ever came for a run. */
  seen(id: string): string;
  /** What a run has given out: stream. */
  chunks(id: string): string;
  /** Channel on which new chunks of a run are announced. */
  wrote(id: string): string;
  /** Addresses of the blobs that a run has taken: set. */
  blobs(id: string): string;
  /** Addresses with their runs, by time: zsets. */
  readonly blobsPending: string;
  readonly blobsGarbage: string;
  /** Open questions to a run, and the replies to them; they expire by themselves. */
  questions(id: string): string;
  reply(id: string, question: string): string;
  /** Deletions that somebody asked for: stream. */
  readonly deleted: string;
  /** A part of a run that an import puts aside. */
  staged(token: string, part: string, id: string): string;
  held(worker: string): string;
  /** Runs that a worker has parked and whose handlers might go on. */
  parked(worker: string): string;
  /** Workers that have a `held` or a `parked` set. */
  readonly holders: string;
  byStatus(status: string): string;
  byWorkflow(name: string): string;
  byTag(tag: string): string;
  /** Runs that this one has started. */
  byParent(parent: string): string;
  /** Runs of one key, whatever their workflow. */
  byKey(key: string): string;
  /** Runs that wait for this kind of thing, or this signal. */
  byWait(index: string): string;
  /** Channel on which a run's changes are announced. */
  changed(id: string): string;
  /** Stream of the runs that workers lost, and of who took them over. */
  readonly recoveries: string;
  /** Threads of LangGraph, in the order of the ids of their runs; and when each expires. */
  readonly langgraph: string;
  readonly langgraphExpiry: string;
  /** Checkpoints of a thread, by namespace and id; the same in the order of namespaces and ids. */
  threadCheckpoints(id: string): string;
  threadOrder(id: string): string;
  /** Values of a thread, by what they are. */
  threadValues(id: string): string;
  /** Writes to one checkpoint of a thread; and the checkpoints that have any. */
  threadWrites(id: string, checkpoint: string): string;
  threadWritten(id: string): string;
  /** Checkpoints of a thread at which a question stands open. */
  threadInterrupted(id: string): string;
  /** Channel on which a worker is nudged to look after one of its runs. */
  nudges(worker: string): string;
}

export class Keys {
  readonly prefix: string;
  readonly shards: readonly ShardKeys[];
  readonly config: string;
  readonly workers: string;
  readonly presence: string;
  readonly sweeper: string;
  /** Ids of schedules, by the time of the next look. */
  readonly schedules: string;
  /** Workflows whose runs take turns, by the time of the next look. */
  readonly turnstiles: string;
  /** Prefix of the hashes of workers. */
  readonly workerBase: string;
  /** Prefix of the presence channels of workers. */
  readonly liveBase: string;
  /** Prefix of the keys of turnstiles: see lua/parts/turns.lua. */
  readonly fleet: string;

  constructor(prefix: string, shards: number) {
    const fleet = `{${prefix}}:`;
    this.prefix = prefix;
    this.fleet = fleet;
    this.config = configKey(prefix);
    this.workers = `${fleet}workers`;
    this.presence = `${fleet}presence`;
    this.sweeper = `${fleet}sweeper`;
    this.schedules = `${fleet}schedules`;
    this.turnstiles = `${fleet}turnstiles`;
    this.workerBase = `${fleet}worker:`;
    this.liveBase = `${fleet}live:`;
    this.shards = Array.from({ length: shards }, (_, shard) => shardKeys(`{${prefix}:${shard}}:`));
  }

  worker(id: string): string {
    return this.workerBase + id;
  }

  live(worker: string): string {
    return this.liveBase + worker;
  }

  schedule(id: string): string {
    return `${this.fleet}schedule:${id}`;
  }

  /** Ids of the schedules of one workflow. */
  schedulesOf(workflow: string): string {
    return `${this.fleet}schedules-of:${workflow}`;
  }

  /** The shard of a run: CRC16 of its id, so that any client finds it without asking. */
  of(run: string): ShardKeys {
    const { length } = this.shards;
    const shard = this.shards[length === 1 ? 0 : calculateSlot(run) % length];
    if (shard === undefined) throw new RangeError('a store has at least one shard');
    return shard;
  }
}

/** Where a prefix remembers the number of its shards. */
export function configKey(prefix: string): string {
  return `{${prefix}}:config`;
}

function shardKeys(base: string): ShardKeys {
  return {
    base,
    due: `${base}due`,
    shards: `${base}shards`,
    runs: `${base}runs`,
    ids: `${base}ids`,
    unmanaged: `${base}unmanaged`,
    run: (id) => `${base}run:${id}`,
    payload: (id) => `${base}payload:${id}`,
    events: (id) => `${base}events:${id}`,
    snapshot: (id) => `${base}snapshot:${id}`,
    checkpoints: (id) => `${base}checkpoints:${id}`,
    preserved: (id) => `${base}preserved:${id}`,
    inbox: (id) => `${base}inbox:${id}`,
    seen: (id) => `${base}seen:${id}`,
    chunks: (id) => `${base}chunks:${id}`,
    wrote: (id) => `${base}wrote:${id}`,
    blobs: (id) => `${base}blobs:${id}`,
    blobsPending: `${base}blobs-pending`,
    blobsGarbage: `${base}blobs-garbage`,
    questions: (id) => `${base}questions:${id}`,
    reply: (id, question) => `${base}reply:${id}:${question}`,
    deleted: `${base}deleted`,
    staged: (token, part, id) => `${base}stage:${token}:${part}:${id}`,
    held: (worker) => `${base}held:${worker}`,
    parked: (worker) => `${base}parked:${worker}`,
    holders: `${base}holders`,
    byStatus: (status) => `${base}by-status:${status}`,
    byWorkflow: (name) => `${base}by-workflow:${name}`,
    byTag: (tag) => `${base}by-tag:${tag}`,
    byParent: (parent) => `${base}by-parent:${parent}`,
    byKey: (key) => `${base}by-key:${key}`,
    byWait: (index) => `${base}by-wait:${index}`,
    changed: (id) => `${base}changed:${id}`,
    recoveries: `${base}recoveries`,
    langgraph: `${base}langgraph`,
    langgraphExpiry: `${base}langgraph-expiry`,
    threadCheckpoints: (id) => `${base}thread-checkpoints:${id}`,
    threadOrder: (id) => `${base}thread-order:${id}`,
    threadValues: (id) => `${base}thread-values:${id}`,
    threadWrites: (id, checkpoint) => `${base}thread-writes:${id}:${checkpoint}`,
    threadWritten: (id) => `${base}thread-written:${id}`,
    threadInterrupted: (id) => `${base}thread-interrupted:${id}`,
    nudges: (worker) => `${base}nudges:${worker}`,
  };
}
