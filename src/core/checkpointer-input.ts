/** The input of every checkpointer: what does not fit is refused here, with the same words, before anything is written. */
import type { CheckpointListOptions, CheckpointMark } from './checkpoint.ts';
import type {
  ClaimOptions,
  CheckpointWords,
  LoopListOptions,
  OwnEvent,
  SaveSnapshotOptions,
} from './checkpointer.ts';
import { encode, encodePiece } from './codec.ts';
import {
  anything,
  either,
  needed,
  oneOf,
  optionsOf,
  type Rule,
  text,
  textOf,
  wholeNumber,
} from './option-rules.ts';
import { runStatuses } from './run.ts';
import { LimitError } from './errors.ts';
import type { NewEvent } from './event.ts';
import { fixedLimits, type Limits } from './limits.ts';
import { checkEventType, checkRunId, checkTags, checkWorkflowName } from './names.ts';

export const defaultWorkflow = 'loop';

const textLengthMax = fixedLimits.stepNameLength;
const listLimit = 50;
const checkpointLimit = 100;

const name = textOf(0, textLengthMax);
const pageLimit = wholeNumber(1, fixedLimits.runsPerPage);

const checkClaimOptions = optionsOf<ClaimOptions>({
  worker: name,
  workflow: checkWorkflowName,
  tags: checkTags,
  metadata: anything,
});

const checkEvent = optionsOf<OwnEvent>({ type: needed(anything), data: anything, branch: name });

const checkCheckpointWords = optionsOf<CheckpointWords>({
  node: name,
  label: name,
  metadata: anything,
});

/** Of `saveSnapshot`. */
export const checkSaveOptions: Rule = optionsOf<SaveSnapshotOptions>({
  version: wholeNumber(0),
  checkpoint: checkCheckpointWords,
});

const checkListOptions = optionsOf<LoopListOptions>({
  workflow: checkWorkflowName,
  status: oneOf(...runStatuses),
  limit: pageLimit,
  cursor: text,
});

const checkCheckpointListOptions = optionsOf<CheckpointListOptions>({
  node: text,
  label: text,
  limit: pageLimit,
  before: text,
});

const checkRangeOptions = optionsOf<{ since?: number; limit?: number }>({
  since: wholeNumber(0),
  limit: either((limit) => limit === Infinity, wholeNumber(0)),
});

/** @throws InvalidError, UnstorableError, LimitError. */
export function checkClaim(
  run: string,
  options: ClaimOptions,
  limits: Limits,
): { readonly metadata: Uint8Array } {
  checkRunId(run);
  checkClaimOptions(options, 'claim options');
  return { metadata: encode(options.metadata, 'metadata', limits.inputBytes) };
}

/** @throws InvalidError, UnstorableError, LimitError. */
export function checkEvents(events: readonly OwnEvent[], limits: Limits): NewEvent[] {
  if (events.length > fixedLimits.eventsPerCommit) {
    throw new LimitError('events of one save', fixedLimits.eventsPerCommit, events.length);
  }
  // A single event may be as large as its own limit says.
  const bytesMax = Math.max(fixedLimits.bytesPerCommit, limits.eventBytes);
  let bytes = 0;
  return events.map((event, i) => {
    checkEvent(event, `events[${i}]`);
    const { type, data, branch } = event;
    checkEventType(type);
    const encoded = encodePiece(data, type, limits.eventBytes);
    bytes += encoded.length;
    if (bytes > bytesMax) throw new LimitError('events of one save (bytes)', bytesMax, bytes);
    // An empty branch is none.
    return { type, data: encoded, ...(branch ? { branch } : {}) };
  });
}

/** The mark that a checkpoint leaves in the log, and what is stored beside the snapshot. */
export function checkCheckpoint(
  about: CheckpointWords,
  limits: Limits,
): { readonly event: NewEvent; readonly mark: CheckpointMark } {
  const { node, label, metadata } = about;
  const words = {
    ...(node === undefined ? {} : { node }),
    ...(label === undefined ? {} : { label }),
  };
  const hasMore = metadata !== undefined;
  const value = { ...words, ...(hasMore ? { metadata } : {}) };
  const data = encode(value, 'checkpoint', limits.eventBytes);
  const mark = {
    ...words,
    ...(hasMore ? { metadata: encode(metadata, 'metadata', limits.eventBytes) } : {}),
  };
  return { event: { type: 'checkpoint.saved', data }, mark };
}

export function checkList(options: LoopListOptions): { readonly limit: number } {
  checkListOptions(options, 'list options');
  return { limit: options.limit ?? listLimit };
}

export function checkCheckpointList(run: string, options: CheckpointListOptions): number {
  checkRunId(run);
  checkCheckpointListOptions(options, 'checkpoint list options');
  return options.limit ?? checkpointLimit;
}

/** The bounds of a part of the log. */
export function checkRange(
  run: string,
  options: { readonly since?: number; readonly limit?: number },
): { readonly since: number; readonly limit: number } {
  checkRunId(run);
  checkRangeOptions(options, 'options');
  return { since: options.since ?? 0, limit: options.limit ?? Infinity };
}
