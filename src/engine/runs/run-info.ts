/** What lists and pages show of a run. */
import { recordError } from '../../core/error-record.ts';
import type { ErrorRecord } from '../../core/errors.ts';
import type { RunProgress, RunStatus, RunSummary } from '../../core/run.ts';
import type { Wait } from '../../core/waits.ts';
import { type FormField, isForm } from '../definition/waiting.ts';
import { decodeError } from '../payloads.ts';
import type { StepAtWork } from '../steps-at-work.ts';

/** One thing that a run waits for. */
export interface WaitInfo extends Omit<Wait, 'until' | 'since' | 'form' | 'readsKey'> {
  /** What the person who answers fills in, as `ctx.waitFor` was given it. */
  readonly form?: Readonly<Record<string, FormField>>;
  /** When it ends by itself, if ever. */
  readonly until?: Date;
  /** When the wait began, on Redis' clock. */
  readonly since: Date;
}

/** What is known of a run without its payloads: cheap enough for lists. */
export interface RunInfo {
  /** Names the run; `pawl.run(workflow, id)` gives a handle on it. */
  readonly id: string;
  /** The name of its workflow. */
  readonly workflow: string;
  /** Version of the workflow's code that claimed the run last; 0 before the first claim. */
  readonly codeVersion: number;
  /** Where the run is in its life. */
  readonly status: RunStatus;
  /** The seq of the newest event. */
  readonly seq: number;
  /** Grows each time a worker takes the run. Only the holder of this number may write. */
  readonly fence: number;
  /** The worker that holds the run, while it is `running`. */
  readonly worker: string | undefined;
  /** How often a snapshot was saved, and the seq up to which the last one is folded. */
  readonly version: number;
  /** The newest event that the last snapshot covers; 0 before the first snapshot. */
  readonly snapshotSeq: number;
  /** How often the run was taken over from a worker that died or froze. */
  readonly takeovers: number;
  /** Workers lost in a row without one new event; several set the run aside. */
  readonly losses: number;
  /** Bytes of event data in the log. */
  readonly bytes: number;
  /** True while nobody may go on with the run until `resume`. */
  readonly paused: boolean;
  /** What the handler said last by `ctx.progress`; undefined when it said nothing. */
  readonly progress: RunProgress | undefined;
  /** The number of the newest chunk that the run has given out; 0 before the first. See `run.output`. */
  readonly chunks: number;
  /** Lower goes first. */
  readonly priority: number;
  /** Whose run it is; runs of one key take turns. Undefined for a run without one. */
  readonly key: string | undefined;
  /** The run that started this one. */
  readonly parent: string | undefined;
  /** What the run was started with, to find it by. */
  readonly tags: Readonly<Record<string, string>>;
  /** When the run was started, on Redis' clock. */
  readonly createdAt: Date;
  /** When its status or its snapshot changed last, on Redis' clock. */
  readonly changedAt: Date;
  /** When a `waiting` run wakes by itself, if ever. */
  readonly wakeAt: Date | undefined;
  /** What a `waiting` run waits for; of very much, not all. */
  readonly waits: readonly WaitInfo[];
  /** The version of code that the run waits for: an older one was refused, because newer code has written to it. */
  readonly needsVersion: number | undefined;
  /** When the run has failed if it has not ended before. */
  readonly deadlineAt: Date | undefined;
  /** Whether the run has completed with an output; `result()` reads it. */
  readonly hasOutput: boolean;
  /** Why the run failed or was quarantined; undefined for any other run. */
  readonly error: ErrorRecord | undefined;
}

/** What is shown of one run, beside what lists show. */
export interface RunDetails extends RunInfo {
  /** The steps that the worker of a `running` run had at work when it beat last: at most `beatMs` ago. The oldest first. */
  readonly atWork: readonly StepAtWork[];
}

export function toRunInfo(run: RunSummary): RunInfo {
  const { wakeAt, deadlineAt, createdAt, changedAt, waits, ...more } = run;
  const { birth: _, wroteVersion: __, onEnd: ___, attachedTo: ____, turn: _____, ...rest } = more;
  return {
    ...rest,
    waits: waits.map(toWaitInfo),
    createdAt: new Date(createdAt),
    changedAt: new Date(changedAt),
    wakeAt: wakeAt === undefined ? undefined : new Date(wakeAt),
    deadlineAt: deadlineAt === undefined ? undefined : new Date(deadlineAt),
    error: readError(run),
  };
}

function toWaitInfo({ until, since, form: text, readsKey: _, ...wait }: Wait): WaitInfo {
  const form = text === undefined ? undefined : readForm(text);
  return {
    ...wait,
    ...(form === undefined ? {} : { form }),
    since: new Date(since),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}

/** A hint that cannot be read, such as one that is sealed with another key, is no hint. */
function readForm(text: string): WaitInfo['form'] {
  try {
    const form: unknown = JSON.parse(text);
    return isForm(form) ? form : undefined;
  } catch {
    return undefined;
  }
}

/** Without what the error had of its own, which `result` has: so that an info can always be said in JSON. */
function inWords({ name, message, code, stack, cause, errors }: ErrorRecord): ErrorRecord {
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined ? {} : { cause: inWords(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(inWords) }),
  };
}

/** One error that cannot be read must not hide a page of runs: it is shown as what it is. */
function readError({ id, error }: RunSummary): ErrorRecord | undefined {
  try {
    const known = decodeError(error, `run ${id}, error`);
    return known && inWords(known);
  } catch (unreadable) {
    const { name, message, code } = recordError(unreadable);
    return { name, message, ...(code === undefined ? {} : { code }) };
  }
}
