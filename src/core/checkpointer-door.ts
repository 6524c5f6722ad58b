/** The door of every checkpointer: what does not fit is refused here, with the same words, before anything is written. */
import type { CheckpointListOptions, CheckpointMark } from './checkpoint.ts';
import type { ClaimOptions, KeepOptions, LoopListOptions, OwnEvent } from './checkpointer.ts';
import { encode } from './codec.ts';
import { InvalidError, LimitError } from './errors.ts';
import type { NewEvent } from './event.ts';
import { fixedLimits, type Limits } from './limits.ts';
import {
  checkEventType,
  checkPageLimit,
  checkRunId,
  checkTags,
  checkWorkflowName,
} from './names.ts';

export const defaultWorkflow = 'loop';

const textLengthMax = fixedLimits.stepNameLength;
const listLimit = 50;
const checkpointLimit = 100;

/** @throws InvalidError, UnstorableError, LimitError. */
export function checkClaim(
  run: string,
  options: ClaimOptions,
  limits: Limits,
): { readonly metadata: Uint8Array } {
  checkRunId(run);
  if (options.workflow !== undefined) checkWorkflowName(options.workflow);
  checkTags(options.tags ?? {});
  checkText('worker', options.worker);
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
  return events.map(({ type, data, lane }) => {
    checkEventType(type);
    checkText('lane', lane);
    const encoded = encode(data, type, limits.eventBytes);
    bytes += encoded.length;
    if (bytes > bytesMax) throw new LimitError('events of one save (bytes)', bytesMax, bytes);
    // An empty lane is none.
    return { type, data: encoded, ...(lane ? { lane } : {}) };
  });
}

/** The mark that a kept snapshot leaves in the log, and what is stored beside the snapshot. */
export function checkKeep(
  keep: KeepOptions,
  limits: Limits,
): { readonly event: NewEvent; readonly mark: CheckpointMark } {
  checkText('node', keep.node);
  checkText('label', keep.label);
  const { node, label, metadata } = keep;
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
  const { limit = listLimit, workflow } = options;
  checkPageLimit(limit);
  if (workflow !== undefined) checkWorkflowName(workflow);
  return { limit };
}

export function checkCheckpointList(run: string, options: CheckpointListOptions): number {
  checkRunId(run);
  const { limit = checkpointLimit } = options;
  checkPageLimit(limit);
  return limit;
}

/** The bounds of a part of the log. */
export function checkRange(
  run: string,
  { since = 0, limit = Infinity }: { readonly since?: number; readonly limit?: number },
): { readonly since: number; readonly limit: number } {
  checkRunId(run);
  if (!Number.isSafeInteger(since) || since < 0) {
    throw new InvalidError('since', `must be a whole number from 0, it is ${since}.`);
  }
  if (limit !== Infinity && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new InvalidError('limit', `must be a whole number from 0, it is ${limit}.`);
  }
  return { since, limit };
}

function checkText(field: string, text: unknown): void {
  if (text === undefined || (typeof text === 'string' && text.length <= textLengthMax)) return;
  throw new InvalidError(field, `must be a text of at most ${textLengthMax} characters.`);
}
