/**
 * What must be true after every script call, judged from the keys alone and from what was asked and answered, without any
 * of pawl's own checks. A rewind takes back what was written after the copy; nothing else does.
 */
import { fixedLimits } from '../../src/core/limits.ts';
import { isEnded, type RunStatus, transitions } from '../../src/core/run.ts';
import { indexProblems } from './indexes.ts';
import type { Request } from './redis/simulated-client.ts';
import { releasedBy } from './released.ts';
import type { SimulatedRedis } from './redis/simulated-redis.ts';
import type { SimReply } from './redis/values.ts';

export const base = '{pawl:0}:';

/** What is remembered of a run between calls. */
interface Known {
  /** Events looked at. */
  length: number;
  /** The greatest fence the run ever had, over all rewinds. */
  fence: number;
  /** The newest event that somebody was told is durable. */
  promised: { readonly seq: number; readonly fence: string } | undefined;
  /** Tokens of commits that were carried out. */
  readonly tokens: Set<string>;
}

/** A run's hash before a call. */
interface Before {
  readonly run: string;
  readonly status: string | undefined;
  readonly fence: string | undefined;
  readonly owner: string | undefined;
  readonly seq: string | undefined;
}

/** Who commits, and what: the arguments of append and commit. */
interface Commit {
  readonly fence: string;
  readonly owner: string;
  readonly token: string;
  readonly expectedSeq: number;
}

/** Scripts that change one run, whose hash is their first key. */
const writers = new Set([
  'append',
  'cancel',
  'claim',
  'commit',
  'create',
  'delete',
  'pause',
  'post',
  'resume',
  'settleFamily',
]);

export class Oracle {
  readonly #redis: SimulatedRedis;
  readonly #known = new Map<string, Known>();
  readonly #violate: (what: string) => void;

  constructor(redis: SimulatedRedis, violate: (what: string) => void) {
    this.#redis = redis;
    this.#violate = violate;
  }

  before(request: Request): Before | undefined {
    if (!writers.has(request.name)) return undefined;
    const run = request.args[0]?.slice(base.length + 'run:'.length) ?? '';
    const hash = this.#hash(run);
    const [status, fence, owner, seq] = ['status', 'fence', 'owner', 'seq'].map((f) =>
      hash?.get(f),
    );
    return { run, status, fence, owner, seq };
  }

  after(request: Request, before: Before | undefined, reply: SimReply): void {
    if (request.name === 'interrupt') {
      const list = reply as readonly string[];
      for (let i = 0; i < list.length; i += 7) this.#checkTaken(list[i] ?? '');
    }
    if (before === undefined) return;
    const commit = commitOf(request);
    if (commit !== undefined) this.#checkCommit(before, commit, reply);
    if (commit !== undefined) this.#checkSize(before.run, request);
    this.#check(before.run, before);
    const [outcome] = Array.isArray(reply) ? (reply as readonly SimReply[]) : [reply];
    if (request.name === 'post' && outcome === 'posted') this.#checkHeard(before.run, request);
    if (releasedBy(request.argv ?? []).how === 'parked' && outcome === 'committed') {
      this.#checkRead(before);
    }
  }

  /** A run that was taken from its worker: the fence shuts that one out. */
  #checkTaken(run: string): void {
    const fence = this.#known.get(run)?.fence ?? 0;
    this.#check(run, undefined);
    const now = Number(this.#hash(run)?.get('fence'));
    if (now <= fence) this.#violate(`run ${run} was interrupted with fence ${now} after ${fence}`);
  }

