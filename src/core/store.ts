/**
 * The run store: the contract that holds runs, their logs and snapshots. The life of one run is its own; what is done with
 * many runs, or beside living them, is in contracts of their own, each one object of the store:
 *
 *   archive      what is dropped and measured          observation  counts, the clock, hints; no payloads
 *   blobs        which large values are whose
 *   fleet        workers, and the runs they hold        schedules    what starts runs at certain times
 *   lists        runs and deletions, page by page       transfer     whole runs that leave and come
 *   outputs      chunks that runs give out at work
 *   turns        which runs with a key may be at work
 *   questions    what a run at work is asked
 *
 * So a wrapper implements what it changes and passes on the other objects as they are. No method is optional: one that is
 * missing does not compile.
 *
 * Rules for every implementation of any of them, checked by the conformance suite in `pawl/testing`:
 *
 * - Each method is atomic: it happens wholly or not at all, also when the caller dies in the middle.
 * - What concurrency makes normal is *returned* as an outcome. What is thrown is a fault: UnavailableError (no answer),
 *   CorruptionError (stored data cannot be read), LimitError (no room).
 * - Repeating a call with the same `token` after a lost answer is recognised and answered as the first time would have been;
 *   a claim that was repeated shows the run as it is by then, and one whose run was taken since is refused.
 * - A run's owner is known by fence and token together. A call with a stale one changes nothing.
 * - Time is the store's own clock, never the caller's.
 */
import type { ThreadValue } from './langgraph.ts';
import type { Archive } from './archive.ts';
import type { BlobIndex } from './blobs.ts';
import type { CheckpointMark, CheckpointQuery, CheckpointRecord } from './checkpoint.ts';
import type { DueRun, NeededTurn } from './due-run.ts';
import type { InterruptReason, NewEvent, StoredEvent } from './event.ts';
import type { Fleet } from './fleet.ts';
import type { Lists } from './lists.ts';
import type { Message } from './message.ts';
import type { Observation } from './observation.ts';
import type { Outputs } from './outputs.ts';
import type { Ownership } from './ownership.ts';
import type { Questions } from './questions.ts';
import type { Release } from './release.ts';
import type { RunProgress, RunRecord, RunStatus } from './run.ts';
import type { Schedules } from './schedules.ts';
import type { Snapshot } from './snapshot.ts';
import type { Transfer } from './transfer.ts';
import type { Wait } from './waits.ts';
import type { Keyed, Turns } from './turns.ts';

export type { Message, MessageKind } from './message.ts';
export type { Ownership } from './ownership.ts';
export type { Parking, Release } from './release.ts';
export type { Snapshot } from './snapshot.ts';
export type { Wait } from './waits.ts';

export interface CreateParams {
  readonly run: string;
  readonly workflow: string;
  readonly input: Uint8Array;
  readonly tags: Readonly<Record<string, string>>;
  /** Payload of the `run.created` event. */
  readonly data: Uint8Array;
  /** From now on the run's birth: it tells this run from another one of the same id. */
  readonly token: string;
  /** Version of the code that wrote the input, and the snapshot if there is one; older code is not to take the run. */
  readonly codeVersion?: number;
  /** When the sweeper sends the wake-up again if no claim has happened, in milliseconds from now. */
  readonly resendMs: number;
  /** What the run begins with, as if folded from its first event: that of a fork. */
  readonly snapshot?: SnapshotDelta;
  /** The run that starts this one, and is told of its end. */
  readonly parent?: string;
  /**
   * The birth of that run, when this one is not to go on without it: whoever claims it first looks whether that run is still
   * there. An import does not keep it.
   */
  readonly attachedTo?: string;
  /** Its workflow has a hook for its end: when the run ends, that somebody is to be told of it is noted. */
  readonly onEnd?: boolean;
  /** How long the run may take, from its creation. */
  readonly deadlineMs?: number;
  /** Begins `waiting`, and is due after this time. */
  readonly delayMs?: number;
  /** Lower goes first; 0, the default, goes before all others. */
  readonly priority?: number;
  /** The run takes turns with the others of this key and workflow: see `turns.ts`. */
  readonly key?: string;
  /**
   * A run of somebody's own loop, that no worker and no sweeper looks after: it is never due, stands in no worker's
   * hands, and only an unmanaged claim takes it.
   */
  readonly unmanaged?: boolean;
  /**
   * Claims the run in the same step, as `claim` would: for a run that is managed and has neither a delay, a key nor a
   * snapshot. It is never due then, for it is held. A store may leave it out.
   */
  readonly claim?: FirstClaim;
  /** Addresses of the blobs that this refers to; see `core/blobs.ts`. @throws SweptError when one of them is garbage. */
  readonly blobs?: readonly string[];
}

