/** What a message to a run is about. */
export type MessageKind = 'signal' | 'cancel' | 'child';

/** A message in a run's inbox, not yet in its log. */
export interface Message {
  readonly id: string;
  readonly kind: MessageKind;
  /** Name of the signal, or id of the child run; empty for the other kinds. */
  readonly name: string;
  /** Of a signal: which of the waits for it is meant. */
  readonly key?: string;
  /** Of a signal that answers one wait of the run: the name of the wait, the only one that takes it. */
  readonly wait?: string;
  /** Who has sent it, where that was said; sealed where payloads are. */
  readonly actor?: string;
  /** Encoded payload. */
  readonly data: Uint8Array;
  /** When it came, on the store's clock. */
  readonly at: number;
}
