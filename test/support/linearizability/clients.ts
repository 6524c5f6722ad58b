/**
 * Clients that want the same few runs at the same time: each has a store of its own, and does what chance (a seed) tells
 * it, one call after the other. A client that loses an answer behaves as pawl's own log writer does: it sends the same
 * commit again with the same token; when there is still no answer it gives up the run without a word.
 */
import { PawlError } from '../../../src/core/errors.ts';
import type { StoredEvent } from '../../../src/core/event.ts';
import type { CommitOutcome, CommitParams, RunStore } from '../../../src/core/store.ts';
import type { ElectionAnswer, ElectionInput } from './election-model.ts';
import { History } from './history.ts';
import { type RunAnswer, type RunInput, wanted } from './run-model.ts';

/** What all clients of a history share. */
export class Scene {
  readonly runs: readonly string[];
  readonly workers: readonly string[];
  readonly calls = new History<RunInput, RunAnswer>();
  readonly election = new History<ElectionInput, ElectionAnswer>();
  /** The newest fence of each run that any client was told. */
  readonly fences = new Map<string, number>();

  constructor(runs: readonly string[], workers: readonly string[]) {
    this.runs = runs;
    this.workers = workers;
  }
}

/** Numbers from a seed: mulberry32. */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Held {
  readonly run: string;
  readonly fence: number;
  readonly owner: string;
  seq: number;
  inbox: readonly string[];
}

const none = (): number => 0;
const commitAttempts = 3;
/** Postponed by this, nothing is due while the history lasts. */
const farMs = 600_000;

export interface ClientOptions {
  readonly worker: string;
  readonly seed: number;
  /** The moment for a fault that is to hit this very call. */
  readonly beforeCall: () => void;
}

export class Client {
  readonly #scene: Scene;
  readonly #store: RunStore;
  readonly #worker: string;
  readonly #random: () => number;
  readonly #beforeCall: () => void;
  readonly #held = new Map<string, Held>();
  #count = 0;

  constructor(scene: Scene, store: RunStore, options: ClientOptions) {
    this.#scene = scene;
    this.#store = store;
    this.#worker = options.worker;
    this.#random = seeded(options.seed);
    this.#beforeCall = options.beforeCall;
  }

  /** Makes `count` calls. */
  async perform(count: number): Promise<void> {
    for (const run of this.#scene.runs) {
      this.#beforeCall();
      await this.#create(run);
    }
    for (let i = 0; i < count; i++) {
      this.#beforeCall();
      await this.#next(this.#pick(this.#scene.runs));
    }
    // What is left of it shows what the calls without an answer came to.
    for (const run of this.#scene.runs) await this.#load(run);
  }

  async #next(run: string): Promise<void> {
    const held = this.#held.get(run);
    const chance = this.#random();
    if (chance < 0.04) return this.#create(run);
    if (chance < 0.08) return this.#elect();
    if (chance < 0.16) return this.#load(run);
    if (chance < 0.26) return this.#post(run);
    if (chance < 0.275) return this.#cancel(run);
    if (chance < 0.36) return this.#interrupt(this.#pick(this.#scene.workers));
    return held === undefined ? this.#claim(run) : this.#commit(held);
  }