/** The claim of a run by the worker that makes it, with the code that wrote its input. */
export type FirstClaim = Pick<ClaimParams, 'worker' | 'codeVersion' | 'token'>;

export type CreateOutcome =
  /** `claimed`: it was claimed as well; the record is as it is then. */
  | { readonly outcome: 'created'; readonly record: RunRecord; readonly claimed?: ClaimedRun }
  /** The id is taken; the caller compares workflow and input. Nothing was written. */
  | { readonly outcome: 'exists'; readonly record: RunRecord };

export interface ClaimParams {
  readonly run: string;
  /** The fence the wake-up was sent at; a run that has moved on since is left alone. Absent: whatever it is. */
  readonly expectedFence?: number;
  readonly worker: string;
  readonly codeVersion: number;
  readonly token: string;
  /**
   * Takes an unmanaged run from whoever has it. For a managed run the outcome is `notClaimable`, and the same the other
   * way round.
   */
  readonly unmanaged?: boolean;
  /** The worker that parked the run goes on with it: taken whether it is awake or not. Needs `expectedFence`. */
  readonly reclaim?: boolean;
  /** Takes a run that newer code has written: a downgrade on purpose. */
  readonly anyVersion?: boolean;
}

/** What changed since the snapshot before; covers all events of the commit it travels with. */
export interface SnapshotDelta {
  readonly schema: number;
  readonly set: ReadonlyMap<string, Uint8Array>;
  readonly remove: readonly string[];
  /** `set` holds every field that the snapshot has from now on, and `remove` is empty: what lies beside it is dropped. */
  readonly full?: boolean;
  /** Keeps this snapshot, as so many checkpoints; `bytes` is its whole size, as the owner counts it. */
  readonly checkpoints?: { readonly marks: readonly CheckpointMark[]; readonly bytes: number };
}

/** What others want of a run: its messages in the order they came, and whether it is to be paused. */
export interface UnreadMessages {
  readonly messages: readonly Message[];
  readonly paused: boolean;
  /** What `pause` was given: who wants it, and why. */
  readonly pausedBy?: Uint8Array;
}

export interface PostParams extends Omit<Message, 'at'> {
  readonly run: string;
  /** Addresses of the blobs that this refers to; see `core/blobs.ts`. @throws SweptError when one of them is garbage. */
  readonly blobs?: readonly string[];
}

export type PostOutcome =
  /** `woken`: the run was parked and is to go on; `wakeUp` is to be sent. */
  | { readonly outcome: 'posted'; readonly woken: boolean; readonly wakeUp: DueRun }
  /** A message with this id was posted before; nothing was written. `taken`: it is in the log, and not in the inbox. */
  | {
      readonly outcome: 'known';
      readonly taken: boolean;
      readonly woken: boolean;
      readonly wakeUp: DueRun;
    }
  /** The wait that it was to answer has an answer already, the message of this id. Nothing was written. */
  | { readonly outcome: 'answered'; readonly by: string }
  /** The run does not wait so, or its time is over. Nothing was written. */
  | { readonly outcome: 'unwanted' }
  /**
   * Whether the run still waits so is not known before it has looked at what came, or parks again. Nothing was written.
   */
  | { readonly outcome: 'busy' }
  | { readonly outcome: 'ended'; readonly status: RunStatus }
  | { readonly outcome: 'missing' };

export interface CancelParams {
  readonly run: string;
  /** Id of the request; the same one again changes nothing. */
  readonly id: string;
  /** Encoded: who asks and why. */
  readonly data: Uint8Array;
  /** Encoded error of the run, should it end right here. */
  readonly error: Uint8Array;
  readonly keepMs: number;
}

export type CancelOutcome =
  /** The handler will be told. */
  | { readonly outcome: 'asked'; readonly wakeUp: DueRun }
  /** The run had not begun, and is over. `keyed`: of a run with a key, which may stand in line. */
  | { readonly outcome: 'cancelled'; readonly keyed?: Keyed }
  | { readonly outcome: 'ended'; readonly status: RunStatus }
  | { readonly outcome: 'missing' };

export type PauseOutcome =
  /** `keyed`: of a run with a key that is not at work, and has no turn any more. */
  | { readonly outcome: 'paused'; readonly status: RunStatus; readonly keyed?: Keyed }
  | { readonly outcome: 'ended'; readonly status: RunStatus }
  | { readonly outcome: 'missing' };

