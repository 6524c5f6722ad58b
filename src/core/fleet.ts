/**
 * The fleet: workers, the runs they hold, and what is to be looked after. Nothing here carries a payload. The rules of the
 * run store hold (see `store.ts`); `interrupt` and `due` change runs, so they live in the same place as these.
 */
import type { DueRun } from './due-run.ts';
import type { InterruptReason } from './event.ts';

export interface WorkerInfo {
  /** Host, process id and a random part: no two workers have the same one. */
  readonly id: string;
  /** The name of the machine that the worker runs on. */
  readonly host: string;
  /** The number of its process on that machine. */
  readonly pid: number;
  /** Workflow name → code version. */
  readonly workflows: Readonly<Record<string, number>>;
  /** How many runs it has at work at one time, for each workflow. */
  readonly concurrency: number;
  /** Runs held now. */
  readonly active: number;
  /** Longest block of the event loop of late, in milliseconds. */
  readonly loopLagMs: number;
}

/** A worker that is registered now. Times are milliseconds since 1970 on the store's clock. */
export interface WorkerRecord extends WorkerInfo {
  /** Whether the store can see that the worker's process is connected, beyond its beats. */
  readonly presence: boolean;
  /** It was asked to hand back its runs and to close. */
  readonly draining: boolean;
  /** When it registered. */
  readonly startedAt: number;
  /** When its last beat came. */
  readonly seenAt: number;
  /** The worker counts as lost when this time passes without a beat. */
  readonly sessionEndsAt: number;
}

/** A worker as it was looked at. */
export interface SeenWorker {
  /** When it had beaten last; 0 for one that was not registered. */
  readonly seenAt: number;
  /** Its process was gone. */
  readonly isAbsent?: boolean;
}

/** Where the elected sweeper looks, so that no look is a long one. */
export interface Look {
  /** Where the look before has ended, or `firstLook`. */
  readonly from: string;
  /** Workers that are looked at wherever it is. */
  readonly again: readonly string[];
}

/** From the beginning; a look whose `next` is the same `from` was the last of all workers. */
export const firstLook: Look = { from: '0', again: [] };

/** What the elected sweeper sees when it looks at the workers. */
export type Election =
  | { readonly leader: false; readonly workers: number }
  | {
      readonly leader: true;
      readonly workers: number;
      /** The time of this look, on the store's clock. */
      readonly at: number;
      /** Where the next look goes on. Who is there all the time has been looked at when that is the beginning again. */
      readonly next: string;
      readonly lost: readonly {
        readonly worker: string;
        readonly reason: InterruptReason;
        readonly lastSeenAt: number;
      }[];
    };

/** A run that was taken from a worker which died, froze or forgot it. */
export interface Recovery {
  /** The id of the run that changed hands. */
  readonly run: string;
  /** The name of the run's workflow. */
  readonly workflow: string;
  /** Who lost it. */
  readonly from: string;
  /** How the loss was noticed. */
  readonly reason: InterruptReason;
  /** When that was noticed, in milliseconds on the store's clock. */
  readonly at: number;
  /** How long after the last sign of life, in milliseconds. */
  readonly detectMs: number;
  /** It was quarantined, because it had lost too many workers without progress. */
  readonly quarantined: boolean;
  /** Who has taken it over; absent while nobody has. */
  readonly worker?: string;
  /** From `at` to the claim, in milliseconds. */
  readonly claimMs?: number;
}

/** As callers see it. */
export interface RecoveryInfo extends Omit<Recovery, 'at'> {
  /** When the loss was noticed, on the store's clock. */
  readonly at: Date;
}

/** Recoveries that are kept at least, in each shard; older ones are forgotten. */
export const recoveriesKept = 1_000;

/** What a worker learns by its beat. */
export interface Beat {
  /** Somebody wants it to leave. */
  readonly draining: boolean;
}

