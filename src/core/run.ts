/**
 * A run, and the only ways its status can change.
 *
 *             create                claim                 finish
 *    (none) ─────────▶ queued ───────────────▶ running ───────────▶ completed · failed · cancelled
 *                        ▲  ▲                  │ ▲  │ ▲                          │
 *                        │  └──── hand back ───┘ │  │ │                          │
 *                        │            (SIGTERM)  │  │ └── claim ── waiting       │
 *                        │                 claim │  └──── park ────▶ (timer,     │
 *                        │                       │                   signal)     │
 *                        │                  interrupted ◀── its worker died      │
 *                        │                       │                               │
 *                        │                       ▼ kills its workers             │
 *                        └──────── retry ─── quarantined                         │
 *                        └──────── retry ────────────────────────────── failed ──┘
 *
 * (`running` also goes straight to `quarantined` when its log or state cannot be read.)
 *
 * A run that is started with a delay begins as `waiting`.
 *
 * A run that is not `running` has no owner, and a run that is `running` has exactly one. `queued` and `interrupted` runs
 * stand in the due index, and so do `waiting` ones that were woken, have a time to wake or are to be looked at; so a lost
 * wake-up is sent again. Each change is made by one store call that checks where it starts from; after a crash the run is on
 * one side of the arrow or the other.
 */

import type { Wait } from './waits.ts';

export const runStatuses = [
  'queued',
  'running',
  'waiting',
  'interrupted',
  'quarantined',
  'completed',
  'failed',
  'cancelled',
] as const;

/**
 * Where a run is in its life. `completed`, `failed` and `cancelled` are ends; a worker goes on with the others, or a
 * person with `quarantined` ones.
 */
export type RunStatus = (typeof runStatuses)[number];

/** From each status, the ones that may follow. The simulation holds every change to this table. */
export const transitions: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  queued: ['running', 'cancelled'],
  running: ['waiting', 'queued', 'interrupted', 'quarantined', 'completed', 'failed', 'cancelled'],
  waiting: ['running', 'queued', 'cancelled'],
  interrupted: ['running', 'quarantined', 'cancelled'],
  quarantined: ['queued', 'cancelled'],
  failed: ['queued'],
  completed: [],
  cancelled: [],
};

/** True for the statuses in which a run has ended and no worker will touch it by itself. */
export function isEnded(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** True where no worker goes on with the run unless somebody resumes it: it has ended, or it is quarantined. */
export function isOver(status: RunStatus): boolean {
  return isEnded(status) || status === 'quarantined';
}

/** How far a run is, as its handler said last. */
export interface RunProgress {
  /** 0 to 1. */
  readonly fraction: number;
  /** A text for people; empty when the handler gave none. */
  readonly message: string;
}

/** What the store keeps about a run beside its log and snapshot. Times are milliseconds since 1970 on the store's clock. */
export interface RunRecord {
  readonly id: string;
  readonly workflow: string;
  /** Version of the workflow's code that claimed the run last; 0 before the first claim. */
  readonly codeVersion: number;
  readonly status: RunStatus;
  /** Raised at every claim and interrupt; only its holder may write. */
  readonly fence: number;
  /** The worker that holds the run, while it is `running`. */
  readonly worker: string | undefined;
  /** The seq of the newest event. */
  readonly seq: number;
  /** The seq of the oldest event that is kept; 1 unless the log was compacted. */
  readonly firstSeq: number;
  /** How often a snapshot of this run was saved; 0 when never. */
  readonly version: number;
  /** The seq up to which the snapshot is folded. */
  readonly snapshotSeq: number;
  /** Encoded input. */
  readonly input: Uint8Array;
  /** Encoded output of a completed run. */
  readonly output: Uint8Array | undefined;
  /** Encoded `ErrorRecord` of a failed or quarantined run. */
  readonly error: Uint8Array | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** How often the run was taken over from a worker that died or froze. */
  readonly takeovers: number;
  /** Workers lost in a row without progress: see `evidence.ts`. Above 0, the run may be what kills them. */
  readonly losses: number;
  /** Bytes of event data in the log. */
  readonly bytes: number;
  /** Not to be claimed until it is resumed. */
  readonly paused: boolean;
  readonly progress: RunProgress | undefined;
  /** When the run has failed if it has not ended before. */
  readonly deadlineAt: number | undefined;
  /** Lower goes first; 0 goes before all others. */
  readonly priority: number;
  /** The number of the newest chunk of its output; 0 before the first. See `outputs.ts`. */
  readonly chunks: number;
  /** The run that started this one. */
  readonly parent: string | undefined;
  /** The birth of the parent that it is not to begin without; undefined for any other run, and after an import. */
  readonly attachedTo: string | undefined;
  /** Its workflow had a hook for the end when the run was made. */
  readonly onEnd: boolean;
  /** Whose run it is: runs of one key take turns, see `turns.ts`. */
  readonly key: string | undefined;
  /** The number of the turn that it has now. */
  readonly turn: number | undefined;
  /** When a `waiting` run wakes by itself, if ever. */
  readonly wakeAt: number | undefined;
  /** What a `waiting` run waits for; empty in any other status, and where nothing is known of it. */
  readonly waits: readonly Wait[];
  /** Tells this run from another one of the same id, before or after it. */
  readonly birth: string;
  /** The highest version of code that wrote events or the snapshot; 0 when none has said so. */
  readonly wroteVersion: number;
  /** The version of code that the run waits for, since an older one was refused; undefined when none was. */
  readonly needsVersion: number | undefined;
  readonly createdAt: number;
  /** When the status changed last; of an unmanaged run also its snapshot. */
  readonly changedAt: number;
}

/** How a run has ended, or where it stands, as its record says it. */
export type EndRecord = Pick<RunRecord, 'status' | 'output' | 'error'>;

/** A run as lists show it: all but its payloads, which may be large. */
export interface RunSummary extends Omit<RunRecord, 'input' | 'output'> {
  readonly hasOutput: boolean;
}

export function toSummary({ input: _, output, ...record }: RunRecord): RunSummary {
  return { ...record, hasOutput: output !== undefined };
}