  async #create(run: string): Promise<void> {
    const token = this.#newName();
    const data = bytes('');
    const params = { run, workflow: 'w', input: data, tags: {}, data, token, resendMs: farMs };
    await this.#call(run, () => this.#store.create(params), {
      input: { call: 'create', token },
      answer: ({ outcome }) => ({ outcome }),
    });
  }

  async #claim(run: string): Promise<void> {
    const token = this.#newName();
    const expectedFence = this.#scene.fences.get(run) ?? 0;
    const worker = this.#worker;
    // Stands in the event of the claim, so that a log shows which of them it was.
    const codeVersion = this.#count;
    const params = { run, worker, codeVersion, token, expectedFence, anyVersion: true };
    const result = await this.#call(run, () => this.#store.claim(params), {
      input: { call: 'claim', token, worker, codeVersion, expectedFence },
      answer: (claim) => {
        const { outcome } = claim;
        if (outcome === 'held') return { outcome, worker: claim.worker };
        if (outcome === 'stale') return { outcome, fence: claim.fence };
        if (outcome === 'notClaimable') return { outcome, status: claim.status };
        if (outcome === 'missing' || outcome === 'newer' || outcome === 'unadmitted') {
          return { outcome };
        }
        const { fence } = claim.ownership;
        const inbox = claim.messages.map(({ id }) => id);
        return { outcome, fence, log: claim.events.map(described), inbox };
      },
      // An earlier sending may have claimed: since then others may have posted, or taken the run again.
      twins: (claim) => (claim === undefined ? 0 : 1),
    });
    if (result?.outcome !== 'claimed') return;
    const { fence, owner } = result.ownership;
    const { record, messages } = result;
    const inbox = messages.map(({ id }) => id);
    this.#held.set(run, { run, fence, owner, seq: record.seq, inbox });
  }

  async #commit(held: Held): Promise<void> {
    const { run, fence, owner, seq } = held;
    const token = this.#newName();
    const events = Array.from({ length: Math.floor(this.#random() * 3) }, () => this.#newName());
    const chance = this.#random();
    const release =
      chance < 0.08
        ? 'queued'
        : chance < 0.16
          ? 'waiting'
          : chance < 0.17
            ? 'completed'
            : undefined;
    const most = this.#random();
    const taken = held.inbox.filter(() => this.#random() < most);
    const params: CommitParams = {
      run,
      fence,
      owner,
      token,
      expectedSeq: seq,
      events: events.map((text) => ({ type: 'mark', data: bytes(text) })),
      ...(taken.length === 0 ? {} : { taken }),
      ...(release === undefined ? {} : { release: released(release) }),
    };
    const result = await this.#call(run, () => this.#persist(params), {
      input: {
        call: 'commit',
        token,
        owner,
        expectedSeq: seq,
        taken,
        release,
        events: events.map((text) => `mark ${text}`),
      },
      answer: (commit) => commit,
      // Stored by an earlier sending, and the run was taken since. Without an event the log cannot tell.
      twins: (commit) =>
        commit?.outcome === 'fenced' && (commit.applied === true || events.length === 0) ? 1 : 0,
    });
    if (result?.outcome === 'unread') return;
    if (result?.outcome !== 'committed' || release !== undefined) this.#held.delete(run);
    else held.seq = result.seq ?? held.seq;
    held.inbox = held.inbox.filter((id) => !taken.includes(id));
  }

  async #persist(params: CommitParams): Promise<CommitAnswer> {
    for (let attempt = 1, lost = false; ; attempt++) {
      try {
        return seen(await this.#store.commit(params));
      } catch (error) {
        if (!PawlError.is(error)) throw error;
        if (error.outcome === 'unknown') lost = true;
        if (!lost || attempt === commitAttempts) throw error;
      }
    }
  }

  async #load(run: string): Promise<void> {
    await this.#call(run, () => this.#store.load(run), {
      input: { call: 'load' },
      answer: (loaded) => {
        if (loaded === undefined) return { outcome: 'missing' };
        const { status, worker, fence } = loaded.record;
        const log = loaded.events.map(described);
        return { outcome: 'loaded', status, worker, fence, log };
      },
    });
  }

  async #post(run: string): Promise<void> {
    // Some are posted again, or by two clients.
    const id = this.#random() < 0.3 ? `shared-${this.#pick([1, 2, 3])}` : this.#newName();
    const name = this.#random() < 0.5 ? wanted : 'other';
    const params = { run, id, kind: 'signal', name, data: bytes('') } as const;
    await this.#call(run, () => this.#store.post(params), {
      input: { call: 'post', id, name },
      answer: (post) => {
        const { outcome } = post;
        if (outcome === 'missing') return { outcome };
        if (outcome === 'ended') return { outcome, status: post.status };
        if (!('wakeUp' in post)) throw new Error(`a signal for any wait was ${outcome}`);
        return { outcome, status: post.wakeUp.status, fence: post.wakeUp.fence };
      },
      // Known may be what an earlier sending of the same call has made it.
      twins: (post) => (post?.outcome === 'known' ? 1 : 0),
    });
  }

  async #cancel(run: string): Promise<void> {
    const id = this.#newName();
    const params = { run, id, data: bytes(id), error: bytes(''), keepMs: farMs };
    await this.#call(run, () => this.#store.cancel(params), {
      input: { call: 'cancel', id },
      answer: (cancel) => {
        const { outcome } = cancel;
        if (outcome === 'ended') return { outcome, status: cancel.status };
        return outcome === 'asked' ? { outcome, fence: cancel.wakeUp.fence } : { outcome };
      },
      // Asked first, the run may have ended as cancelled when the call is sent again.
      twins: (cancel) => (cancel?.outcome === 'asked' || cancel?.outcome === 'cancelled' ? 1 : 0),
    });
  }

  /** Takes from a worker whatever it holds; about every run at once. */
  async #interrupt(worker: string): Promise<void> {
    const reason = 'session-expired' as const;
    const params = {
      worker,
      reason,
      lastSeenAt: 0,
      resendMs: farMs,
      quarantineAfter: 1e6,
      limit: 100,
    };
    const taken = await this.#scene.calls.record(
      () => this.#store.fleet.interrupt(params),
      this.#scene.runs.map((run) => ({
        thing: run,
        input: { call: 'interrupt' as const, worker },
        answer: (runs): RunAnswer => {
          const found = runs.find((due) => due.run === run);
          return found === undefined
            ? { outcome: 'nothing' }
            : { outcome: 'took', fence: found.fence };
        },
        // Sent again it takes again, should the worker have claimed anew in between.
        twins: () => 2,
      })),
    );
    for (const { run, fence } of taken ?? []) this.#learn(run, fence);
  }

  async #elect(): Promise<void> {
    const worker = this.#worker;
    const call = this.#random() < 0.6 ? 'elect' : 'deregister';
    await this.#scene.election.record(async () => {
      if (call === 'elect') return (await this.#store.fleet.elect(worker, farMs)).leader;
      await this.#store.fleet.deregister(worker);
      return undefined;
    }, [
      {
        thing: 'election',
        input: { call, worker },
        answer: (leader) => ({
          outcome: leader === undefined ? 'left' : leader ? 'leader' : 'follower',
        }),
        // Without an answer it may even be sent and done twice, around a later look of the same worker.
        twins: () => (call === 'deregister' ? 1 : 0),
      },
    ]);
  }

  async #call<Result>(
    run: string,
    call: () => Promise<Result>,
    about: {
      readonly input: RunInput;
      readonly answer: (result: Result) => RunAnswer;
      readonly twins?: (result: Result | undefined) => number;
    },
  ): Promise<Result | undefined> {
    let fence: number | undefined;
    const answer = (result: Result): RunAnswer => {
      const told = about.answer(result);
      fence = told.fence;
      return told;
    };
    const result = await this.#scene.calls.record(call, [
      { thing: run, input: about.input, answer, twins: about.twins ?? none },
    ]);
    this.#learn(run, fence);
    return result;
  }

  #learn(run: string, fence = 0): void {
    this.#scene.fences.set(run, Math.max(fence, this.#scene.fences.get(run) ?? 0));
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[Math.floor(this.#random() * from.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }

  #newName(): string {
    this.#count += 1;
    return `${this.#worker}-${this.#count}`;
  }
}

type CommitAnswer = RunAnswer & {
  readonly outcome: CommitOutcome['outcome'];
  readonly seq?: number;
};

function seen(commit: CommitOutcome): CommitAnswer {
  const { outcome } = commit;
  if (outcome === 'committed' || outcome === 'conflict') return { outcome, seq: commit.seq };
  if (outcome === 'fenced') return { outcome, fence: commit.fence, applied: commit.applied };
  return { outcome };
}

function released(status: 'queued' | 'waiting' | 'completed'): CommitParams['release'] & object {
  if (status === 'queued') return { status, resendMs: farMs };
  if (status === 'completed') return { status, output: bytes(''), keepMs: farMs };
  const wait = { kind: 'signal', name: 'wait', on: [wanted], since: 0 } as const;
  return { status, why: 'parked', waits: [wait] };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function described({ type, data }: StoredEvent): string {
  const text = new TextDecoder().decode(data);
  if (!text.startsWith('{')) return `${type} ${text}`.trim();
  const { worker, codeVersion } = JSON.parse(text) as { worker: string; codeVersion?: number };
  return type === 'run.claimed' ? `${type} ${worker} ${codeVersion}` : `${type} ${worker}`;
}
