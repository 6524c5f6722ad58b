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

/** Runs started again and again: by a cron pattern, or every so many milliseconds. */
export interface Schedule {
  readonly id: string;
  readonly workflow: string;
  readonly cron?: string;
  /** Time zone of the pattern, as in the IANA database. */
  readonly timeZone?: string;
  readonly everyMs?: number;
  /** What each tick carries: text that means something to whoever made the schedule. */
  readonly data: string;
}

/** One time of a schedule. May be delivered more than once, always with the same `at`. */
export interface Tick {
  readonly schedule: string;
  readonly workflow: string;
  /** When it was due, milliseconds since 1970. */
  readonly at: number;
  readonly data: string;
}

export interface ScheduleInfo {
  readonly id: string;
  readonly cron: string | undefined;
  readonly everyMs: number | undefined;
  readonly nextAt: number | undefined;
}

/** The part of a queue that keeps schedules. */
export interface Schedules {
  /** Makes a schedule, or changes the one with this id. */
  save(schedule: Schedule): Promise<void>;
  /** False when there was none. */
  remove(workflow: string, id: string): Promise<boolean>;
  list(workflow: string): Promise<readonly ScheduleInfo[]>;
}

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
  readonly handle: (wakeUp: WakeUp, report: Report) => Promise<Delivery>;
  /**
   * Called before `handle` when a person has a failed delivery tried again, in a dashboard of the queue; returns the wake-up
   * to handle in its place.
   */
  readonly retry?: (wakeUp: WakeUp) => Promise<WakeUp>;
  /** Called at the times of schedules; when it rejects, the tick is delivered again. */
  readonly tick?: (tick: Tick) => Promise<void>;
}

export interface Consumer {
  /**
   * Sends a message for this workflow and tells whether a consumer has taken it within `ms`: this one, or another in its
   * place. False means that wake-ups wait although this one has room. Absent where nothing can go deaf.
   */
  hears?(workflow: string, ms: number): Promise<boolean>;
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
  /** Absent where a queue has no schedules. */
  readonly schedules?: Schedules;
  close(): Promise<void>;
}
