// The contracts behind the entry point: for stores and queues of one's own, which `Pawl.assemble` takes. The suites of
// `pawl/testing` tell whether an implementation keeps them.
export type { RunStore } from './core/store.ts';
export type { Archive } from './core/archive.ts';
export type { BlobIndex, BlobNote, BlobStore, CollectParams } from './core/blobs.ts';
export { SweptError } from './core/blobs.ts';
export type { Fleet } from './core/fleet.ts';
export type { Lists } from './core/lists.ts';
export type { Observation } from './core/observation.ts';
export type { Outputs } from './core/outputs.ts';
export type { Schedules } from './core/schedules.ts';
export type { Transfer } from './core/transfer.ts';
export type { ResumeQueue } from './core/queue.ts';

// The life of a run.
export type {
  CancelOutcome,
  CancelParams,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  LoadedRun,
  UnreadMessages,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  Seen,
  SnapshotDelta,
  Takeover,
} from './core/store.ts';
export type { CheckpointMark, CheckpointQuery, CheckpointRecord } from './core/checkpoint.ts';
export type { DueRun } from './core/due-run.ts';
export type { InterruptReason, NewEvent, StoredEvent } from './core/event.ts';
export type { Message, MessageKind } from './core/message.ts';
export type { Parking, Release } from './core/release.ts';
export { type RunProgress, type RunRecord, type RunStatus, runStatuses } from './core/run.ts';
export type { Snapshot } from './core/snapshot.ts';
export type { Wait, WaitKind } from './core/waits.ts';

// What is done with many runs, or beside living them.
export type {
  CompactOutcome,
  CompactParams,
  RemoveOutcome,
  RemoveParams,
  RunBytes,
} from './core/archive.ts';
export type {
  Beat,
  DueParams,
  InterruptParams,
  Election,
  ParkedRun,
  Recovery,
  SeenWorker,
  WorkerInfo,
  WorkerRecord,
} from './core/fleet.ts';
export type { DeletionPage, DeletionQuery, DeletionRecord } from './core/deletions.ts';
export type { NewChunk, StoredChunk, WriteOutcome, WriteParams } from './core/outputs.ts';
export type { ListParams, RunPage } from './core/lists.ts';
export type { RunSummary } from './core/run.ts';
export type { RunQuery } from './core/run-query.ts';
export type { RunCounts, RunStats } from './core/run-stats.ts';
export type { StoreHealth } from './core/store-health.ts';
export type {
  AdvanceOutcome,
  DueSchedules,
  MissedPolicy,
  OverlapPolicy,
  SaveOutcome,
  Schedule,
  ScheduleInfo,
  Standing,
  StoredSchedule,
  Timing,
} from './core/schedules.ts';
export type {
  RestoreOutcome,
  RestoreParams,
  StagedMessage,
  StagedSave,
  StageParams,
  ExportedRun,
} from './core/transfer.ts';

// The queue.
export type {
  Consumer,
  ConsumeOptions,
  Delivery,
  FailedDelivery,
  Pace,
  QueueDepth,
  Report,
  SendOptions,
  Settled,
  WakeUp,
} from './core/queue.ts';
