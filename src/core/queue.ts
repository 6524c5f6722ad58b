/**
 * The resume queue: the messenger that brings runs to workers.
 *
 * It carries hints. The store's due index is the truth: a wake-up that is lost is sent again by the sweeper, one that
 * comes twice finds its fence stale or the run held and does no harm. That is why `send` may fail and `consume` may
 * deliver anything any number of times.
 */

/** "Somebody should claim this run." Only good for the fence it was sent at. */
export interface WakeUp {
  readonly run: string;
  readonly workflow: string;
  readonly fence: number;
  /** Workers the run has lost in a row without progress: near the limit it is run with care. */
  readonly deaths: number;
  /** Lower goes first; 0, the default, goes before all others. */
  readonly priority?: number | undefined;
}

/** How the execution that a wake-up started has ended, for the dashboards of the queue. */
export type Delivery =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'failed'; readonly reason: string };

export interface ConsumeOptions {
  /** Names of the workflows this consumer can execute; wake-ups of others stay for others. */
  readonly workflows: readonly string[];
  /** Handlers at work at one time, for each workflow. */
  readonly concurrency: number;
  readonly handle: (wakeUp: WakeUp) => Promise<Delivery>;
}

export interface Consumer {
  /** Stops taking wake-ups; resolves when no handler is at work any more. */
  close(): Promise<void>;
}

export interface SendOptions {
  /** In front of all others. */
  readonly urgent?: boolean;
  /** The one sent before led to no claim: whoever took it may be dead, so it must not stand in the way of this one. */
  readonly again?: boolean;
}

export interface ResumeQueue {
  /** Sends a wake-up. Sending the same one again while it waits adds nothing. */
  send(wakeUp: WakeUp, options?: SendOptions): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  close(): Promise<void>;
}