export type ResumeOutcome =
  | { readonly outcome: 'resumed'; readonly wakeUp: DueRun }
  /** Neither paused, nor failed, nor quarantined. */
  | { readonly outcome: 'notResumable'; readonly status: RunStatus }
  | { readonly outcome: 'missing' };

/** A snapshot and the first page of what came after it. */
export interface LoadedRun {
  readonly record: RunRecord;
  readonly snapshot: Snapshot | undefined;
  /** Events after the snapshot, at most `eventsPerLoad`; more follow when the last is below `record.seq`. */
  readonly events: readonly StoredEvent[];
}

/** A run that is made up: nothing of it is stored, and its id is one that no run can have. */
export interface SampleRun {
  readonly run: string;
  /** Who holds it, and lost it before. */
  readonly worker: string;
  readonly workflow: string;
  readonly input: Uint8Array;
  readonly snapshot: Snapshot | undefined;
  /** What came after the snapshot. */
  readonly events: readonly StoredEvent[];
}

export interface Takeover {
  readonly from: string;
  readonly reason: InterruptReason;
  readonly detectMs: number;
  readonly claimMs: number;
}

/** All that is needed to go on with a run. */
export interface ClaimedRun extends LoadedRun {
  readonly outcome: 'claimed';
  readonly ownership: Ownership;
  /** Present when the run was lost by another worker. */
  readonly takeover: Takeover | undefined;
  /** Events of its own that an execution had got to that lost its worker: see `ExecutionProgress`. */
  readonly furthest: number;
  /** Messages that wait to be taken into the log, at most a page of them. */
  readonly messages: readonly Message[];
  /** What the run waited for when it was parked last, as far as that is known: for since when it has waited. */
  readonly waitedFor: readonly Wait[];
  /** Questions may be open: see `Questions`. */
  readonly asked: boolean;
  /** The store's clock at this answer, in milliseconds. A repetition is answered later than the run was claimed. */
  readonly now: number;
}

export type ClaimOutcome =
  | ClaimedRun
  | { readonly outcome: 'held'; readonly worker: string }
  /** The run has moved on since the wake-up was sent. */
  | { readonly outcome: 'stale'; readonly fence: number }
  /** Newer code, of this version, has written events or the snapshot. Only that this was refused is noted. */
  | { readonly outcome: 'newer'; readonly codeVersion: number }
  /** Not to be claimed in this status: ended, quarantined, or waiting for what has not come; or not so (`unmanaged`). */
  | { readonly outcome: 'notClaimable'; readonly status: RunStatus }
  /** The run needs a turn first; it is awake from now on. Nothing else was written. */
  | { readonly outcome: 'unadmitted'; readonly needs: NeededTurn & { readonly priority: number } }
  | { readonly outcome: 'missing' };

export interface CommitParams extends Ownership {
  /** Identifies this commit; the same one again is recognised. */
  readonly token: string;
  /** The seq of the newest event this owner knows. */
  readonly expectedSeq: number;
  readonly events: readonly NewEvent[];
  readonly snapshot?: SnapshotDelta;
  /** Ids of the messages that are in `events`: they leave the inbox, and no others do. */
  readonly taken?: readonly string[];
  readonly release?: Release;
  /** Addresses of the blobs that this refers to; see `core/blobs.ts`. @throws SweptError when one of them is garbage. */
  readonly blobs?: readonly string[];
}

export type CommitOutcome =
  | { readonly outcome: 'committed'; readonly seq: number; readonly version: number }
  /**
   * Parking was refused: messages have come that the owner has not taken, or, with `asked`, a question is open. Nothing was
   * written.
   */
  | { readonly outcome: 'unread'; readonly asked?: true }
  /**
   * Somebody else owns the run. `applied`: this very commit had been stored before they took it; of one without events
   * that is not known, and said to be false.
   */
  | { readonly outcome: 'fenced'; readonly fence: number; readonly applied: boolean }
  /** The log is not where the owner thinks: below, when Redis lost writes it had acknowledged. Nothing was written. */
  | { readonly outcome: 'conflict'; readonly seq: number }
  | { readonly outcome: 'missing' };

/** A run as it was seen: it is so no longer if one of these has changed. Whatever is done to it raises the fence. */
export type Seen = Pick<RunRecord, 'status' | 'fence'> & Partial<Pick<RunRecord, 'seq'>>;

