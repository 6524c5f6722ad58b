/**
 * Every bound pawl keeps, with its default. Sizes are bytes of encoded data. `Pawl.open({ limits })` changes the adjustable
 * ones.
 */
import { optionsOf, type Rule, wholeNumber } from './option-rules.ts';

/**
 * Sizes in bytes of encoded data, wherever it lies. A value that is larger is refused with `PAWL_LIMIT`, and nothing is
 * written. Defaults: 256 kB for input, event and output; 8 MB for the state; 64 kB for a chunk. With `blobs`, which keeps
 * large values out of Redis: 16 MB for input, event and output; 64 MB for the state.
 */
export interface Limits {
  /** Encoded input of a run. */
  readonly inputBytes: number;
  /** Encoded payload of one event, a step's result included. */
  readonly eventBytes: number;
  /** Encoded state of one run, kept step results included. */
  readonly stateBytes: number;
  /** Encoded output of a run. */
  readonly outputBytes: number;
  /** One chunk that a run gives out at work, encoded: see `OutputWriter`. */
  readonly chunkBytes: number;
}

/** @throws InvalidError naming the limit. */
export const checkLimits: Rule = optionsOf<Partial<Limits>>({
  inputBytes: wholeNumber(1),
  eventBytes: wholeNumber(1),
  stateBytes: wholeNumber(1),
  outputBytes: wholeNumber(1),
  chunkBytes: wholeNumber(1),
});

export const defaultLimits: Limits = {
  inputBytes: 256 * 1024,
  eventBytes: 256 * 1024,
  stateBytes: 8 * 1024 * 1024,
  outputBytes: 256 * 1024,
  chunkBytes: 64 * 1024,
};

/** As `defaultLimits`, where large values lie in a blob store: what bounds them is the memory of a worker. */
export const limitsWithBlobs: Limits = {
  inputBytes: 16 * 1024 * 1024,
  eventBytes: 16 * 1024 * 1024,
  stateBytes: 64 * 1024 * 1024,
  outputBytes: 16 * 1024 * 1024,
  chunkBytes: 64 * 1024,
};

/** Bounds that are part of the design and cannot be changed. */
export const fixedLimits = {
  /** Characters of a run id. */
  runIdLength: 128,
  /** Characters of a workflow's name or an event's type. */
  nameLength: 64,
  /** Characters of a step's name. */
  stepNameLength: 256,
  tags: 16,
  tagKeyLength: 64,
  tagValueLength: 128,
  /** Events in one commit: bounds the time Redis spends in one script. */
  eventsPerCommit: 256,
  /** Bytes of events in one commit. */
  bytesPerCommit: 1024 * 1024,
  /** Chunks in one write; their bytes are bounded as those of a commit. */
  chunksPerWrite: 256,
  /** Chunks in one page when an output is read. */
  chunksPerPage: 100,
  /** Bytes of chunks that one step has given out and that are not stored yet. */
  pendingChunkBytes: 1024 * 1024,
  /** Events in one page when a log is read. */
  eventsPerPage: 500,
  /** Events in one page when a run is replayed: small enough that reading one and making the next one take place at once. */
  eventsPerReplay: 250,
  /** Events that come with a claim or a load. */
  eventsPerLoad: 100,
  /** Runs that one call starts. */
  startsPerCall: 10_000,
  /** Bytes of the inputs of all runs that one call starts: they are held until the last one is made. */
  bytesPerStartCall: 64 * 1024 * 1024,
  /** Runs in one page of a list. */
  runsPerPage: 500,
  /** Characters of the reason that an operator gives. */
  reasonLength: 2000,
  /** Nesting of a stored value. */
  valueDepth: 64,
  /** Runs handled by one interrupt or sweep call. */
  runsPerSweep: 200,
  /** Workers whose presence one look of the sweeper asks for, about, and suspects that it has at one time. */
  workersPerLook: 250,
} as const;

/** Default times, all in milliseconds, and counts of the machinery. */
export const defaults = {
  beatMs: 5_000,
  sessionMs: 15_000,
  /** How often the sweeper looks. */
  sweepMs: 25,
  /** How often an idle worker makes sure that wake-ups reach it. */
  canaryMs: 10_000,
  /** How long the sweeper's election holds without a renewal. */
  sweeperLockMs: 500,
  /** A wake-up that led to no claim is sent again after this time. */
  resendMs: 3_000,
  /** How long ended runs are kept. */
  keepMs: 7 * 24 * 3_600_000,
  /** Bytes of chunks that are kept of a run. */
  keptOutputBytes: 16 * 1024 * 1024,
  concurrency: 50,
  /** Lost workers in a row without progress before a run is quarantined. */
  quarantineAfter: 3,
  /** What replaying the events after a snapshot may cost. */
  replayBudgetMs: 2,
  /** How long a cancelled handler may clean up. */
  cancelGraceMs: 30_000,
  /** How long a graceful close waits for steps that are running. */
  graceMs: 10_000,
  /** How long a call to Redis may take before its outcome counts as unknown. */
  callMs: 15_000,
  /** How long `Pawl.open` waits for Redis. */
  connectMs: 30_000,
  shards: 1,
  clusterShards: 16,
  prefix: 'pawl',
} as const;
