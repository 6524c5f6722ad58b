/** A run as the memory store keeps it, and the small changes that every transition is made of. */
import type { InterruptReason, NewEvent, StoredEvent } from '../core/event.ts';
import { ExecutionProgress } from '../core/evidence.ts';
import type { OpenQuestion } from '../core/questions.ts';
import type { RunProgress, RunRecord, RunStatus } from '../core/run.ts';
import type { CheckpointRecord } from '../core/checkpoint.ts';
import type { StoredChunk } from '../core/outputs.ts';
import type { CreateParams, Message, PostOutcome, Seen, Snapshot } from '../core/store.ts';
import type { DueRun, NeededTurn } from '../core/due-run.ts';
import type { Keyed } from '../core/turns.ts';
import { isAnswerable, isClear, type Wait, waitsKept, wants } from '../core/waits.ts';

/** How long until a run is due again that waits for newer code: twice as long after each refusal. */
const refusedMs = 100;
export const refusedMsMax = 10_000;

export interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly input: Uint8Array;
  readonly tags: Readonly<Record<string, string>>;
  readonly birth: string;
  /** Token of the import that made it. */
  readonly restoredBy: string | undefined;
  readonly createdAt: number;
  readonly events: StoredEvent[];
  /** The seq of the oldest event that is kept. */
  firstSeq: number;
  status: RunStatus;
  changedAt: number;
  fence: number;
  codeVersion: number;
  /** The highest version that wrote to it. */
  wroteVersion: number;
  /** Claims by older code that were refused since the last one that was not. */
  refused: number;
  worker: string | undefined;
  owner: string | undefined;
  /** The last commit, to recognise it when it comes again. */
  token: string | undefined;
  /** Seq right after the claim: more than that is progress. Undefined before the first. */
  claimSeq: number | undefined;
  snapshot: Snapshot | undefined;
  /** Kept snapshots, the oldest first. */
  readonly checkpoints: { readonly checkpoint: CheckpointRecord; readonly snapshot: Snapshot }[];
  readonly inbox: Message[];
  /** Ids of all messages that ever came. */
  readonly seen: Set<string>;
  /** Open questions, by their ids. */
  readonly questions: Map<string, OpenQuestion>;
  /** Of an imported run: what its record counted beyond the events here, which may be encoded otherwise. */
  bytesBefore: number;
  paused: boolean;
  pausedBy: Uint8Array | undefined;
  readonly parent: string | undefined;
  readonly attachedTo: string | undefined;
  readonly onEnd: boolean;
  readonly priority: number;
  /** Chunks of its output that are kept, the newest one's number, and the last write of them. */
  readonly chunks: Chunks;
  readonly key: string | undefined;
  /** The turn it has, and the greatest one that it was given: a lesser one is of no use. */
  turn: number | undefined;
  lastTurn: number;
  deadlineAt: number | undefined;
  readonly unmanaged: boolean;
  progress: RunProgress | undefined;
  /** The parent of an ended run has not been told, or the hook for its end has not begun. */
  notifyPending: boolean;
  output: Uint8Array | undefined;
  error: Uint8Array | undefined;
  /** The children of an ended run have not been cancelled. */
  cancelPending: boolean;
  /** When an ended run may be forgotten. */
  expiresAt: number | undefined;
  wakeAt: number | undefined;
  /** What it waits for while it is `waiting`; after that, what it waited for last. */
  waits: readonly Wait[];
  /** When something came that it waits for, or it was cancelled. */
  wokenAt: number | undefined;
  /** How long until somebody looks at what it waits for. */
  pollMs: number | undefined;
  /** Whose handler may still be at work, and under which fence the run was parked. */
  parkedBy: { readonly worker: string; readonly fence: number } | undefined;
  /** The cancel that came last: its id. */
  cancelId: string | undefined;
  dueAt: number | undefined;
  takeovers: number;
  /** Workers lost in a row without progress; how many of those losses are evidence; and how far an execution had come. */
  losses: number;
  proofs: number;
  furthest: number;
  /** How the owner before was lost, from the interrupt until the release. */
  lost: Lost | undefined;
}

/** What a run gives out. */
interface Chunks {
  readonly kept: StoredChunk[];
  /** Of those that are kept. */
  bytes: number;
  last: number;
  token: string | undefined;
}

