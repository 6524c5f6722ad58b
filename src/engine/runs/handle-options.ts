/** The options of a run's handle, and what each may be. */
import type { CheckpointListOptions } from '../../core/checkpoint.ts';
import { fixedLimits } from '../../core/limits.ts';
import { checkMessageId } from '../../core/names.ts';
import {
  abortSignal,
  anything,
  millisecondsOrNone,
  needed,
  optionsOf,
  plainObject,
  type Rule,
  text,
  wholeNumber,
} from '../../core/option-rules.ts';

export const checkResult: Rule = optionsOf<{ readonly timeoutMs?: number }>({
  timeoutMs: millisecondsOrNone,
});

export const checkEvents: Rule = optionsOf<{
  readonly after?: number;
  readonly signal?: AbortSignal;
}>({ after: wholeNumber(0), signal: abortSignal });

/** Whether there is such an event, the log knows. */
export const checkState: Rule = optionsOf<{ readonly seq?: number }>({ seq: anything });

export const checkCheckpointList: Rule = optionsOf<CheckpointListOptions>({
  node: text,
  label: text,
  limit: wholeNumber(1, fixedLimits.runsPerPage),
  before: text,
});

export const checkSignalOptions: Rule = optionsOf<{ readonly id?: string }>({ id: checkMessageId });

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
