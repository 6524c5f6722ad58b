/** What a fold keeps of steps, signals, children and effects, to find the way back into a handler. */
import type { ErrorRecord } from './errors.ts';
import type { ChildEnd, SignalData, UndoFailedData } from './event.ts';

/** What is known of a step. */
export type StepResult =
  | { readonly status: 'completed'; readonly result: Uint8Array; readonly seq: number }
  | {
      readonly status: 'failed';
      readonly error: ErrorRecord;
      readonly attempts: number;
      readonly seq: number;
      readonly about?: string;
    }
  /** Not finished: attempts have failed, and the next one begins at `dueAt`, on the store's clock. */
  | { readonly status: 'retrying'; readonly attempts: number; readonly dueAt: number };

/** A signal, and its place among all that came, whatever their names are. */
export interface ReceivedSignal extends SignalData {
  readonly order: number;
}

/** A run that this one has started. It is known by its id and its birth: another run may have had the id before. */
export interface Child {
  readonly run: string;
  /** The token of its creation, chosen by this run before it asked for the creation. */
  readonly birth: string;
  /** It is cancelled when this run is cancelled or fails. */
  readonly attached: boolean;
  /** The seq at which this run knew that the child exists; 0 before. */
  readonly seq: number;
  /** How it ended, as far as this run knows. */
  readonly end?: ChildEnd;
}

/** An effect that was begun so many times, and has not completed. */
export interface EffectState {
  readonly name: string;
  readonly begun: number;
  /** The value of `begun` about which a person is asked, or was asked last. */
  readonly doubted?: number;
  /** Its code says how to undo it. */
  readonly hasUndo?: boolean;
  /** Its undo has failed, or is not there; a person decides. */
  readonly undoFailed?: Pick<UndoFailedData, 'attempts' | 'isMissing'>;
}