/** The output of a run that has given out so many chunks, of which none is kept. */
export function noChunks(last = 0): Chunks {
  return { kept: [], bytes: 0, last, token: undefined };
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
    ...(event.branch === undefined ? {} : { branch: event.branch }),
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

/** What was held against a run is forgotten. */
export function absolve(run: StoredRun): void {
  run.losses = 0;
  run.proofs = 0;
  run.furthest = 0;
}

/** How far the run has come under its present claim. */
export function progressOf(run: StoredRun): ExecutionProgress {
  const progress = new ExecutionProgress(run.furthest);
  progress.add(eventsAfter(run, run.claimSeq ?? 0, Infinity));
  return progress;
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
    losses: run.losses,
    bytes: run.bytesBefore + logBytes(run),
    wakeAt: run.wakeAt,
    waits: waitsOf(run),
    birth: run.birth,
    wroteVersion: run.wroteVersion,
    needsVersion: run.refused > 0 ? run.wroteVersion : undefined,
    paused: run.paused,
    progress: run.progress,
    deadlineAt: run.deadlineAt,
    priority: run.priority,
    chunks: run.chunks.last,
    parent: run.parent,
    attachedTo: run.attachedTo,
    onEnd: run.onEnd,
    key: run.key,
    turn: run.turn,
    createdAt: run.createdAt,
    changedAt: run.changedAt,
  };
}

/** Whether somebody waits for a reply. Questions whose time is over are forgotten. */
export function isAsked({ questions }: StoredRun, now: number): boolean {
  for (const { id, until } of questions.values()) if (until <= now) questions.delete(id);
  return questions.size > 0;
}

/** What a run waits for now. */
export function waitsOf({ status, waits }: Pick<StoredRun, 'status' | 'waits'>): readonly Wait[] {
  return status === 'waiting' ? waits : [];
}

/** Whether a run is as somebody has seen it. */
export function isStill(run: StoredRun, { status, fence, seq }: Seen): boolean {
  const isSame = run.status === status && run.fence === fence;
  return isSame && (seq === undefined || lastSeq(run) === seq);
}

/** Older code may not take it: newer code, which may be there as well, is looked for soon, and then more rarely. */
export function refuse(run: StoredRun, now: number): void {
  run.refused += 1;
  if (run.unmanaged) return;
  const againMs = Math.min(refusedMs * 2 ** (run.refused - 1), refusedMsMax);
  run.dueAt = Math.min(run.dueAt ?? Infinity, now + againMs);
}

/** Keeps an ended run for a while; one that owes something is due at once, until it does not. */
export function keep(run: StoredRun, keepMs: number, now: number): void {
  run.waits = [];
  run.expiresAt = now + keepMs;
  run.notifyPending = run.parent !== undefined || run.onEnd;
  run.dueAt = run.notifyPending || run.cancelPending ? now : run.expiresAt;
}

/** A run that owes nothing any more is only kept. */
export function settle(run: StoredRun): void {
  if (!run.notifyPending && !run.cancelPending) run.dueAt = run.expiresAt;
}

/** Since when a `waiting` run is to go on: its time has come, or something else that it waits for. */
export function awakeSince({ wokenAt, wakeAt }: StoredRun, now: number): number | undefined {
  const times = [wokenAt, wakeAt].filter((time) => time !== undefined && time <= now);
  return times.length === 0 ? undefined : Math.min(...(times as number[]));
}

export function isAwake(run: StoredRun, now: number): boolean {
  return awakeSince(run, now) !== undefined;
}

/** Lets a run wait, and sleep until something comes that it waits for. */
export function letWait(run: StoredRun, waits: readonly Wait[], pollMs?: number): void {
  run.waits = structuredClone(waits.slice(0, waitsKept));
  run.pollMs = pollMs;
  run.wokenAt = undefined;
}

/** It waits no more. What it waited for stays, so that the next owner knows since when. */
export function endWait(run: StoredRun): void {
  run.pollMs = undefined;
  run.wokenAt = undefined;
  run.wakeAt = undefined;
  run.parkedBy = undefined;
}

/** Wakes a `waiting` run; one that is paused goes on when it is resumed. */
export function wake(run: StoredRun, now: number): void {
  run.wokenAt ??= now;
  if (!run.paused) run.dueAt = now;
}

/** True when the message wakes the run that it was put into the inbox of. */
export function isWanted(run: StoredRun, message: Pick<Message, 'kind' | 'name' | 'key'>): boolean {
  return run.status === 'waiting' && wants(run.waits, message);
}

