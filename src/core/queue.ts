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
  readonly losses: number;
  /** Lower goes first; 0, the default, goes before all others. */
  readonly priority?: number | undefined;
}

/** How the execution that a wake-up started has ended, for the dashboards of the queue. */
export type Delivery =
  | { readonly outcome: 'done' }
  /** The consumer takes nothing any more: the wake-up is for others. */
  | { readonly outcome: 'declined' }
  | {
      readonly outcome: 'failed';
      /** Says nothing of what the run holds. */
      readonly reason: string;
      /** The run's own error, for a queue that may keep it in clear. */
      readonly error?: { readonly text: string; readonly stack?: string | undefined };
    };

/** Tells the dashboards of the queue how far an execution is, 0 to 1. */
export type Report = (fraction: number) => void;

/** How fast one workflow's wake-ups are delivered. */
export interface Pace {
  /** Handlers at work at one time in this consumer. */
  readonly concurrency?: number;
  /** Deliveries in a stretch of time, over all consumers that say the same. */
  readonly rate?: { readonly max: number; readonly perMs: number };
}

export interface ConsumeOptions {
  /** Names of the workflows this consumer can execute; wake-ups of others stay for others. */
  readonly workflows: readonly string[];
  /** Handlers at work at one time, for each workflow. */
  readonly concurrency: number;
  /** By name of the workflow, for those that have a pace of their own. */
  readonly paces?: Readonly<Record<string, Pace>>;
  /** `isShort`: the wake-up came from this process itself, so it does not show that the queue reaches the consumer. */
  readonly handle: (wakeUp: WakeUp, report: Report, isShort?: boolean) => Promise<Delivery>;
  /**
   * Called before `handle` when a person has a failed delivery tried again, in a dashboard of the queue; returns the wake-up
   * to handle in its place.
   */
  readonly retry?: (wakeUp: WakeUp) => Promise<WakeUp>;
}

export interface Consumer {
  /**
   * Hands `handle` the wake-up of a run that is about to be made, so that no job is needed. False when it has no place, or
   * the wake-up is one that has to be sent: then nothing is called. What holds a wake-up back is asked at the same time:
   * `isClear` never rejects, and is false when the run has to be sent to the queue after all. Absent where every wake-up is
   * sent.
   */
  begin?(wakeUp: WakeUp, handle: (isClear: Promise<boolean>) => Promise<Delivery>): boolean;
  /**
   * Sends a message for this workflow and tells whether a consumer has taken it within `ms`: this one, or another in its
   * place. False means that wake-ups wait although this one has room. Absent where nothing can lose its connection.
   */
  reaches?(workflow: string, ms: number): Promise<boolean>;
  /** Stops taking wake-ups; resolves when no handler is at work any more. */
  close(): Promise<void>;
}

export interface SendOptions {
  /** In front of all others. */
  readonly urgent?: boolean;
  /** The one sent before led to no claim. The worker that took it may be dead, so it must not stand in the way. */
  readonly again?: boolean;
  /** Not straight to a consumer of this process, which has just let go of the run. */
  readonly elsewhere?: boolean;
}

/** How the wake-ups of one workflow are doing. */
export interface QueueDepth {
  /** The name of the workflow. */
  readonly workflow: string;
  /** The name of its queue in BullMQ, as a dashboard of queues is told it. */
  readonly name: string;
  /** The prefix of its queue in BullMQ. */
  readonly prefix: string;
  /** A person has stopped it in a dashboard of the queue: no run of this workflow is taken up until it is resumed there. */
  readonly paused: boolean;
  /** Wake-ups that no worker has taken yet. */
  readonly waiting: number;
  /** Executions at work. */
  readonly active: number;
  /** Executions that failed, as far as the queue keeps them. */
  readonly failed: number;
  /** When the oldest wake-up at either end of the line was sent; absent when none waits. */
  readonly oldestAt?: Date;
  /** Jobs that were ever sent, with canaries: two looks tell the rate. */
  readonly sent: number;
}

/** How the wake-ups of one workflow are doing, and who is there to take them. */
export interface QueueInfo extends QueueDepth {
  /** Workers that know the workflow now. */
  readonly workers: number;
}

/** A failed execution that the queue keeps, for people to look at. */
export interface FailedDelivery {
  /** What the queue calls it. */
  readonly job: string;
  /** The run that failed, and the fence of the wake-up that it failed with. */
  readonly run: string;
  readonly fence: number;
}

/** Of a run that has not failed any more: what failed up to this fence is no news. */
export type Settled = Pick<WakeUp, 'run' | 'workflow' | 'fence'>;

export interface ResumeQueue {
  /** Sends a wake-up. Sending the same one again while it waits adds nothing. */
  send(wakeUp: WakeUp, options?: SendOptions): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** Absent where nobody can stop the queue from outside. */
  inspect?(workflow: string): Promise<QueueDepth>;
  /** Only that of `inspect`, for those who ask often. Absent where `inspect` is. */
  isPaused?(workflow: string): Promise<boolean>;
  /** Holds the wake-ups of a workflow back, or lets them go on. Absent where `inspect` is. */
  pause?(workflow: string, paused: boolean): Promise<void>;
  /** Sends a canary: milliseconds until a consumer took it; undefined when none did in time. Absent where `inspect` is. */
  canary?(workflow: string, ms: number): Promise<number | undefined>;
  /** Failed executions that are kept, the newest first. Absent where none is kept. */
  failures?(workflow: string, offset: number, limit: number): Promise<readonly FailedDelivery[]>;
  /** Drops failed executions by what `failures` calls them; those that are gone, or at work again, are left alone. */
  forget?(workflow: string, jobs: readonly string[]): Promise<void>;
  /** Has what failed before this fence dropped soon. It is only tidying: whatever is left is found by the sweeper. */
  settle?(settled: Settled): void;
  close(): Promise<void>;
}
