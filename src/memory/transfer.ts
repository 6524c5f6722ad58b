/** Whole runs out of and into memory. Staged parts are gone with the process, and with whoever staged them. */
import type { CheckpointRecord } from '../core/checkpoint.ts';
import type { StoredEvent } from '../core/event.ts';
import { SweptError } from '../core/blobs.ts';
import { isEnded } from '../core/run.ts';
import type { Message, Snapshot } from '../core/store.ts';
import {
  restoredDue,
  restoredPollMs,
  type RestoreOutcome,
  type RestoreParams,
  type StagedSave,
  type StageParams,
  type Transfer,
  type ExportedRun,
} from '../core/transfer.ts';
import type { MemoryBlobs } from './blobs.ts';
import { copyEvent, copySnapshot } from './reading.ts';
import { copy, logBytes, noChunks, type StoredRun, toRecord } from './stored-run.ts';

interface Staged {
  readonly events: StoredEvent[];
  readonly checkpoints: { readonly checkpoint: CheckpointRecord; readonly snapshot: Snapshot }[];
  readonly messages: Message[];
  readonly seen: Set<string>;
  fields: ReadonlyMap<string, Uint8Array>;
}

export class MemoryTransfer implements Transfer {
  readonly #runs: Map<string, StoredRun>;
  readonly #now: () => number;
  readonly #changed: (run: string) => void;
  readonly #blobs: MemoryBlobs;
  readonly #staged = new Map<string, Staged>();

  /** `open` tells the time, and throws when the store is closed; `changed` tells those who watch a run. */
  constructor(
    runs: Map<string, StoredRun>,
    {
      open,
      changed,
      blobs,
    }: {
      readonly open: () => number;
      readonly changed: (run: string) => void;
      readonly blobs: MemoryBlobs;
    },
  ) {
    this.#runs = runs;
    this.#now = open;
    this.#changed = changed;
    this.#blobs = blobs;
  }

  async export(id: string): Promise<ExportedRun | undefined> {
    this.#now();
    const run = this.#runs.get(id);
    if (run === undefined) return undefined;
    return {
      record: toRecord(run),
      snapshot: run.snapshot && copySnapshot(run.snapshot),
      unmanaged: run.unmanaged,
      notifyPending: run.notifyPending,
      cancelPending: run.cancelPending,
      woken: run.wokenAt !== undefined,
      messages: run.inbox.map((message) => ({ ...message, data: copy(message.data) })),
      seen: [...run.seen],
    };
  }

  async stage({
    token,
    events = [],
    saves = [],
    messages = [],
    seen = [],
  }: StageParams): Promise<void> {
    this.#now();
    const staged = this.#staged.get(token) ?? newStaged();
    this.#staged.set(token, staged);
    for (const event of events) staged.events.push(copyEvent(event));
    for (const save of saves) apply(staged, save);
    for (const message of messages) {
      staged.messages.push({ ...message, data: copy(message.data) });
      staged.seen.add(message.id);
    }
    for (const id of seen) staged.seen.add(id);
  }

  async restore(params: RestoreParams): Promise<RestoreOutcome> {
    const now = this.#now();
    const { record, token } = params;
    const known = this.#runs.get(record.id);
    const staged = this.#staged.get(token) ?? newStaged();
    this.#staged.delete(token);
    if (known !== undefined) {
      return { outcome: known.restoredBy === token ? 'restored' : 'exists' };
    }
    const { events, checkpoints, messages } = params.staged;
    const isWhole =
      staged.events.length === events &&
      staged.checkpoints.length === checkpoints &&
      staged.messages.length === messages;
    if (!isWhole || !this.#takes(params)) return { outcome: 'incomplete' };
    this.#runs.set(record.id, toStoredRun(params, staged, now));
    this.#changed(record.id);
    return { outcome: 'restored' };
  }

  #takes({ record, blobs }: RestoreParams): boolean {
    try {
      this.#blobs.take(record.id, blobs);
      return true;
    } catch (error) {
      if (error instanceof SweptError) return false;
      throw error;
    }
  }

  async discard({ token }: { readonly token: string }): Promise<void> {
    this.#staged.delete(token);
  }
}

function newStaged(): Staged {
  return { events: [], checkpoints: [], messages: [], seen: new Set(), fields: new Map() };
}

function apply(staged: Staged, { set, remove, checkpoint }: StagedSave): void {
  const fields = new Map(staged.fields);
  for (const [field, bytes] of set) fields.set(field, copy(bytes));
  for (const field of remove) fields.delete(field);
  staged.fields = fields;
  if (checkpoint === undefined) return;
  const { version, seq, schema, at } = checkpoint;
  staged.checkpoints.push({ checkpoint, snapshot: { version, seq, schema, at, fields } });
}

function toStoredRun(params: RestoreParams, staged: Staged, now: number): StoredRun {
  const { record, snapshot, unmanaged, notifyPending, cancelPending, woken, keepMs, token } =
    params;
  const { id, workflow, input, tags, createdAt, firstSeq, status, changedAt, fence } = record;
  const { codeVersion, paused, parent, onEnd, priority, deadlineAt, progress, wakeAt } = record;
  const { takeovers, losses, output, error, seq, waits, birth, wroteVersion, key } = record;
  const due = restoredDue(params);
  const dueTimes = [due.at ?? Infinity, due.afterMs === undefined ? Infinity : now + due.afterMs];
  const dueAt = Math.min(...dueTimes);
  return {
    id,
    workflow,
    createdAt,
    firstSeq,
    status,
    changedAt,
    fence,
    codeVersion,
    paused,
    parent,
    onEnd,
    priority,
    chunks: noChunks(record.chunks),
    deadlineAt,
    progress,
    wakeAt,
    takeovers,
    losses,
    unmanaged,
    key,
    turn: undefined,
    lastTurn: 0,
    proofs: 0,
    furthest: 0,
    input: copy(input),
    output: output && copy(output),
    error: error && copy(error),
    tags: { ...tags },
    birth,
    wroteVersion,
    notifyPending,
    cancelPending,
    attachedTo: undefined,
    restoredBy: token,
    refused: 0,
    wokenAt: woken ? now : undefined,
    waits,
    pollMs: restoredPollMs(record),
    parkedBy: undefined,
    cancelId: undefined,
    events: staged.events,
    bytesBefore: record.bytes - logBytes(staged),
    worker: undefined,
    owner: undefined,
    token: undefined,
    claimSeq: codeVersion > 0 ? seq : undefined,
    snapshot: snapshot && { ...snapshot, fields: staged.fields },
    checkpoints: staged.checkpoints,
    inbox: staged.messages,
    seen: staged.seen,
    questions: new Map(),
    expiresAt: isEnded(status) ? now + keepMs : undefined,
    dueAt: Number.isFinite(dueAt) ? dueAt : undefined,
    lost: undefined,
    pausedBy: undefined,
  };
}
