/** Workers, and what is known of them as a whole: what they lost to each other, and who is to leave. */
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

/** What the elected sweeper sees when it looks at the workers. */
export type Look =
  | { readonly leader: false; readonly workers: number }
  | {
      readonly leader: true;
      readonly workers: number;
      /** The time of this look, on the store's clock. */
      readonly at: number;
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
  /** It was set aside, because it had lost too many workers without progress. */
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

export interface Fleet {
  /** The newest first. */
  recoveries(limit: number): Promise<readonly Recovery[]>;
  /** Asks a worker to close, at once if it hears it, else by its next beat. False when there is no such worker. */
  drain(worker: string): Promise<boolean>;
  /** Ids of all workers that have beaten and not left. */
  registered(): Promise<readonly string[]>;
  /** How many workers have a session that has not ended. */
  alive(): Promise<number>;
  /**
   * Ids of runs that a worker holds and that made no progress under their present claims, two at most: if there is one
   * alone, it is what killed the worker. See `core/evidence.ts`.
   */
  unproven(worker: string): Promise<readonly string[]>;
}
