/** What the tests of a store are given, and the few moves they share. */
import { randomUUID } from 'node:crypto';
import type { NewEvent } from '../../core/event.ts';
import type {
  ClaimOutcome,
  ClaimParams,
  CommitParams,
  CreateParams,
  LoadedRun,
  Ownership,
  Parking,
  RunStore,
} from '../../core/store.ts';
import type { DueParams, InterruptParams, WorkerInfo } from '../../core/fleet.ts';
import type { DueRun } from '../../core/due-run.ts';
import { rounds } from '../eventually.ts';
import type { Expect, Register, Theme } from '../runner.ts';

/** A store, open, and what a test cannot do through the contract. */
export interface OpenedRunStore {
  /** The store that the tests use. */
  readonly store: RunStore;
  /** Lets time pass on the store's clock. */
  advance(ms: number): Promise<void>;
  /**
   * Makes a worker appear from a process of its own, as `register` does from this one. The function it returns ends that
   * process as a crash would. A store that does not see processes leaves it out, and skips the tests that name it.
   */
  registerElsewhere?(worker: string): Promise<() => Promise<void>>;
  /** Whatever the store keeps under the run's id, as texts for a failed test to show. */
  traces?(run: string): Promise<readonly string[]>;
  /** Closes the store, after the last test. */
  close(): Promise<void>;
}

/** What a test is given. */
export interface RunStoreCase {
  readonly store: RunStore;
  readonly expect: Expect;
  readonly advance: (ms: number) => Promise<void>;
  readonly registerElsewhere: (worker: string) => Promise<() => Promise<void>>;
  readonly traces: (run: string) => Promise<readonly string[]>;
}

export type RunStoreTheme = Theme<RunStoreCase>;
export type RunStoreTest = Register<RunStoreCase>;
export type Claimed = Extract<ClaimOutcome, { outcome: 'claimed' }>;

/** Long enough that what is postponed by it is out of the way of a test. */
export const farMs = 600_000;

export function newId(what: string): string {
  return `${what}-${randomUUID()}`;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Every byte there is: text would not survive it. */
export const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

/** Bytes as text, so that they compare alike whatever class of array a store returns. */
export function hex(data: Uint8Array | undefined): string | undefined {
  return data && Buffer.from(data).toString('hex');
}

export function json(data: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(data));
}

/** The answer to a claim without the time of the answer, which is another one for each repetition. */
export function timeless(answer: ClaimOutcome): unknown {
  return plain(answer.outcome === 'claimed' ? { ...answer, now: undefined } : answer);
}

/** A Uint8Array made hex, at any depth; maps become objects. What is compared before and after. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, one]: [unknown, unknown]) => [String(key), plain(one)]),
  );
}

export function event(type: string, data: Uint8Array = bytes(type)): NewEvent {
  return { type, data };
}

export function creation(params: Partial<CreateParams> = {}): CreateParams {
  return {
    run: newId('run'),
    workflow: 'order',
    input: bytes('input'),
    tags: {},
    data: bytes('created'),
    token: newId('token'),
    resendMs: farMs,
    ...params,
  };
}

/** Makes a run; returns its id. */
export async function created(
  store: RunStore,
  params: Partial<CreateParams> = {},
): Promise<string> {
  const made = await store.create(creation(params));
  if (made.outcome !== 'created') throw new Error(`create returned ${made.outcome}`);
  return made.record.id;
}

export function claiming(run: string, params: Partial<ClaimParams> = {}): ClaimParams {
  return { run, worker: newId('worker'), codeVersion: 1, token: newId('token'), ...params };
}

/** Claims a run, which must work. */
export async function claimed(
  store: RunStore,
  run: string,
  params: Partial<ClaimParams> = {},
): Promise<Claimed> {
  const outcome = await store.claim(claiming(run, params));
  if (outcome.outcome !== 'claimed') throw new Error(`claim returned ${JSON.stringify(outcome)}`);
  return outcome;
}