/** An end that is known to whoever is to be told of it; `hook`: the run's own hook included. */
export interface ToldEnd extends Pick<Seen, 'fence'> {
  readonly hook?: boolean;
}

export type DeleteOutcome =
  /** `keyed`: of a run with a key, which may have stood in line. */
  | { readonly outcome: 'deleted'; readonly keyed?: Keyed }
  | { readonly outcome: 'missing' }
  /** The run is not as it was said to be, or owes something. Nothing was written. */
  | { readonly outcome: 'changed' }
  /** Held by a worker. */
  | { readonly outcome: 'active'; readonly worker: string };

export interface RunStore {
  // What is done with many runs, or beside living them: contracts of their own.

  readonly archive: Archive;
  readonly blobs: BlobIndex;
  readonly fleet: Fleet;
  readonly lists: Lists;
  readonly observation: Observation;
  readonly outputs: Outputs;
  readonly questions: Questions;
  readonly schedules: Schedules;
  readonly transfer: Transfer;
  readonly turns: Turns;

  // Writing to a run.

  /** Makes a run, `queued` and due. */
  create(params: CreateParams): Promise<CreateOutcome>;
  /** Takes a run: raises its fence, writes `run.claimed`, returns everything needed to go on. */
  claim(params: ClaimParams): Promise<ClaimOutcome>;
  /**
   * Appends events, saves a snapshot, lets go of the run: any of these, all at once. Each of several events but the last is
   * stored with `more`.
   */
  commit(params: CommitParams): Promise<CommitOutcome>;
  /**
   * Puts a message into the inbox of a run, whether or not it waits for it; only what it waits for wakes it. The end of a
   * child comes to a failed run as well, which may be resumed. With `wait`, only if the parked run waits so and nobody was
   * first: of all answers to one wait, one is taken.
   */
  post(params: PostParams): Promise<PostOutcome>;
  /** Asks a run to end as cancelled. */
  cancel(params: CancelParams): Promise<CancelOutcome>;
  /** Keeps a run from being claimed; one at work is handed back. `data` says who asks and why. */
  pause(run: string, data: Uint8Array): Promise<PauseOutcome>;
  /**
   * Lets a paused run go on, or a failed or quarantined one try again. The latter forgets a cancel from before.
   */
  resume(run: string, data: Uint8Array, blobs?: readonly string[]): Promise<ResumeOutcome>;
  /** Notes how far a run is; a stale owner's word changes nothing. */
  progress(owner: Ownership, progress: RunProgress): Promise<void>;
  /**
   * The parent of an ended run knows of this end: no more news is owed. Of a run that has moved on, nothing is noted; of one
   * with a hook for its end, only with `hook`: the hook has begun as well.
   */
  parentNotified(run: string, at: ToldEnd): Promise<void>;
  /** The children of an ended run were cancelled: see `cancelsChildren`. Of a run that has moved on, nothing is noted. */
  childrenCancelled(run: string, at: Pick<Seen, 'fence'>): Promise<void>;
  /**
   * Removes a run and every trace of it. With `data`, which says who asks and why, the deletion itself is kept: see
   * `Lists.deletions`. With `seen`, only if the run is still so and owes nothing.
   */
  delete(run: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome>;

  // Reading a run.

  record(run: string): Promise<RunRecord | undefined>;
  load(run: string): Promise<LoadedRun | undefined>;
  /** Events after `after`, in order, at most `limit`; none when there is no such run. */
  events(params: {
    readonly run: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly StoredEvent[]>;
  /** The kept snapshots of a run, the newest first, at most `limit`; none when there is no such run. */
  checkpoints(query: CheckpointQuery): Promise<readonly CheckpointRecord[]>;
  /** A kept snapshot as it was, whatever was saved since. */
  recall(run: string, checkpoint: string): Promise<Snapshot | undefined>;
  /**
   * The values of a thread of LangGraph, by channel, at one of its checkpoints or at the newest of a namespace. Undefined
   * when it is not there, and in a store that keeps no threads.
   */
  channels(
    run: string,
    at: { readonly namespace: string; readonly checkpoint: string | undefined },
  ): Promise<ReadonlyMap<string, ThreadValue> | undefined>;
  /** What others want of a run now. */
  readInbox(run: string): Promise<UnreadMessages>;

  /**
   * Answers as `claim` would for a run that is made up, by the way on which such an answer comes. So a process has been this
   * way before a take-over goes it. Nothing is written. Undefined from a store to which there is no way.
   */
  sample(run: SampleRun): Promise<ClaimedRun | undefined>;

  close(): Promise<void>;
}
