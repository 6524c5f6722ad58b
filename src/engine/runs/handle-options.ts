/** The options of a run's handle, and what each may be. */
import type { CheckpointListOptions } from '../../core/checkpoint.ts';
import { fixedLimits } from '../../core/limits.ts';
import {
  checkMessageId,
  checkOutputName,
  checkSignalKey,
  checkSignalName,
} from '../../core/names.ts';
import { type RunStatus, runStatuses } from '../../core/run.ts';
import {
  abortSignal,
  anything,
  flag,
  listOf,
  millisecondsOrNone,
  needed,
  oneOf,
  optionsOf,
  plainObject,
  type Rule,
  text,
  textOf,
  wholeNumber,
} from '../../core/option-rules.ts';

export const checkResult: Rule = optionsOf<{ readonly timeoutMs?: number }>({
  timeoutMs: millisecondsOrNone,
});

export const checkEvents: Rule = optionsOf<{
  readonly after?: number;
  readonly signal?: AbortSignal;
}>({ after: wholeNumber(0), signal: abortSignal });

/** Which chunks of a run are read. */
export interface OutputOptions<Name extends string = string> {
  /** The number of the first chunk that is wanted. Default 1. */
  readonly from?: number;
  /** Only chunks of this output. Default: of all. */
  readonly name?: Name;
  /** False: only the chunks that are kept by now. Default true: goes on as new ones come, until the run has ended. */
  readonly live?: boolean;
  /** Stops it. */
  readonly signal?: AbortSignal;
}

export const checkOutput: Rule = optionsOf<OutputOptions>({
  from: wholeNumber(1),
  name: checkOutputName,
  live: flag,
  signal: abortSignal,
});

/** Whether there is such an event, the log knows. */
export const checkState: Rule = optionsOf<{ readonly seq?: number }>({ seq: anything });

export const checkCheckpointList: Rule = optionsOf<CheckpointListOptions>({
  node: text,
  label: text,
  limit: wholeNumber(1, fixedLimits.runsPerPage),
  before: text,
});

/** Which page of a run's children is read. */
export interface ChildListOptions {
  /** One of these. */
  readonly status?: RunStatus | readonly RunStatus[];
  /** 1–500, default 50. */
  readonly limit?: number;
  /** From the page before. */
  readonly cursor?: string;
}

const status = oneOf(...runStatuses);

export const checkChildList: Rule = optionsOf<ChildListOptions>({
  status: (value, field) => (Array.isArray(value) ? listOf(status, 1) : status)(value, field),
  limit: wholeNumber(1, fixedLimits.runsPerPage),
  cursor: text,
});

/** What is said of a signal beside its payload. */
export interface SignalOptions {
  /** The same id again changes nothing. Default: another one for each call. */
  readonly id?: string;
  /** Which of the waits for the signal is meant: see `key` of `ctx.waitFor`. */
  readonly key?: string;
  /** The person or program that sends it, noted in the log. Default: nobody is named. */
  readonly actor?: string;
}

/** How a wait is answered. */
export interface AnswerOptions {
  /** Which signal it is, where the wait is for one of several. */
  readonly signal?: string;
  /** The same id again is the same answer. Default: another one for each call. */
  readonly id?: string;
  /** The person or program that answers, for the log, and for who comes second. Default: nobody is named. */
  readonly actor?: string;
  /** How long a run that is at work is waited for, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
}

const actor = textOf(1, fixedLimits.stepNameLength);

export const checkSignalOptions: Rule = optionsOf<SignalOptions>({
  id: checkMessageId,
  key: checkSignalKey,
  actor,
});

/** How long a reply is waited for. */
export interface AskOptions {
  /** In milliseconds, 600 000 at most. Default 10 000. */
  readonly timeoutMs?: number;
}

/** The longest time to wait for a reply, in milliseconds. */
export const askMsMax = 600_000;

export const checkAsk: Rule = optionsOf<AskOptions>({ timeoutMs: wholeNumber(1, askMsMax) });

export const checkAnswer: Rule = optionsOf<AnswerOptions>({
  signal: checkSignalName,
  id: checkMessageId,
  actor,
  timeoutMs: millisecondsOrNone,
});

const checkSeqPoint = optionsOf<{ readonly seq: number }>({ seq: needed(anything) });
const checkCheckpointPoint = optionsOf<{ readonly checkpoint: string }>({
  checkpoint: needed(text),
});

/** A moment of a run: after an event, or as a checkpoint keeps it. */
export const checkPoint: Rule = (point, field) => {
  plainObject(point, field);
  if ('seq' in (point as object)) checkSeqPoint(point, field);
  else checkCheckpointPoint(point, field);
};