/** A new run, claimed; what most tests begin with. */
export async function held(
  store: RunStore,
  params: { readonly create?: Partial<CreateParams>; readonly claim?: Partial<ClaimParams> } = {},
): Promise<Claimed & { readonly id: string; readonly worker: string }> {
  const id = await created(store, params.create);
  const worker = params.claim?.worker ?? newId('worker');
  return { ...(await claimed(store, id, { ...params.claim, worker })), id, worker };
}

/** A commit by an owner of a run that has just been claimed: seq 2 is the newest it knows. */
export function commit(owner: Ownership, params: Partial<CommitParams> = {}): CommitParams {
  return { ...owner, token: newId('token'), expectedSeq: 2, events: [], ...params };
}

/** Commits, which must work; returns the newest seq. */
export async function committed(
  store: RunStore,
  owner: Ownership,
  params: Partial<CommitParams> = {},
): Promise<number> {
  const outcome = await store.commit(commit(owner, params));
  if (outcome.outcome !== 'committed') throw new Error(`commit returned ${outcome.outcome}`);
  return outcome.seq;
}

/** Every kind of write a commit can carry, by name: what must be refused must be refused for each. */
export function everyWrite(): readonly (readonly [string, Partial<CommitParams>])[] {
  const events = [event('refused')];
  const snapshot = { schema: 9, set: new Map([['state:refused', bytes('refused')]]), remove: [] };
  const release = { status: 'completed', output: bytes('refused'), keepMs: 0 } as const;
  const writes: (readonly [string, Partial<CommitParams>])[] = [
    ['nothing', {}],
    ['events', { events }],
    ['a snapshot', { snapshot }],
    ['a release', { release }],
    ['events and a snapshot', { events, snapshot }],
    ['all', { events, snapshot, release }],
  ];
  return writes;
}

/** Loads a run that is there. */
export async function loaded(store: RunStore, run: string): Promise<LoadedRun> {
  const found = await store.load(run);
  if (found === undefined) throw new Error(`run ${run} is missing`);
  return found;
}

/** All a store shows of a run: record, snapshot, every event. */
export async function everything(store: RunStore, run: string): Promise<unknown> {
  const found = await store.load(run);
  const events = await store.events({ run, after: 0, limit: 1000 });
  return plain({ record: found?.record, snapshot: found?.snapshot, events });
}

/** A release by which a run waits, and wants whatever comes; or what `params` says. */
export function parking(params: Partial<Parking> = {}): Parking {
  return { status: 'waiting', why: 'parked', waits: [], ...params };
}

export function interruption(
  worker: string,
  params: Partial<InterruptParams> = {},
): InterruptParams {
  return {
    worker,
    reason: 'session-expired',
    lastSeenAt: 0,
    resendMs: farMs,
    quarantineAfter: 3,
    limit: 100,
    ...params,
  };
}

/** The time on the store's clock: that of a run made now. */
export async function storeTime(store: RunStore): Promise<number> {
  const made = await store.create(creation());
  await store.delete(made.record.id);
  return made.record.createdAt;
}

/** What `due` says about one run, whatever else is due: asks until it has seen all. */
export async function dueOf(
  store: RunStore,
  run: string,
  params: Partial<DueParams> = {},
): Promise<DueRun | undefined> {
  const limit = 500;
  for (const _ of rounds('asking for what is due')) {
    const page = await store.fleet.due({ resendMs: farMs, limit, ...params });
    const found = page.find((due) => due.run === run);
    if (found !== undefined || page.length < (params.limit ?? limit)) return found;
  }
  return undefined;
}

export function workerInfo(id: string, params: Partial<WorkerInfo> = {}): WorkerInfo {
  return {
    id,
    host: 'host',
    pid: 4711,
    workflows: { order: 1 },
    concurrency: 10,
    active: 0,
    loopLagMs: 0,
    ...params,
  };
}