  /** A run that got a message which it waits for is stopped, or due at once. */
  #checkHeard(run: string, { argv = [] }: Request): void {
    const hash = this.#hash(run);
    const status = hash?.get('status');
    if (status !== 'waiting' || hash?.has('paused') === true) return;
    if (!isAwaited(hash?.get('waits') ?? '[]', argv[2] ?? '', argv[3] ?? '')) return;
    const dueAt = this.#redis.keys.zset(`${base}due`)?.scores.get(run) ?? Infinity;
    if (dueAt > this.#redis.ms) {
      this.#violate(`run ${run} is ${status}, got a message and is not due before ${dueAt}`);
    }
  }

  /** Nobody parks over what has come meanwhile. A repetition is answered long after. */
  #checkRead({ run, status }: Before): void {
    const length = this.#redis.keys.stream(`${base}inbox:${run}`)?.entries.length ?? 0;
    const hasParked = status === 'running' && this.#hash(run)?.get('status') === 'waiting';
    if (hasParked && length > 0) this.#violate(`run ${run} has parked over a message`);
  }

  /** Somebody was told that a commit is durable. */
  answered(request: Request, reply: SimReply): void {
    const commit = commitOf(request);
    if (commit === undefined) return;
    const [outcome, seq] = reply as readonly SimReply[];
    if (outcome !== 'committed') return;
    if (Number(seq) === commit.expectedSeq) return;
    const run = request.args[0]?.slice(base.length + 'run:'.length) ?? '';
    const known = this.#known.get(run);
    if (known === undefined || Number(seq) <= (known.promised?.seq ?? 0)) return;
    // It was carried out before a rewind, and the answer came after it.
    if (!known.tokens.has(commit.token)) return;
    known.promised = { seq: Number(seq), fence: commit.fence };
    this.#checkPromise(run, known);
  }

  /** The server has gone back to what it has now. */
  rewound(): void {
    for (const [run, known] of this.#known) {
      known.length = this.#redis.keys.stream(`${base}events:${run}`)?.entries.at(-1)?.major ?? 0;
      known.promised = undefined;
      known.tokens.clear();
    }
  }

  /** Looks at everything. */
  checkAll(): void {
    for (const run of this.#redis.keys.zset(`${base}runs`)?.scores.keys() ?? []) {
      this.#check(run, undefined);
    }
    for (const [run, known] of this.#known) this.#checkPromise(run, known);
    for (const problem of indexProblems(this.#redis.keys, base)) this.#violate(problem);
  }

  #hash(run: string): ReadonlyMap<string, string> | undefined {
    return this.#redis.keys.hash(`${base}run:${run}`);
  }

  /** A commit holds what one may hold; the bytes of a snapshot and of names are few beside those of its events. */
  #checkSize(run: string, { argv = [] }: Request): void {
    let bytes = 0;
    for (const text of argv) bytes += text.length;
    if (bytes > 1.5 * fixedLimits.bytesPerCommit) {
      this.#violate(`a commit of run ${run} has ${bytes} bytes`);
    }
  }

  #checkCommit(before: Before, commit: Commit, reply: SimReply): void {
    const known = this.#known.get(before.run);
    const [outcome] = reply as readonly SimReply[];
    const hasWritten = this.#hash(before.run)?.get('token') === commit.token;
    const isRepeated = known?.tokens.has(commit.token) === true;
    if (isRepeated && (outcome === 'conflict' || outcome === 'unread')) {
      this.#violate(
        `commit ${commit.token} of ${before.run} was stored, and is now answered ${outcome}`,
      );
    }
    if (outcome !== 'committed') return;
    if (isRepeated) {
      if (this.#hash(before.run)?.get('seq') !== before.seq) {
        this.#violate(`commit ${commit.token} of ${before.run} was stored twice`);
      }
    } else if (before.fence !== commit.fence || before.owner !== commit.owner) {
      // One that was stored before a rewind that kept it.
      if (this.#hash(before.run)?.get('seq') === before.seq) return;
      this.#violate(
        `run ${before.run} of fence ${before.fence} took a write by fence ${commit.fence} (${commit.token})`,
      );
    }
    if (hasWritten) known?.tokens.add(commit.token);
  }

  #check(run: string, before: Before | undefined): void {
    const hash = this.#hash(run);
    if (hash === undefined) {
      if (before?.status !== undefined && before.status === 'running') {
        this.#violate(`run ${run} was deleted while a worker held it`);
      }
      this.#known.delete(run);
      return;
    }
    const known = this.#known.get(run) ?? {
      length: 0,
      fence: 0,
      promised: undefined,
      tokens: new Set<string>(),
    };
    this.#known.set(run, known);
    this.#checkFence(run, hash, known, before);
    this.#checkLog(run, hash, known);
    this.#checkSnapshot(run, hash);
    this.#checkStatus(run, hash, before);
  }

  #checkFence(
    run: string,
    hash: ReadonlyMap<string, string>,
    known: Known,
    before: Before | undefined,
  ): void {
    const fence = Number(hash.get('fence'));
    if (before !== undefined && before.fence !== undefined && hash.get('fence') !== before.fence) {
      if (fence <= known.fence) {
        this.#violate(`run ${run} got fence ${fence} after ${known.fence}`);
      }
    }
    known.fence = Math.max(known.fence, fence);
  }

  #checkLog(run: string, hash: ReadonlyMap<string, string>, known: Known): void {
    const entries = this.#redis.keys.stream(`${base}events:${run}`)?.entries ?? [];
    const first = Number(hash.get('firstSeq') ?? 1);
    const newest = entries.at(-1)?.major ?? 0;
    if (first + entries.length - 1 !== Number(hash.get('seq'))) {
      this.#violate(
        `run ${run} has ${entries.length} events from ${first} on and seq ${hash.get('seq')}`,
      );
    }
    if (first > 1 && first > Number(hash.get('snapshotSeq')) + 1) {
      this.#violate(`run ${run} was compacted to ${first}, behind what its snapshot covers`);
    }
    if (newest < known.length) {
      this.#violate(`run ${run} had events up to ${known.length} and has them up to ${newest}`);
    }
    for (let i = Math.max(0, known.length + 1 - first); i < entries.length; i++) {
      const [entry, last] = [entries[i], entries[i - 1]];
      if (entry?.major !== first + i)
        this.#violate(`event ${entry?.major} of ${run} is where ${first + i} should be`);
      if (
        (entry?.minor ?? 0) < (last?.minor ?? 0) ||
        (entry?.minor ?? 0) > Number(hash.get('fence'))
      ) {
        this.#violate(
          `event ${first + i} of ${run} has fence ${entry?.minor} after ${last?.minor}`,
        );
      }
    }
    known.length = newest;
  }

  #checkSnapshot(run: string, hash: ReadonlyMap<string, string>): void {
    const snapshot = this.#redis.keys.hash(`${base}snapshot:${run}`);
    if (snapshot?.get('seq') !== hash.get('snapshotSeq')) {
      this.#violate(
        `run ${run} has a snapshot of ${snapshot?.get('seq')}, its record says ${hash.get('snapshotSeq')}`,
      );
    }
    if (Number(hash.get('snapshotSeq') ?? 0) > Number(hash.get('seq'))) {
      this.#violate(`the snapshot of run ${run} is ahead of its log`);
    }
  }

  #checkStatus(run: string, hash: ReadonlyMap<string, string>, before: Before | undefined): void {
    const status = hash.get('status') as RunStatus;
    const from = before?.status as RunStatus | undefined;
    if (from !== undefined && from !== status && !transitions[from].includes(status)) {
      this.#violate(`run ${run} went from ${from} to ${status}`);
    }
    if (
      (status === 'running') !== hash.has('owner') ||
      (status === 'running') !== hash.has('worker')
    ) {
      this.#violate(`run ${run} is ${status} with owner ${hash.get('owner')}`);
    }
    if (status === 'waiting' && !hash.has('woken') && this.#hasAwaited(run, hash)) {
      this.#violate(`run ${run} sleeps over a message that it waits for`);
    }
    if (mustBeDue(status, hash) && !this.#redis.keys.zset(`${base}due`)?.scores.has(run)) {
      this.#violate(`run ${run} is ${status} and not due: nobody will ever look after it`);
    }
  }

  #hasAwaited(run: string, hash: ReadonlyMap<string, string>): boolean {
    const entries = this.#redis.keys.stream(`${base}inbox:${run}`)?.entries ?? [];
    return entries.some(({ fields }) => {
      const [kind = '', name = ''] = [fields[3], fields[5]];
      return isAwaited(hash.get('waits') ?? '[]', kind, name);
    });
  }

  #checkPromise(run: string, { promised }: Known): void {
    if (promised === undefined) return;
    const entries = this.#redis.keys.stream(`${base}events:${run}`)?.entries ?? [];
    const first = entries[0]?.major ?? 1;
    // What was compacted is in the snapshot.
    if (promised.seq < first) return;
    const entry = entries[promised.seq - first];
    if (String(entry?.minor) !== promised.fence) {
      this.#violate(`event ${promised.seq} of run ${run} was acknowledged and is not there`);
    }
  }
}

function mustBeDue(status: RunStatus, hash: ReadonlyMap<string, string>): boolean {
  if (isEnded(status)) return true;
  if (hash.has('paused')) return false;
  if (status === 'queued' || status === 'interrupted') return true;
  return status === 'waiting' && ['wakeAt', 'woken', 'pollMs'].some((field) => hash.has(field));
}

/** Whether a run that waits for this wants such a message; where nothing is said of what it waits for, it wants all. */
function isAwaited(waits: string, kind: string, name: string): boolean {
  const all = JSON.parse(waits) as readonly { kind: string; on?: readonly string[] }[];
  if (kind === 'cancel' || all.length === 0) return true;
  return all.some((wait) => {
    if (wait.kind === 'decision') return kind === 'signal' && name === `effect ${wait.on?.[0]}`;
    return wait.kind === kind && wait.on?.includes(name) === true;
  });
}

function commitOf({ name, argv = [] }: Request): Commit | undefined {
  if (name !== 'append' && name !== 'commit') return undefined;
  const from = name === 'append' ? 0 : 1;
  const [fence = '', owner = '', token = '', expectedSeq] = argv.slice(from, from + 4);
  return { fence, owner, token, expectedSeq: Number(expectedSeq) };
}