export interface InterruptParams {
  readonly worker: string;
  readonly reason: InterruptReason;
  /** When the worker was last known alive, on the store's clock. */
  readonly lastSeenAt: number;
  readonly resendMs: number;
  /** The worker as it was looked at: one that shows a sign of life since then keeps its runs, where a store can tell. */
  readonly seen?: SeenWorker;
  /** A run is quarantined with so much evidence against it. */
  readonly quarantineAfter: number;
  /** The one run that the worker held without progress, if it was one alone: see `Fleet.unproven`. */
  readonly evidence?: string;
  /** Only these, if the worker holds them; default all that it holds. */
  readonly runs?: readonly string[];
  /** At most this many runs in one call; call again until it returns fewer. */
  readonly limit: number;
}

export interface DueParams {
  readonly limit: number;
  /** Runs returned here are due again after this time unless they were claimed; later and later the longer they wait. */
  readonly resendMs: number;
  /** `queued` and `interrupted` runs that will be due within this time count as due; others are left alone. Default 0. */
  readonly aheadMs?: number;
}

/** A run that was parked by its worker, under this fence. */
export interface ParkedRun {
  readonly run: string;
  readonly fence: number;
}

/** Somebody wants something of a run that a worker holds; without a run, of any. `about`: what it is, if not a message. */
export type OnNudge = (run: string | undefined, about?: 'question') => void;

export interface Fleet {
  // A worker of itself.

  /**
   * Makes the worker's presence visible; call once, before the first beat. `onNudge` is called when somebody wants something
   * of a run that the worker holds: a hint that may be lost. Without a run: of any of them.
   */
  register(worker: string, onNudge?: OnNudge): Promise<void>;
  /** Registers the worker, or renews its session. `atWork` tells of the steps at work, and is kept as it is. */
  beat(worker: WorkerInfo, sessionMs: number, atWork?: string): Promise<Beat>;
  /** Handlers of runs that a worker parked, each under this fence, are at work no more: see `mayGoOn`. */
  settled(worker: string, runs: readonly ParkedRun[]): Promise<void>;
  /**
   * Forgets the worker. Its runs must have been handed back, or interrupted. Runs that it had parked and whose handlers may
   * still be at work are woken. With `seen`, only if it has shown no sign of life since; false when it has, and nothing was
   * written.
   */
  deregister(worker: string, seen?: SeenWorker): Promise<boolean>;

  // The sweeper, of all.

  /**
   * Asks to be the sweeper for `lockMs`. As the sweeper, returns the workers that seem lost, of some hundred and of those to
   * look at again; all whose session has ended are among them, at most some hundred.
   */
  elect(worker: string, lockMs: number, look?: Look): Promise<Election>;
  /** The runs that are due, each postponed by `resendMs`. */
  due(params: DueParams): Promise<readonly DueRun[]>;
  /**
   * Takes runs from a lost worker. Each becomes `interrupted`, with a higher fence, or `quarantined`. Returns what it took.
   * Runs that it had parked and whose handlers may still be at work are woken; not so when only some runs are named.
   */
  interrupt(params: InterruptParams): Promise<readonly DueRun[]>;
  /**
   * Ids of runs that a worker holds and that made no progress under their present claims, two at most: if there is one
   * alone, it is what killed the worker. See `core/evidence.ts`.
   */
  unproven(worker: string): Promise<readonly string[]>;

  // Anybody, of workers.

  /** All that are registered, each as it is when it is looked at: of very many, one page after the other. */
  workers(): Promise<readonly WorkerRecord[]>;
  /** Ids of all workers that have beaten and not left. */
  registered(): Promise<readonly string[]>;
  /** How many workers have a session that has not ended. */
  alive(): Promise<number>;
  /** What the worker said with its last beat of the steps it has at work; empty when nothing is known. */
  atWork(worker: string): Promise<string>;
  /** Ids of workers that hold runs, registered or not; an id may stay for a while after its last run. */
  holders(): Promise<readonly string[]>;
  /** Ids of the runs that a worker holds, and maybe of some that it held until a moment ago. */
  held(worker: string): Promise<readonly string[]>;
  /** What the workers lost to each other, the newest first. */
  recoveries(limit: number): Promise<readonly Recovery[]>;
  /** Asks a worker to close, at once if it hears it, else by its next beat. False when there is no such worker. */
  drain(worker: string): Promise<boolean>;
}