/** Why a message cannot be the answer to the one wait that it is for; undefined when it can. */
export function refusedAnswer(
  run: StoredRun,
  { name: signal, wait = '' }: Pick<Message, 'name' | 'wait'>,
  now: number,
): Extract<PostOutcome, { outcome: 'answered' | 'unwanted' | 'busy' }> | undefined {
  const signals = run.inbox.filter(({ kind, name }) => kind === 'signal' && name === signal);
  const first = signals.find((message) => message.wait === wait);
  if (first !== undefined) return { outcome: 'answered', by: first.id };
  if (run.status !== 'waiting') return { outcome: 'busy' };
  if (!isAnswerable(run.waits, { wait, signal }, now)) return { outcome: 'unwanted' };
  if (!isClear(run.waits)) return undefined;
  const mayEnd = signals.some((message) => message.wait === undefined && isWanted(run, message));
  return mayEnd ? { outcome: 'busy' } : undefined;
}

/** When a `waiting` run is due that nothing has come for: by its own time, or to be looked at. */
export function nextPoll({ wakeAt, pollMs }: StoredRun, now: number): number | undefined {
  const times = [wakeAt, pollMs === undefined ? undefined : now + pollMs];
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

export function toDueRun(run: StoredRun, now: number): DueRun {
  const { id, workflow, fence, status, losses, priority, notifyPending, cancelPending } = run;
  const asleep = status === 'waiting' && !isAwake(run, now);
  const due = {
    run: id,
    workflow,
    fence,
    status,
    losses,
    priority,
    notifyPending,
    cancelPending,
    asleep,
  };
  return isWithoutTurn(run, now) ? { ...due, needsTurn: neededTurn(run) } : due;
}

/** Whether a run would go on if it had a turn. */
export function isWithoutTurn(run: StoredRun, now: number): boolean {
  const { status, key, turn } = run;
  const goesOn = status === 'queued' || status === 'interrupted';
  const isRipe = goesOn || (status === 'waiting' && isAwake(run, now));
  return isRipe && key !== undefined && turn === undefined;
}

export function neededTurn({ key = '', birth, codeVersion }: StoredRun): NeededTurn {
  return { key, birth, begun: codeVersion > 0 };
}

/** What is told of a run with a key that may stand in line. */
export function keyedOf({ workflow, key, id: run, birth }: StoredRun): { readonly keyed?: Keyed } {
  return key === undefined ? {} : { keyed: { workflow, key, run, birth } };
}

/** A run as it begins, before its first event. */
export function newRun(params: CreateParams, now: number): StoredRun {
  const { delayMs = 0 } = params;
  const wakeAt = delayMs > 0 ? now + delayMs : undefined;
  return {
    id: params.run,
    workflow: params.workflow,
    input: copy(params.input),
    tags: { ...params.tags },
    birth: params.token,
    restoredBy: undefined,
    createdAt: now,
    events: [],
    bytesBefore: 0,
    firstSeq: 1,
    status: delayMs > 0 ? 'waiting' : 'queued',
    changedAt: now,
    fence: 0,
    codeVersion: 0,
    wroteVersion: params.codeVersion ?? 0,
    refused: 0,
    worker: undefined,
    owner: undefined,
    token: undefined,
    claimSeq: undefined,
    snapshot: undefined,
    checkpoints: [],
    inbox: [],
    seen: new Set(),
    questions: new Map(),
    paused: false,
    pausedBy: undefined,
    parent: params.parent,
    attachedTo: params.attachedTo,
    onEnd: params.onEnd ?? false,
    priority: params.priority ?? 0,
    chunks: noChunks(),
    key: params.key,
    turn: undefined,
    lastTurn: 0,
    deadlineAt: params.deadlineMs === undefined ? undefined : now + params.deadlineMs,
    unmanaged: params.unmanaged ?? false,
    progress: undefined,
    notifyPending: false,
    cancelPending: false,
    expiresAt: undefined,
    output: undefined,
    error: undefined,
    wakeAt,
    waits: wakeAt === undefined ? [] : [{ kind: 'delay', name: '', until: wakeAt, since: now }],
    wokenAt: undefined,
    pollMs: undefined,
    parkedBy: undefined,
    cancelId: undefined,
    dueAt: params.unmanaged === true ? undefined : (wakeAt ?? now + params.resendMs),
    takeovers: 0,
    losses: 0,
    proofs: 0,
    furthest: 0,
    lost: undefined,
  };
}
