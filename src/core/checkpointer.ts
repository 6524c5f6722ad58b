/**
 * The checkpointer: the contract for people who bring their own loop and want neither a workflow nor a worker.
 *
 *   claim ──▶ state and events to go on from ──▶ saveEvent … saveSnapshot … ──▶ finish, or release
 *     ▲                                                   │
 *     └────────── another process, whenever it likes ◀────┘ crash, or anything else
 *
 * Rules for every implementation, checked by the suite in `pawl/testing`:
 *
 * - The newest claim wins. It raises the run's fence; whatever an older claim writes afterwards is refused with FencedError
 *   and changes nothing. Nobody needs a session, a lease or a heartbeat: a loop is taken from its owner by claiming it.
 * - Seqs are dense: 1, 2, 3 … The log also holds entries of pawl itself (`run.created`, `run.claimed`, `checkpoint.saved`,
 *   `run.completed`), so that it tells who wrote when.
 * - What a save acknowledged is durable as far as the store below is. All events of one save are stored, or none.
 * - A snapshot covers all events that were saved before it.
 * - What cannot be stored is refused with the path to it; what is stored and cannot be read is named, never skipped.
 */
import type { CheckpointInfo, CheckpointListOptions } from './checkpoint.ts';
import type { RunEvent } from './event.ts';
import type { RunStatus } from './run.ts';

/** An event to be saved. */
export interface OwnEvent {
  /** A name outside of pawl's namespaces, such as `page.read`. */
  readonly type: string;
  /**
   * The payload: any storable value. Default: none. It may have 256 kB when encoded, unless `limits.eventBytes` says
   * otherwise.
   */
  readonly data?: unknown;
  /** The branch of a parallel loop that wrote it. */
  readonly branch?: string;
}

/** How a run is claimed, and what a run that does not exist yet is made with. */
export interface ClaimOptions {
  /** Who claims, for people who read the log. Default: host and process id. */
  readonly worker?: string;
  /** What kind of loop it is, to list by. Default `loop`. An existing run keeps the one it began with. */
  readonly workflow?: string;
  /** Of a new run. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Of a new run; anything storable. */
  readonly metadata?: unknown;
}

/** Under which condition a snapshot is saved, and whether it is kept as a checkpoint. */
export interface SaveSnapshotOptions {
  /** Saves only if the snapshot has this version now; 0: only if there is none. */
  readonly version?: number;
  /** Keeps the snapshot for good, as a checkpoint. */
  readonly checkpoint?: CheckpointWords;
}

/** What a kept snapshot is found by, and what is shown with it. */
export interface CheckpointWords {
  /** A place in the work, to find the latest checkpoint of. */
  readonly node?: string;
  /** A text for people, and to find the checkpoint by. It need not be unique. */
  readonly label?: string;
  /** Anything storable; shown beside the checkpoint. */
  readonly metadata?: unknown;
}

/** What the store has after a save of a snapshot. */
export interface SavedSnapshot {
  /** The newest event it covers. */
  readonly seq: number;
  /** How often the run's snapshot was saved. */
  readonly version: number;
  /** The handle of the checkpoint, when it was kept. */
  readonly checkpoint?: string;
}

/** Where a run is: what a loop needs to go on. */
export interface LatestSave<State = unknown> {
  /** The newest snapshot; undefined when there is none, and `version` is 0. It is not validated. */
  readonly state: State | undefined;
  /** The newest event of the log. */
  readonly seq: number;
  /** How often a snapshot of the run was saved; 0 before the first one. */
  readonly version: number;
  /** The own events saved after the snapshot, to be folded into the state. */
  readonly events: readonly RunEvent[];
}

/**
 * The right to write to a run, until the next claim. Calls may overlap: they are carried out one after the other, in the
 * order in which they were made.
 *
 * Every method throws FencedError (`PAWL_FENCED`) when somebody has claimed the run since. It throws RunError
 * `PAWL_RUN_NOT_FOUND` when the run was deleted, and `PAWL_REWOUND` when the store has lost acknowledged writes. After
 * `finish` and `release` it throws PawlError `PAWL_CLOSED`. Nothing was written then.
 */
