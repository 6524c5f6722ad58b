/** What a message to a run is about. */
export type MessageKind = 'signal' | 'cancel' | 'child';

/** A message in a run's inbox, not yet in its log. */
export interface Message {
  readonly id: string;
  readonly kind: MessageKind;
  /** Name of the signal, or id of the child run; empty for the other kinds. */
  readonly name: string;
  /** Encoded payload. */
  readonly data: Uint8Array;
  /** When it came, on the store's clock. */
  readonly at: number;
}
