/**
 * Checkpoints: snapshots that are kept for good, with words for people, to look at and to fork from.
 *
 * A snapshot is overwritten by the next one. Of a checkpoint the store keeps what the next snapshots overwrite, and only
 * that: a hundred checkpoints of a large state that changes one field each cost about one state and a hundred fields.
 */

/** Asks that the snapshot of a commit be kept. */
export interface CheckpointMark {
  readonly label?: string;
  /** The node of a graph, or whatever the caller calls a place in its work. */
  readonly node?: string;
  /** Encoded; `undefined` is nothing to say. */
  readonly metadata?: Uint8Array;
}

/** What is known of a checkpoint without its state. */
export interface CheckpointRecord extends CheckpointMark {
  /** `<version>-<n>`: version of the run's snapshot, and the place among those that were kept with it, from 0. */
  readonly id: string;
  /** The events folded into it: all up to this one. */
  readonly seq: number;
  readonly version: number;
  /** The version of the state's schema. */
  readonly schema: number;
  /** When it was kept, on the store's clock. */
  readonly at: number;
  /** Encoded size of the whole snapshot, as its writer counted it. */
  readonly bytes: number;
}

export interface CheckpointQuery {
  readonly run: string;
  readonly node?: string;
  readonly label?: string;
  /** Only those older than this one. */
  readonly before?: string;
  readonly limit: number;
}

/** True for what could be the id of a checkpoint. */
export function isCheckpointId(id: string): boolean {
  return /^[1-9]\d{0,14}-\d{1,6}$/.test(id);
}

/** A checkpoint without its state, as callers see it. */
export interface CheckpointInfo {
  /** The handle by which it is found again. */
  readonly id: string;
  /** The text it was taken with. Several checkpoints of a run may have the same one. */
  readonly label?: string;
  /** The place in the work that it was taken at. In a graph it is the node's id. */
  readonly node?: string;
  /** What the caller stored with it. Absent when nothing was. */
  readonly metadata?: unknown;
  /** The events folded into it: all up to this one. */
  readonly seq: number;
  /** Version of the run's snapshot. */
  readonly version: number;
  /** Version of the state's schema. */
  readonly schema: number;
  /** When it was kept, on the store's clock; prints as ISO 8601. */
  readonly at: Date;
  /** Encoded size of the whole state. */
  readonly bytes: number;
}

/** Which checkpoints of a run are listed: those that meet every condition. */
export interface CheckpointListOptions {
  /** Only checkpoints of this place in the work. */
  readonly node?: string;
  /** Only checkpoints with exactly this label. */
  readonly label?: string;
  /** Default 100, at most 500. */
  readonly limit?: number;
  /** Id of the last one of the page before. */
  readonly before?: string;
}
