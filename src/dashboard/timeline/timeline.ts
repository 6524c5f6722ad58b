/** What a timeline is made of: tracks with bars, and who held the run. Plain data. */

/** How what a bar shows has gone. `pause` is the time to the next attempt. */
export type BarTone = 'done' | 'failed' | 'retried' | 'running' | 'waiting' | 'pause' | 'withdrawn';

export interface Bar {
  /** Milliseconds since 1970 on the store's clock. */
  readonly from: number;
  readonly to: number;
  readonly tone: BarTone;
  /** The event at its end; 0 while there is none. */
  readonly seq: number;
}

export interface Track {
  readonly name: string;
  readonly kind: 'step' | 'node' | 'wait' | 'child' | 'effect';
  readonly bars: readonly Bar[];
  /** Attempts, of a step. */
  readonly attempts: number;
  /** The run that a child is. */
  readonly run?: string;
  /** How many tracks were put together as this one; 1 for a track of its own. */
  readonly members: number;
}

/** A stretch in which one worker held the run. */
export interface Holding {
  readonly from: number;
  readonly to: number;
  readonly worker: string;
  /** From one colour to the next at each change of the owner. */
  readonly colour: number;
  readonly seq: number;
  readonly isOpen: boolean;
}

/** A stretch in which nobody held the run because its worker was lost. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly lost: string;
  readonly reason: string;
  readonly isOpen: boolean;
}

export interface Timeline {
  readonly from: number;
  readonly to: number;
  /** True while the run goes on: `to` is now. */
  readonly isOpen: boolean;
  readonly holdings: readonly Holding[];
  readonly gaps: readonly Gap[];
  readonly tracks: readonly Track[];
  /** Checkpoints and signals, by their times. */
  readonly marks: readonly { readonly at: number; readonly seq: number; readonly what: string }[];
}
