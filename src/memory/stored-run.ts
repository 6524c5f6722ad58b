/** A run as the memory store keeps it, and the small changes that every transition is made of. */
import type { InterruptReason, NewEvent, StoredEvent } from '../core/event.ts';
import type { RunProgress, RunRecord, RunStatus } from '../core/run.ts';
import type { CheckpointRecord } from '../core/checkpoint.ts';
import type { CreateParams, DueRun, Message, Snapshot } from '../core/store.ts';

export interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly input: Uint8Array;
  readonly tags: Readonly<Record<string, string>>;
  readonly createToken: string;
  readonly createdAt: number;
  readonly events: StoredEvent[];
  /** The seq of the oldest event that is kept. */
  firstSeq: number;
  status: RunStatus;
  changedAt: number;
  fence: number;
  codeVersion: number;
  worker: string | undefined;
  owner: string | undefined;
  /** The last commit, to recognise it when it comes again. */
  token: string | undefined;
  /** Seq right after the claim: more than that is progress. */
  claimSeq: number;
  snapshot: Snapshot | undefined;
  /** Kept snapshots, the oldest first. */
  readonly kept: { readonly checkpoint: CheckpointRecord; readonly snapshot: Snapshot }[];
  readonly inbox: Message[];
  /** Ids of all messages that ever came. */
  readonly seen: Set<string>;
  /** Of an imported run: what its record counted beyond the events here, which may be encoded otherwise. */
  bytesBefore: number;
  paused: boolean;
  pausedBy: Uint8Array | undefined;
  readonly parent: string | undefined;
  readonly priority: number;
  readonly deadlineAt: number | undefined;
  readonly loose: boolean;
  progress: RunProgress | undefined;
  /** Set while the parent of an ended run must be told: when the run may be forgotten after that. */
  expiresAt: number | undefined;
  output: Uint8Array | undefined;
  error: Uint8Array | undefined;
  wakeAt: number | undefined;
  dueAt: number | undefined;
  takeovers: number;
  deaths: number;
  /** How the owner before was lost, from the interrupt until the release. */
  lost: Lost | undefined;
}

interface Lost {
  readonly from: string;
  readonly reason: InterruptReason;
  readonly at: number;
  readonly detectMs: number;
  /** Set by the claim. */
  claimMs?: number;
}

/** What its events hold here; see `bytesBefore`. */
export function logBytes({ events }: Pick<StoredRun, 'events'>): number {
  return events.reduce((sum, { data }) => sum + data.length, 0);
}

export function lastSeq(run: StoredRun): number {
  return run.firstSeq + run.events.length - 1;
}

/** The events after `after`, at most `limit`. */
export function eventsAfter(run: StoredRun, after: number, limit: number): StoredEvent[] {
  const from = Math.max(0, after + 1 - run.firstSeq);
  return run.events.slice(from, from + limit);
}

/** Appends an event under the run's current fence. `more`: another one of the same commit follows. */
export function append(run: StoredRun, event: NewEvent, now: number, more = false): void {
  run.events.push({
    seq: lastSeq(run) + 1,
    fence: run.fence,
    at: now,
    type: event.type,
    data: copy(event.data),
    ...(event.lane === undefined ? {} : { lane: event.lane }),
    ...(more ? { more } : {}),
  });
}

/** Bytes of its own: `slice` of a Buffer would share them with the caller. */
export function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

const text = new TextEncoder();

/** Payload of an event that the store itself writes: JSON, as scripts in Redis write it. */
export function json(value: unknown): Uint8Array {
  return text.encode(JSON.stringify(value));
}

export function changeStatus(run: StoredRun, status: RunStatus, now: number): void {
  run.status = status;
  run.changedAt = now;
}

/** The next fence: grows even when the clock does not. */
export function raiseFence(run: StoredRun, now: number): void {
  run.fence = Math.max(run.fence + 1, now * 1000);
}

export function toRecord(run: StoredRun): RunRecord {
  return {
    id: run.id,
    workflow: run.workflow,
    codeVersion: run.codeVersion,
    status: run.status,
    fence: run.fence,
    worker: run.worker,
    seq: lastSeq(run),
    firstSeq: run.firstSeq,
    version: run.snapshot?.version ?? 0,
    snapshotSeq: run.snapshot?.seq ?? 0,
    input: copy(run.input),
    output: run.output && copy(run.output),
    error: run.error && copy(run.error),
    tags: { ...run.tags },
    takeovers: run.takeovers,
    deaths: run.deaths,
    bytes: run.bytesBefore + logBytes(run),
    wakeAt: run.wakeAt,
    paused: run.paused,
    progress: run.progress,
    deadlineAt: run.deadlineAt,
    priority: run.priority,
    parent: run.parent,
    createdAt: run.createdAt,
    changedAt: run.changedAt,
  };
}

/** Keeps an ended run for a while; one with a parent is due at once, until the parent was told. */
export function keep(run: StoredRun, keepMs: number, now: number): void {
  run.dueAt = now + keepMs;
  if (run.parent === undefined) return;
  run.expiresAt = run.dueAt;
  run.dueAt = now;
}

export function toDueRun(run: StoredRun): DueRun {
  const { id, workflow, fence, status, deaths, priority, expiresAt } = run;
  const untold = expiresAt !== undefined;
  return { run: id, workflow, fence, status, deaths, priority, untold };
}

/** A run as it begins, before its first event. */
export function newRun(params: CreateParams, now: number): StoredRun {
  const { delayMs = 0 } = params;
  return {
    id: params.run,
    workflow: params.workflow,
    input: copy(params.input),
    tags: { ...params.tags },
    createToken: params.token,
    createdAt: now,
    events: [],
    bytesBefore: 0,
    firstSeq: 1,
    status: delayMs > 0 ? 'waiting' : 'queued',
    changedAt: now,
    fence: 0,
    codeVersion: 0,
    worker: undefined,
    owner: undefined,
    token: undefined,
    claimSeq: 0,
    snapshot: undefined,
    kept: [],
    inbox: [],
    seen: new Set(),
    paused: false,
    pausedBy: undefined,
    parent: params.parent,
    priority: params.priority ?? 0,
    deadlineAt: params.deadlineMs === undefined ? undefined : now + params.deadlineMs,
    loose: params.loose ?? false,
    progress: undefined,
    expiresAt: undefined,
    output: undefined,
    error: undefined,
    wakeAt: delayMs > 0 ? now + delayMs : undefined,
    dueAt: params.loose === true ? undefined : now + (delayMs > 0 ? delayMs : params.resendMs),
    takeovers: 0,
    deaths: 0,
    lost: undefined,
  };
}