export interface Claim<State = unknown> extends LatestSave<State>, AsyncDisposable {
  /** The id of the claimed run. */
  readonly run: string;
  /** The number that this claim writes under. Each later claim of the run has a larger one. */
  readonly fence: number;
  /** The newest event, this claim's own included. */
  readonly seq: number;
  /** The newest version, this claim's own included. */
  readonly version: number;
  /** Saves an event; resolves with its seq when it is durable. @throws as `saveEvents`. */
  saveEvent(event: OwnEvent): Promise<number>;
  /**
   * Saves events, all or none; resolves with their seqs.
   * @throws InvalidError, UnstorableError, LimitError: nothing was written.
   */
  saveEvents(events: readonly OwnEvent[]): Promise<readonly number[]>;
  /**
   * Saves the whole state; the one before is overwritten. Only top-level fields that changed travel to Redis. Fields that
   * hold a text, a number or a deeply frozen object are compared without being encoded.
   * @throws ConflictError (`PAWL_CONFLICT`) when `version` is another one; UnstorableError, LimitError, InvalidError.
   */
  saveSnapshot(state: State, options?: SaveSnapshotOptions): Promise<SavedSnapshot>;
  /**
   * Saves new values of some top-level fields of the state that is saved then; the others stay. It costs what the given
   * fields cost, however large the state is. A field that is given as undefined is stored as undefined.
   * @throws as `saveSnapshot`; InvalidError when the saved state is no object. Nothing was written.
   */
  patch(fields: Partial<State>, options?: SaveSnapshotOptions): Promise<SavedSnapshot>;
  /** The work is done: the run cannot be claimed any more. Ended runs are removed as those of workflows are. */
  finish(output?: unknown): Promise<void>;
  /** Lets go of the run as it is, for anybody to claim. */
  release(): Promise<void>;
}

/** What is known of a run without its state. */
export interface LoopInfo {
  /** The id of the run. */
  readonly run: string;
  /** The name that the run was made under. */
  readonly workflow: string;
  /** `running`: claimed, by a process that may be gone; `queued`: free; `completed`: finished. */
  readonly status: RunStatus;
  /** Of the newest claim, while the run is claimed. */
  readonly worker: string | undefined;
  /** The fence of the newest claim. It grows with each claim. */
  readonly fence: number;
  /** The seq of the newest event. */
  readonly seq: number;
  /** How often a snapshot was saved; 0 before the first one. */
  readonly version: number;
  /** What the run was made with, to find it by. Empty by default. */
  readonly tags: Readonly<Record<string, string>>;
  /** What the run was made with. Absent when nothing was given. */
  readonly metadata: unknown;
  /** Of a finished run. */
  readonly output: unknown;
  /** When the first claim made the run. */
  readonly createdAt: Date;
  /** The last claim, snapshot, release or finish. */
  readonly updatedAt: Date;
}

/** Which runs of loops are listed, and how many on a page. */
export interface LoopListOptions {
  /** Only runs that were made under this name. */
  readonly workflow?: string;
  /** Only runs that have this status now. */
  readonly status?: RunStatus;
  /** 1–500, default 50. */
  readonly limit?: number;
  /** From the page before. */
  readonly cursor?: string;
}

/** How much a run has written so far. */
export interface LoopCounts {
  /** Entries of the log, pawl's own included. */
  readonly events: number;
  /** How often a snapshot was saved. */
  readonly snapshots: number;
  /** Snapshots that are kept as checkpoints now. */
  readonly checkpoints: number;
}

/**
 * The log and the snapshots of loops that your own code runs, without a workflow and without a worker. The newest claim
 * of a run may write; each older one is refused with `PAWL_FENCED`.
 */
export interface Checkpointer {
  /**
   * Takes a run, also from another claim; makes it if there is none.
   * @throws InvalidError; RunError `PAWL_RUN_EXISTS` when the id belongs to a workflow's run or to another kind of loop,
   *   `PAWL_RUN_ENDED` when it is finished; CorruptionError when what is stored cannot be read.
   */
  claim<State = unknown>(run: string, options?: ClaimOptions): Promise<Claim<State>>;
  /** Where a run is, without claiming it; undefined when there is none. */
  loadLatest<State = unknown>(run: string): Promise<LatestSave<State> | undefined>;
  /** The log from the event after `since` (default 0: all), in order; nothing when there is no such run. */
  listEvents(
    run: string,
    options?: { readonly since?: number; readonly limit?: number },
  ): AsyncIterable<RunEvent>;
  /**
   * Where a run stands, without its state; undefined when there is no such run.
   * @throws InvalidError for a bad id.
   */
  info(run: string): Promise<LoopInfo | undefined>;
  /** Runs, the one last updated first, a page at a time. */
  listRuns(
    options?: LoopListOptions,
  ): Promise<{ readonly runs: readonly LoopInfo[]; readonly cursor: string | undefined }>;
  /** Removes a run and all of its checkpoints, also while it is claimed; false when there was none. */
  deleteRun(run: string): Promise<boolean>;
  /** Kept snapshots, the newest first, a page at a time. */
  checkpoints(run: string, options?: CheckpointListOptions): Promise<readonly CheckpointInfo[]>;
  /** The newest one: of all, or of a node or a label. */
  latestCheckpoint(
    run: string,
    options?: { readonly node?: string; readonly label?: string },
  ): Promise<CheckpointInfo | undefined>;
  /** The state as a checkpoint keeps it. @throws InvalidError when the run has no such checkpoint. */
  loadCheckpoint<State = unknown>(run: string, id: string): Promise<State>;
  /** How many events, snapshots and checkpoints a run has; undefined when there is no such run. */
  counts(run: string): Promise<LoopCounts | undefined>;
}
