/**
 * Group commit across runs: appends that are sent in one turn of the event loop travel in one call of one script.
 *
 * A call costs client and server about as much as the append inside it, and when the answers for many runs arrive together,
 * their next appends are sent together too. Nothing waits for a timer: the call leaves when it is full, while the turn goes
 * on with the others, or at the end of the turn, so a lone append is not delayed. The runs of a call share nothing but the
 * way: each has its own fence, token and seq checked, and its own outcome. A call never leaves a shard, so it works in
 * Redis Cluster too.
 *
 * Crash before the call: none of its appends happened. Crash after: all that were not refused did.
 */
import { fixedLimits } from '../core/limits.ts';
import type { CommitOutcome, CommitParams } from '../core/store.ts';
import type { Reply } from './arguments.ts';
import type { ShardKeys } from './keys.ts';
import { append, toAppended } from './scripts/append.ts';
import { appendMany } from './scripts/append-many.ts';
import type { StoreScript } from './store-script.ts';

/** So that client and server work at the same time: while Redis is at work on one call, the next is made. */
const runsPerCall = 32;
/** Where answers take long, because Redis syncs each write: the sync is waited for, and one call needs one of it. */
const runsPerSlowCall = 64;
const slowMs = 3;

/** Sends a script at once. */
type Send = <Place, Params>(
  script: StoreScript<Place, Params, unknown>,
  place: Place,
  params: Params,
) => Promise<Reply>;

interface Waiting {
  readonly params: CommitParams;
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** What has gathered for one call; bounds how long Redis is busy with it. */
interface Group {
  readonly shard: ShardKeys;
  readonly waiting: Waiting[];
  events: number;
  bytes: number;
}

export class AppendGroups {
  readonly #send: Send;
  /** One for each shard that something is waiting for. */
  #open: Group[] = [];
  #flushes = false;
  /** As many as suit the newest answer. Runs that begin together stay together when the first answer is slow. */
  #runsMax = runsPerSlowCall;

  constructor(send: Send) {
    this.#send = send;
  }

  append(shard: ShardKeys, params: CommitParams): Promise<CommitOutcome> {
    return new Promise((resolve, reject) => {
      const events = params.events.length;
      let bytes = 0;
      for (const { data } of params.events) bytes += data.length;
      const group = this.#groupFor(shard, events, bytes);
      group.waiting.push({ params, resolve, reject });
      group.events += events;
      group.bytes += bytes;
      // Full, it leaves while the rest of the turn still makes the next one.
      if (group.waiting.length >= this.#runsMax) this.#close(group);
    });
  }

  /** The group that has room, or a new one. */
  #groupFor(shard: ShardKeys, events: number, bytes: number): Group {
    const open = this.#open.find((group) => group.shard === shard);
    if (open !== undefined) {
      const fits =
        open.events + events <= fixedLimits.eventsPerCommit &&
        open.bytes + bytes <= fixedLimits.bytesPerCommit;
      if (fits) return open;
      this.#close(open);
    }
    const group: Group = { shard, waiting: [], events: 0, bytes: 0 };
    this.#open.push(group);
    if (!this.#flushes) {
      this.#flushes = true;
      process.nextTick(() => this.#flush());
    }
    return group;
  }

  #flush(): void {
    this.#flushes = false;
    const groups = this.#open;
    this.#open = [];
    for (const group of groups) this.#leave(group);
  }

  #close(group: Group): void {
    this.#open = this.#open.filter((open) => open !== group);
    this.#leave(group);
  }

  #leave({ shard, waiting }: Group): void {
    const fail = (error: unknown): void => {
      for (const { reject } of waiting) reject(error);
    };
    try {
      this.#call(shard, waiting, fail);
    } catch (error) {
      fail(error);
    }
  }

  #call(shard: ShardKeys, group: readonly Waiting[], fail: (error: unknown) => void): void {
    const [lone] = group;
    if (group.length === 1 && lone !== undefined) {
      this.#send(append, shard, lone.params).then((reply) => answer(shard, lone, reply), fail);
      return;
    }
    const all = group.map(({ params }) => params);
    const sentAt = performance.now();
    const answered = (replies: Reply): void => {
      this.#runsMax = performance.now() - sentAt < slowMs ? runsPerCall : runsPerSlowCall;
      settle(shard, group, replies);
    };
    this.#send(appendMany, shard, all).then(answered, fail);
  }
}

function settle(shard: ShardKeys, group: readonly Waiting[], replies: readonly unknown[]): void {
  for (const [i, waiting] of group.entries()) {
    const reply = replies[i];
    if (Array.isArray(reply) && String(reply[0]) === 'error') {
      waiting.reject(errorReply(String(reply[1])));
    } else {
      answer(shard, waiting, reply);
    }
  }
}

/** An answer that cannot be read is the trouble of its run, and of no other. */
function answer(shard: ShardKeys, { params, resolve, reject }: Waiting, reply: unknown): void {
  try {
    resolve(toAppended(shard, reply, params));
  } catch (error) {
    reject(error);
  }
}

/** An error that a command inside the script gave for one run, as the client would have thrown it. */
function errorReply(text: string): Error {
  const error = new Error(text);
  error.name = 'ReplyError';
  return error;
}
