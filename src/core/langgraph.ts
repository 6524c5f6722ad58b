/**
 * The contract behind threads of LangGraph: checkpoints with a parent, values that they share, and writes to them.
 *
 * A thread is a run that nobody has to look after, so that lists, pages and deletions know it. Its workflow is named
 * `langgraph~thread`, which no workflow can be called. So the engine cannot start, wake or claim one.
 *
 * Payloads are opaque here, and encrypted where that was asked for. What is in clear: ids, namespaces, names of channels,
 * their versions, and keys that are made of values.
 */
import type { Place } from './cipher.ts';

/** The workflow of the runs that threads are. */
export const threadWorkflow = 'langgraph~thread';
/** What the ids of those runs begin with. */
export const threadPrefix = 'thread~';

/** A value of a thread, sealed where that was asked for. */
export interface ThreadValue {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** Where values of a thread are sealed for. */
export const valuePlace = (run: string, key: string): Place => ({
  run,
  path: ['thread', 'value', key],
});

/** Where a checkpoint is: a namespace of a thread, and an id in it. */
export interface ThreadPlace {
  /** Id of the run that the thread is. */
  readonly run: string;
  readonly namespace: string;
  readonly checkpoint: string;
}

/** Version of a channel, as JSON; and the key of its value, which is made of the value. */
export type ChannelValue = readonly [version: string, key: string];
export type Channels = Readonly<Record<string, ChannelValue>>;

export interface PutParams extends ThreadPlace {
  /** Random text: the birth of the thread, if this call makes it. */
  readonly token: string;
  /** Payload of the run's record, if this call makes it. */
  readonly input: Uint8Array;
  readonly parent: string | undefined;
  /** Only if the thread has this birth. */
  readonly born: string | undefined;
  /** Only while this holds the thread: see `HoldParams`. Undefined: whoever holds it. */
  readonly holder: string | undefined;
  /** Channels whose values come with this call. */
  readonly fresh: Channels;
  /**
   * Channels that keep the value of the parent with the same version; else the value with the key, if the thread has it. A
   * key of `?` is to be made when it turns out to be needed.
   */
  readonly carried: Channels;
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly body: Uint8Array;
  /** JSON of the event that tells of it. */
  readonly event: string;
  readonly ttlMs: number | undefined;
}

/**
 * `late`: the thread, its birth or the parent is no more. `unknown`: these channels need a key. `lost`: another one holds the
 * thread, or nobody. Nothing was written then.
 */
export type PutOutcome =
  | { readonly outcome: 'put'; readonly birth: string }
  | { readonly outcome: 'unknown'; readonly channels: readonly string[] }
  | { readonly outcome: 'late' | 'lost' };

export interface ThreadWrite {
  /** Of the task and its place: no two writes to a checkpoint have the same. */
  readonly field: string;
  /** The first write stays; otherwise the last one does. */
  readonly firstWins: boolean;
  readonly text: Uint8Array;
  /** A value that lies among those of the thread, with its key. */
  readonly shared: readonly [key: string, bytes: Uint8Array] | undefined;
}

export interface WriteParams extends ThreadPlace {
  readonly born: string | undefined;
  /** As that of a put. */
  readonly holder: string | undefined;
  readonly interrupts: boolean;
  readonly writes: readonly ThreadWrite[];
}

/** `missing`: there is no thread. `late`: it is another one by now. `lost`: as that of a put. Nothing was written then. */
export type ThreadWriteOutcome =
  | { readonly outcome: 'written'; readonly birth: string; readonly isThere: boolean }
  | { readonly outcome: 'missing' | 'late' | 'lost' };

/**
 * A run that wants a thread for itself. A thread remembers its holder as the run's id, a space and the fence of the claim.
 * Who names a holder with a write is refused when another one holds the thread by then.
 */
export interface HoldParams {
  /** Id of the run that the thread is. */
  readonly run: string;
  /** Random text: the birth of the thread, if this call makes it. */
  readonly token: string;
  /** Payload of the thread's record, if this call makes it. */
  readonly input: Uint8Array;
  readonly by: string;
  readonly fence: number;
  /**
   * Who held it when the caller looked. After that look, and before this call, the caller has made sure that its claim
   * stands. `again`: this run has held it, and takes it with another claim.
   */
  readonly seen: 'again' | { readonly holder: string | undefined };
}

/**
 * `changed`: since the caller looked. `lost`: to a later claim of the run, or to another run. `gone`: what it held was deleted.
 * Nothing was written then.
 */
export type HoldOutcome =
  | { readonly outcome: 'held' }
  | { readonly outcome: 'changed' | 'lost'; readonly holder: string | undefined }
  | { readonly outcome: 'gone' };

export interface StoredCheckpoint {
  readonly checkpoint: string;
  readonly namespace: string;
  readonly parent: string | undefined;
  readonly channels: Channels;
  readonly body: Uint8Array;
}

export interface LoadedCheckpoint extends StoredCheckpoint {
  readonly birth: string;
  /** Field and text. The field is that of `ThreadWrite`. */
  readonly writes: readonly (readonly [field: string, text: ThreadText])[];
  readonly values: ReadonlyMap<string, Uint8Array>;
}

/** What was written, and the key where its value lies among those of the thread. */
export interface ThreadText {
  readonly bytes: Uint8Array;
  readonly key: string | undefined;
}

export interface ThreadPage {
  /** Undefined when there is no thread. */
  readonly birth: string | undefined;
  readonly seq: number;
  readonly input: Uint8Array;
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Where the next page begins; undefined when nothing follows. */
  readonly next: PageStart | undefined;
}

/** Behind this place in the order; the checkpoint is undefined for the end of a namespace. */
export interface PageStart {
  readonly namespace: string;
  readonly checkpoint: string | undefined;
}

export interface ThreadCopy {
  readonly run: string;
  readonly token: string;
  readonly input: Uint8Array;
  readonly ttlMs: number | undefined;
  /** Who holds the copy from its beginning; undefined for nobody. */
  readonly holder: string | undefined;
  readonly checkpoints: readonly (StoredCheckpoint & { readonly event: string })[];
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly writes: readonly {
    readonly at: Omit<ThreadPlace, 'run'>;
    readonly field: string;
    readonly text: ThreadText;
  }[];
  readonly interrupted: readonly Omit<ThreadPlace, 'run'>[];
}

export interface ExpiredThread {
  readonly run: string;
  readonly seq: number;
}

/** Where threads are kept. Each method is one atomic step. */
export interface ThreadStore {
  /** @throws RunError `PAWL_RUN_EXISTS` when a run of something else has the id. */
  put(params: PutParams): Promise<PutOutcome>;
  write(params: WriteParams): Promise<ThreadWriteOutcome>;
  /** @throws as `put`. */
  hold(params: HoldParams): Promise<HoldOutcome>;
  /** Undefined when nobody holds the thread, or there is none. */
  holder(run: string): Promise<string | undefined>;
  /** The newest of the namespace without `checkpoint`. Otherwise the birth of the thread, if there is one. */
  load(
    place: Omit<ThreadPlace, 'checkpoint'> & { readonly checkpoint: string | undefined },
  ): Promise<LoadedCheckpoint | { readonly birth: string | undefined }>;
  /** Newest first in each namespace, in one of them or in all. */
  page(params: {
    readonly run: string;
    readonly namespace: string | undefined;
    readonly from: PageStart | undefined;
    readonly limit: number;
  }): Promise<ThreadPage>;
  /** Ids of the runs that threads are, a page at a time. */
  threads(): AsyncGenerator<readonly string[], void, undefined>;
  /** False when the thread was changed since, and nothing was dropped. */
  drop(params: {
    readonly run: string;
    readonly birth: string;
    readonly seq: number;
    readonly checkpoints: readonly Omit<ThreadPlace, 'run'>[];
  }): Promise<boolean>;
  /** False when there is such a thread. */
  copy(params: ThreadCopy): Promise<boolean>;
  /** False when there was none. */
  delete(run: string, seen?: { readonly seq: number }): Promise<boolean>;
  /** Some of the threads whose time is over, and at which no question stands open. */
  expired(limit: number): Promise<readonly ExpiredThread[]>;
}
