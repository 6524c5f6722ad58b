// The entry point.
export type { BullQueues } from './bull-queues.ts';
export { Pawl } from './pawl.ts';
export { defineGraph } from './engine/graph/graph.ts';
export { toMermaid } from './engine/graph/mermaid.ts';
export { defineQuestion } from './engine/definition/questions.ts';
export { defineWorkflow } from './engine/definition/workflow.ts';
export { durable } from './durable.ts';
export { serveOutput } from './serve-output.ts';

// What the entry point takes and returns.
export type { ServeOutputOptions } from './serve-output.ts';
export type { DurableJob, DurableOptions, JobLike } from './durable.ts';
export type { BulkQuery, ListOptions, OpenOptions, Parts, SearchOptions } from './options.ts';
export type { PawlRedis } from './pawl-redis.ts';
export type { Scheduled } from './scheduled.ts';
export type { BulkAction, BulkOptions, BulkProgress, BulkReport } from './engine/runs/bulk.ts';
export type { DeletionInfo, DeletionListOptions } from './engine/runs/deletions.ts';
export type { StartOptions } from './engine/definition/start-options.ts';
export type { ManyOptions, Results, Settled } from './engine/definition/many.ts';
export type { StartItem, StartOutcome } from './engine/runs/start-many.ts';
export type { EndHookContext, RunEnd } from './engine/definition/end-hook.ts';
export type {
  CheckpointOptions,
  ChildHandle,
  AskOptions,
  ChildOptions,
  ChildSignalOptions,
  StartAllOptions,
  Context,
  Doubt,
  EffectOptions,
  EventSchemas,
  FrozenStateOf,
  StateOf,
  StatePatch,
  StepContext,
  StepOptions,
} from './engine/definition/context.ts';
export type { AnswerContext, Question } from './engine/definition/questions.ts';
export type {
  HowToUndo,
  HowToUndoItem,
  Undoable,
  UndoableItem,
  UndoContext,
} from './engine/definition/undoable.ts';
export type { FormField, WaitOptions } from './engine/definition/waiting.ts';
export type {
  OutputChunk,
  OutputKeeping,
  OutputSchemas,
  OutputWriter,
} from './engine/definition/outputs.ts';
export type { Decision } from './engine/definition/decision.ts';
export type { Compaction } from './engine/upkeep/compaction.ts';
export type { RunMemory, WorkflowMemory } from './engine/upkeep/memory-usage.ts';
export type { ExportOptions, ExportProgress } from './engine/transfer/exports.ts';
export type { ImportOptions, ImportProgress, ImportReport } from './engine/transfer/import.ts';
export type { Rehearsal } from './engine/upkeep/rehearsal.ts';
export type {
  ArchiveRun,
  RetainedRun,
  RetainOptions,
  RetentionPolicy,
  RetentionReport,
  RetentionRule,
} from './engine/upkeep/retention.ts';
export type { Difference } from './engine/runs/diff.ts';
export type { ForkOptions, ForkPoint } from './engine/runs/fork.ts';
export type { Request } from './core/request.ts';
export type { OutputOptions } from './engine/runs/handle-options.ts';
export type { RunHandle, StatePoint } from './engine/runs/run-handle.ts';
export type { WorkflowEvent } from './engine/runs/workflow-events.ts';
export type { RunDetails, RunInfo, WaitInfo } from './engine/runs/run-info.ts';
export type { StepAtWork } from './engine/steps-at-work.ts';
export type { WaitKind } from './core/waits.ts';
export type { ScheduleOptions } from './engine/schedules/save.ts';
export type {
  Edge,
  Graph,
  GraphDefinition,
  NodeContext,
  NodeOptions,
  NodeOutcome,
  VisitToUndo,
} from './engine/graph/graph-definition.ts';
export type { GraphRecord, NodeRecord, PendingTask } from './engine/runs/graph-record.ts';
export type { Health, HealthOptions } from './engine/worker/health.ts';
export type { Readiness } from './engine/worker/queue-probe.ts';
export type { WorkerOptions } from './engine/worker/settings.ts';
export type { Worker } from './engine/worker/worker.ts';
export type { StartInput, Workflow, WorkflowDefinition } from './engine/definition/workflow.ts';
export type { BlobOptions } from './blobs/options.ts';
export type { BlobStore } from './core/blobs.ts';
export type { EncryptionOptions } from './encryption/keyring.ts';
export type { RedisTarget } from './redis/connection.ts';
export type { Durability, ReplicaDurability } from './redis/durability.ts';

// Words of the domain.
export type { CheckpointInfo, CheckpointListOptions } from './core/checkpoint.ts';
export type {
  Checkpointer,
  Claim,
  ClaimOptions,
  CheckpointWords,
  LatestSave,
  LoopCounts,
  LoopInfo,
  LoopListOptions,
  OwnEvent,
  SavedSnapshot,
  SaveSnapshotOptions,
} from './core/checkpointer.ts';
export type {
  CancelRequest,
  ClaimedData,
  ForkedFrom,
  InterruptedData,
  InterruptReason,
  ResumedData,
  RewoundData,
  RunEvent,
  StateEdits,
} from './core/event.ts';
export type { PawlEvents } from './core/pawl-events.ts';
export type { QueueDepth, QueueInfo } from './core/queue.ts';
export type { RecoveryInfo } from './core/fleet.ts';
export type { ScheduleInfo } from './core/schedules.ts';
export type { Duration } from './core/duration.ts';
export type { Limits } from './core/limits.ts';
export type { Logger } from './core/logger.ts';
export type { RetryPolicy } from './core/policy.ts';
export type { RunCounts, RunStats } from './core/run-stats.ts';
export type { StatsOverOptions, StatsPart } from './engine/runs/stats-over.ts';
export type { CheckpointExpiry, RetentionTimes } from './core/retention.ts';
export type { RunProgress, RunStatus } from './core/run.ts';
export type { Schema } from './core/schema.ts';
export type { StoreHealth } from './core/store-health.ts';
export type { WorkerRecord } from './core/fleet.ts';

// Errors.
export {
  AnsweredError,
  BlobError,
  ConflictError,
  CorruptionError,
  DefinitionError,
  DurabilityError,
  errorCodes,
  FencedError,
  ForgottenError,
  InvalidError,
  KeyMissingError,
  LimitError,
  NonRetryableError,
  PackageMissingError,
  PawlError,
  RunError,
  StepError,
  UnavailableError,
  UnstorableError,
} from './core/errors.ts';
export type { ErrorCode, ErrorRecord, Outcome } from './core/errors.ts';
