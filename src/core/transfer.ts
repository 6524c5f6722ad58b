/**
 * How a run leaves a store whole, and comes into another one.
 *
 *   export ──▶ lines of an export ──▶ stage … stage ──▶ restore        the run is there, all of it, at once
 *                                          │
 *                                          └──▶ discard               nothing was there, and nothing is left
 *
 * What is staged stands apart from all runs: no list, no claim and no reader sees it, and what one import stages is not in
 * another one's way. A crash between two calls leaves staged parts and no run; a store that outlives its clients drops
 * them by itself after `stagedMs` without a further part. The same import, begun anew, begins from nothing.
 */
import type { CheckpointRecord } from './checkpoint.ts';
import type { StoredEvent } from './event.ts';
import { isEnded, type RunRecord } from './run.ts';
import type { Message } from './message.ts';
import type { Snapshot } from './snapshot.ts';

/** How long staged parts stay when no further one comes. */
export const stagedMs = 3_600_000;

/** What a store holds of a run beside its events and checkpoints, as it was in one moment. */
export interface ExportedRun {
  readonly record: RunRecord;
  readonly snapshot: Snapshot | undefined;
  /** See `CreateParams.unmanaged`. */
  readonly unmanaged: boolean;
  /** The run has ended, and its parent has not been told, or the hook for its end has not begun. */
  readonly notifyPending: boolean;
  /** The run has ended, and its children have not been cancelled. */
  readonly cancelPending: boolean;
  /** A `waiting` run to which something has come that it waits for. */
  readonly woken: boolean;
  /** All that wait in the inbox, in the order they came. */
  readonly messages: readonly Message[];
  /** Ids of all messages that ever came, in no order. */
  readonly seen: readonly string[];
}

/** A save of the snapshot as it was made once: what changed since the save before, the first one since nothing. */
export interface StagedSave {
  readonly set: ReadonlyMap<string, Uint8Array>;
  readonly remove: readonly string[];
  /** Kept as this checkpoint; absent only for the last save, the snapshot the run goes on from. */
  readonly checkpoint?: CheckpointRecord;
}

export interface StagedMessage extends Message {
  /** Among all that are staged: 1, 2, 3 … */
  readonly place: number;
}

/** Parts of one run, each kind in order over all calls. A call that is repeated adds nothing. */
export interface StageParams {
  readonly run: string;
  /** Of this import of this run. */
  readonly token: string;
  readonly events?: readonly StoredEvent[];
  readonly saves?: readonly StagedSave[];
  readonly messages?: readonly StagedMessage[];
  /** Ids of messages that came before; those of `messages` are among them by themselves. */
  readonly seen?: readonly string[];
}

export interface RestoreParams {
  readonly token: string;
  /** Not `running`, and without a worker: nobody here holds it. */
  readonly record: RunRecord;
  /** Its fields are those of the saves. */
  readonly snapshot: Omit<Snapshot, 'fields'> | undefined;
  readonly unmanaged: boolean;
  readonly notifyPending: boolean;
  readonly cancelPending: boolean;
  readonly woken: boolean;
  /** What was staged; less than this, and some of it was dropped meanwhile. */
  readonly staged: {
    readonly events: number;
    readonly checkpoints: number;
    readonly messages: number;
    /** Place among them of the last one that asks to cancel. */
    readonly cancel?: number;
  };
  /** How long the run is kept if it has ended. */
  readonly keepMs: number;
  /** Addresses of the blobs that the run refers to. When one of them is garbage by now, the run is `incomplete`. */
  readonly blobs?: readonly string[];
}

export type RestoreOutcome =
  | { readonly outcome: 'restored' }
  /** The id is taken; that run is untouched, and what was staged is gone. */
  | { readonly outcome: 'exists' }
  /** Some of what was staged is gone, and so is the rest. Begin anew. */
  | { readonly outcome: 'incomplete' };

export interface Transfer {
  /** Undefined when there is no such run. */
  export(run: string): Promise<ExportedRun | undefined>;
  /** Puts parts of a run aside. */
  stage(params: StageParams): Promise<void>;
  /** Makes a run of what was staged, as it was, with its seqs, fences and times; in every index, and due as it should be. */
  restore(params: RestoreParams): Promise<RestoreOutcome>;
  /** Drops what was staged. */
  discard(params: { readonly run: string; readonly token: string }): Promise<void>;
}

/** A restored run that waits for a child is looked at after this time: the child may have been left behind. */
const pollMs = 60_000;

/** After which time somebody is to look at what a restored run waits for, see `Parking`; undefined for never. */
export function restoredPollMs({ status, waits }: RunRecord): number | undefined {
  return status === 'waiting' && waits.some(({ kind }) => kind === 'child') ? pollMs : undefined;
}

/** When a restored run is to be looked at: at a time, after one, or at whichever of the two comes first; or never. */
export function restoredDue(params: RestoreParams): {
  readonly at?: number;
  readonly afterMs?: number;
} {
  const { record, unmanaged, notifyPending, cancelPending, woken, keepMs } = params;
  const { status, paused, wakeAt } = record;
  if (isEnded(status)) return { afterMs: notifyPending || cancelPending ? 0 : keepMs };
  if (unmanaged || paused || status === 'quarantined') return {};
  if (status !== 'waiting' || woken) return { afterMs: 0 };
  const afterMs = restoredPollMs(record);
  return {
    ...(wakeAt === undefined ? {} : { at: wakeAt }),
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}
