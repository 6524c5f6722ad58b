import type { Wait } from './waits.ts';

/** How an owner lets go of a run, in the same step as its last commit. */
export type Release =
  | { readonly status: 'completed'; readonly output: Uint8Array; readonly keepMs: number }
  | {
      readonly status: 'failed' | 'cancelled';
      readonly error: Uint8Array;
      readonly keepMs: number;
      /** Its children are to be cancelled: until that is `paid`, the run is due and kept. */
      readonly cancelsChildren?: boolean;
    }
  /** Quarantined untouched, because it cannot be continued: for a person to look at. */
  | { readonly status: 'quarantined'; readonly error: Uint8Array }
  /** Handed back for any worker to claim. */
  | { readonly status: 'queued'; readonly resendMs: number }
  | Parking;

/** A release to `waiting`. The run is awake `wakeMs` from now; absent: when something comes that it waits for. */
export interface Parking {
  readonly status: 'waiting';
  readonly wakeMs?: number;
  readonly waits: readonly Wait[];
  /**
   * `parked`: refused while messages are in the inbox that were not taken. `retry`, a pause before another attempt, is never
   * refused: a message that is wanted wakes the run at once.
   */
  readonly why: 'parked' | 'retry';
  /** So long from now, and then now and then, the run is due so that somebody looks at what it waits for. It sleeps on. */
  readonly pollMs?: number;
  /** The handler is left behind, and might go on: until it is `settled`, the run is woken when its worker dies or leaves. */
  readonly mayGoOn?: boolean;
}
