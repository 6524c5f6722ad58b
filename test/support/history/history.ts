/**
 * What a test saw of a pawl: everything Redis holds of its runs, and what workers and clients were told meanwhile.
 *
 * `collect.ts` reads one, `judge.ts` says what is wrong with it. A history is plain data, so that a test can doctor it: a
 * judge that was never seen to find anything proves nothing.
 */
import { createHash } from 'node:crypto';
import type { StoredEvent } from '../../../src/core/event.ts';
import type { RunRecord } from '../../../src/core/run.ts';
import type { Message, Snapshot } from '../../../src/core/store.ts';

/** An event that somebody was told is stored, in the order in which they were told. */
export interface ToldEvent {
  readonly run: string;
  readonly seq: number;
  readonly type: string;
  readonly digest: string;
  readonly fence: number;
  /** Who was told: order is judged for each by itself, because nobody knows it across processes. */
  readonly by?: string;
}

/** The body of a step, as the process that executed it reported it. */
export interface BodyRun {
  readonly run: string;
  /** As in the log: with the names of the steps around it. */
  readonly step: string;
  readonly fence: number;
  readonly outcome: 'begun' | 'done';
}

/** What processes reported, each in its own order. */
export interface Reported {
  readonly told: readonly ToldEvent[];
  readonly bodies: readonly BodyRun[];
}

/** What a run's memory comes to when it is rebuilt. */
export interface Recovered {
  readonly seq: number;
  /** By the name a snapshot would give it: the value, as a text that is equal when the value is. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface RunHistory {
  readonly id: string;
  readonly record: RunRecord;
  readonly inbox: readonly Pick<Message, 'kind' | 'name'>[];
  /** It waits, and something has come that it waits for. */
  readonly woken: boolean;
  /** It waits, and somebody is to look now and then at what it waits for. */
  readonly polls: boolean;
  /** In the order of the log. */
  readonly events: readonly StoredEvent[];
  readonly snapshot: Snapshot | undefined;
  /** What a resume would begin with, and what the whole log says; a text is the reason why it cannot be rebuilt. */
  readonly recovered: {
    readonly fromSnapshot: Recovered | string;
    /** Undefined for a fork and for a compacted log, which do not begin at their beginning. */
    readonly fromLog: Recovered | string | undefined;
  };
}

/** A place in an index that is sorted by time. */
export interface Place {
  readonly run: string;
  readonly score: number;
}

/** The indexes of all shards, each as one. */
export interface Indexes {
  readonly runs: readonly Place[];
  /** In the order of ids; every score is 0. */
  readonly ids: readonly Place[];
  readonly byStatus: Readonly<Record<string, readonly Place[]>>;
  readonly byWorkflow: Readonly<Record<string, readonly Place[]>>;
  /** By `key=value`. */
  readonly byTag: Readonly<Record<string, readonly Place[]>>;
  readonly byWait: Readonly<Record<string, readonly Place[]>>;
  /** By worker. */
  readonly held: Readonly<Record<string, readonly string[]>>;
  readonly holders: readonly string[];
  /** When the sweeper acts on a run, in milliseconds since 1970 on the store's clock. */
  readonly due: readonly Place[];
}

export interface History extends Reported {
  /** When it was read, on the store's clock. */
  readonly at: number;
  readonly runs: readonly RunHistory[];
  readonly indexes: Indexes;
}

export interface Violation {
  readonly invariant: string;
  readonly run?: string;
  readonly message: string;
}

/** Stands for the bytes of an event where they need not be kept. */
export function digestOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 24);
}
