/**
 * Every error pawl throws on purpose.
 *
 * One class per kind of trouble, one code per sentence a user may have to look up. A message says what happened and what
 * to do; the ids are fields, so that nobody has to parse text; `outcome` says whether the call was applied:
 *
 *   not-applied   nothing was written
 *   applied       it was written, the error is about something else
 *   unknown       the answer was lost on the way: the write may or may not have happened, repeating the call is safe
 *
 * docs/errors.md lists the codes; a house test keeps both equal.
 */

/** What each code means, in one line. The table of docs/errors.md is checked against this one. */
export const errorCodes = {
  PAWL_INVALID: 'A value given to pawl does not fit: the error names the field.',
  PAWL_UNSTORABLE: 'A value holds something that cannot be stored: the error names the path to it.',
  PAWL_LIMIT: 'A value is larger than its limit: the error carries the limit and the actual size.',
  PAWL_DEFINITION: 'A workflow definition is wrong.',
  PAWL_RUN_EXISTS: 'The run id is taken by a run with another workflow or input.',
  PAWL_KEY_BUSY: 'The key of a start has no free turn, and its workflow drops such starts.',
  PAWL_RUN_NOT_FOUND: 'There is no run with this id.',
  PAWL_RUN_FAILED: 'The run ended as failed: the cause is the error of its handler.',
  PAWL_RUN_CANCELLED: 'The run was cancelled.',
  PAWL_DEADLINE: 'The run has not ended within the time it was given.',
  PAWL_RUN_QUARANTINED: 'The run lost several workers without progress and was quarantined.',
  PAWL_RUN_ENDED:
    'The run is over, so it takes no signals and cannot be cancelled, paused or claimed.',
  PAWL_RUN_ACTIVE: 'The run is held by a worker, so it cannot be deleted.',
  PAWL_FORGOTTEN: 'Events that were dropped, or a checkpoint that expired, are not kept any more.',
  PAWL_FENCED: 'Another worker has taken the run: this one may not write to it any more.',
  PAWL_THREAD_TAKEN: 'Another run has taken the thread of LangGraph, or the thread was deleted.',
  PAWL_CONFLICT: 'The snapshot has another version than the one that was to be overwritten.',
  PAWL_REWOUND: 'Redis came back with less of the run than it had acknowledged.',
  PAWL_STEP_FAILED: 'A step failed at its last attempt: the cause is the error of its body.',
  PAWL_STEP_NAME_REUSED: 'Two steps of one run have the same name.',
  PAWL_WAIT_WITHDRAWN: 'A wait was withdrawn because another one has won their race.',
  PAWL_ANSWERED:
    'Somebody else was first, or the run does not wait so: the answer was not written.',
  PAWL_UNANSWERED:
    'A run gives no answer to a question: it is paused, answers no such question, or its answer has failed.',
  PAWL_CYCLE_LIMIT: 'A graph came to one node more often than its limit: the error names both.',
  PAWL_TIMEOUT: 'The time given to wait is over; what was waited for goes on.',
  PAWL_UNAVAILABLE:
    'Redis, or the disk, did not answer: `outcome` says whether the call may have been applied.',
  PAWL_NOT_DURABLE:
    'It is written on the master, but not known to be as durable as asked for: repeating it is safe.',
  PAWL_REDIS_FULL:
    'Redis is at its memory limit, or so close that it takes no new runs; nothing was written.',
  PAWL_REDIS_CONFIG:
    'Redis is set up so that it could lose runs: the message has the command that fixes it.',
  PAWL_REDIS_VERSION: 'Redis is older than 7.0, or too old for an option: the message names it.',
  PAWL_SHARDS: 'This prefix was first used with another number of shards.',
  PAWL_STATE_MISFIT:
    'A stored state does not fit the code of today and there is no migration; the run is untouched.',
  PAWL_CORRUPT: 'Stored data cannot be read: the error names the key and the seq.',
  PAWL_KEY_MISSING:
    'A value is encrypted with a key this pawl was not given: the error names the key and the place.',
  PAWL_PACKAGE_MISSING:
    'An optional package cannot be loaded: the error names it and the command that installs it.',
  PAWL_CLOSED: 'The pawl, worker or store is closed.',
  PAWL_CRASH_TEST:
    'A crash test found that a crash changes how a workflow ends: the error has a report.',
} as const;

/**
 * The codes that `PawlError.code` can have. They stay the same between versions, and `errorCodes` has a sentence for
 * each.
 */
export type ErrorCode = keyof typeof errorCodes;
/**
 * Whether the call that failed has written anything. `unknown`: the answer was lost, so the write may be there or not.
 */
export type Outcome = 'not-applied' | 'applied' | 'unknown';

export interface ErrorDetails {
  readonly cause?: unknown;
  readonly outcome?: Outcome;
  /** True when the same call may succeed later without any change. */
  readonly retryable?: boolean;
}

const brand = Symbol.for('pawl.error');

/** What `PawlError.is` looks for. */
export function markAsPawls(error: Error): void {
  Object.defineProperty(error, brand, { value: true });
}

/** Base of all of pawl's errors. */
export class PawlError extends Error {
  /** What went wrong, for programs. The message is for people, and may change. */
  readonly code: ErrorCode;
  /** Whether the failed call has written anything. */
  readonly outcome: Outcome;
  /** True when the same call may succeed later without any change. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.outcome = details.outcome ?? 'not-applied';
    this.retryable = details.retryable ?? false;
    markAsPawls(this);
  }

  /** Recognises an error of pawl, also one made by a second copy of the package. */
  static is(value: unknown): value is PawlError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** `PAWL_INVALID`: a value does not fit; nothing was written. */
export class InvalidError extends PawlError {
  /** The option, argument or path that does not fit, such as `cron` or `tags.tenant`. */
  readonly field: string;
  constructor(field: string, problem: string, cause?: unknown) {
    super('PAWL_INVALID', `${field} ${problem}`, { cause });
    this.field = field;
  }
}

/** `PAWL_UNSTORABLE`: the value at `path` cannot be stored; nothing was written. */
export class UnstorableError extends PawlError {
  /** The way from the top of the value to the part that cannot be stored. */
  readonly path: string;
  constructor(path: string, what: string) {
    super(
      'PAWL_UNSTORABLE',
      `${path} is ${what}, which cannot be stored; nothing was written. Store plain data, or a reference to the thing.`,
    );
    this.path = path;
  }
}

/** `PAWL_LIMIT`: `what` is larger than allowed; nothing was written. */
export class LimitError extends PawlError {
  /** What is too large, such as `state (encoded bytes)`. */
  readonly what: string;
  /** The largest size that is allowed, in bytes or in pieces, as the message says. */
  readonly limit: number;
  /** The size that was found, in the same unit as `limit`. */
  readonly actual: number;
  constructor(what: string, limit: number, actual: number) {
    super(
      'PAWL_LIMIT',
      `${what} is ${actual}, the limit is ${limit}; nothing was written. Store a reference, or raise the limit in Pawl.open({ limits }).`,
    );
    this.what = what;
    this.limit = limit;
    this.actual = actual;
  }
}

/** `PAWL_DEFINITION`: the code that defines a workflow, or its use of pawl, is wrong. */
export class DefinitionError extends PawlError {
  constructor(message: string, cause?: unknown) {
    super('PAWL_DEFINITION', message, { cause });
  }
}

/** Trouble with one run; carries its id. */
export class RunError extends PawlError {
  /** The id of the run. */
  readonly run: string;
  constructor(code: ErrorCode, run: string, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.run = run;
  }
}

/** `PAWL_FORGOTTEN`: what is asked for was dropped on purpose; nothing was written. */
export class ForgottenError extends RunError {
  /** Where the log of the run begins. */
  readonly firstSeq: number;
  constructor(run: string, what: string, firstSeq: number) {
    super('PAWL_FORGOTTEN', run, `${what}; nothing was written.`);
    this.firstSeq = firstSeq;
  }
}

/** `PAWL_FENCED`: the caller's fence is stale. `applied` tells whether the refused commit had been stored before. */
export class FencedError extends RunError {
  /** The fence of the caller, which is stale now. */
  readonly held: number;
  /** The fence that the run has now. */
  readonly current: number;
  /** How long the event loop of this worker was blocked of late, in milliseconds. */
  readonly loopLagMs: number;

  constructor(
    run: string,
    fences: { held: number; current: number },
    circumstances: { applied?: boolean; loopLagMs?: number; sessionMs?: number } = {},
  ) {
    const { applied = false, loopLagMs = 0, sessionMs = Infinity } = circumstances;
    // A loop that was blocked for most of a session is the likely reason, and nothing else would say so.
    const blocked =
      loopLagMs > sessionMs / 2
        ? ` Its event loop was blocked for ${(loopLagMs / 1000).toFixed(1)} s, a session lasts ${(sessionMs / 1000).toFixed(1)} s: move long computations out of the process, or raise sessionMs.`
        : '';
    super(
      'PAWL_FENCED',
      run,
      `Run ${run} was taken over: this worker holds fence ${fences.held}, the run is at ${fences.current}. Nothing later is stored; stop working on it.${blocked}`,
      { outcome: applied ? 'applied' : 'not-applied' },
    );
    this.loopLagMs = loopLagMs;
    this.held = fences.held;
    this.current = fences.current;
  }
}

/** `PAWL_ANSWERED`: the wait has an answer already, or is over; nothing was written. */
export class AnsweredError extends RunError {
  /** The name of the wait in its run. */
  readonly wait: string;
  /** Who was first, where that was said and is still known. */
  readonly by: string | undefined;
  constructor(at: { readonly run: string; readonly wait: string }, by?: string) {
    const who = by === undefined ? 'it has its answer, or does not wait so' : `${by} was first`;
    super(
      'PAWL_ANSWERED',
      at.run,
      `Run ${at.run} takes no answer to "${at.wait}": ${who}. Nothing was written.`,
    );
    this.wait = at.wait;
    this.by = by;
  }
}

/** `PAWL_CONFLICT`: the snapshot to overwrite has another version than was said; nothing was written. */
export class ConflictError extends RunError {
  /** The version that the caller has asked for. */
  readonly expected: number;
  /** The version that the snapshot has. */
  readonly actual: number;
  constructor(run: string, versions: { readonly expected: number; readonly actual: number }) {
    super(
      'PAWL_CONFLICT',
      run,
      `The snapshot of run ${run} has version ${versions.actual}, not ${versions.expected}; nothing was written. Load the latest one and decide again.`,
    );
    this.expected = versions.expected;
    this.actual = versions.actual;
  }
}

/** A mistake or failure of one step; carries the step's name. */
export class StepError extends RunError {
  /** The name of the step, as the handler gave it. */
  readonly step: string;
  constructor(
    code: ErrorCode,
    at: { run: string; step: string },
    message: string,
    cause?: unknown,
  ) {
    super(code, at.run, message, { cause });
    this.step = at.step;
  }
}

/** `PAWL_CORRUPT`: stored bytes cannot be read. Never retryable and never skipped. */
export class CorruptionError extends PawlError {
  /** The key in Redis, or the file, that cannot be read. */
  readonly key: string;
  /** The seq of the event that cannot be read; undefined when it is no event. */
  readonly seq: number | undefined;
  constructor(at: { key: string; seq?: number }, problem: string, cause?: unknown) {
    super(
      'PAWL_CORRUPT',
      `${at.key}${at.seq === undefined ? '' : ` at seq ${at.seq}`} ${problem}. Nothing was changed; look at the entry before you touch the run.`,
      { cause },
    );
    this.key = at.key;
    this.seq = at.seq;
  }
}

/** `PAWL_CORRUPT`: a large value cannot be read, because its blob is missing or damaged. Nothing was changed. */
export class BlobError extends CorruptionError {
  /** Where the blob store should have it; empty when the value was never asked for. */
  readonly address: string;
  constructor(at: { key: string; seq?: number }, address: string, problem: string) {
    super(at, problem);
    this.address = address;
  }
}

/** `PAWL_KEY_MISSING`: a value is encrypted with a key that this pawl does not have. Nothing was changed. */
export class KeyMissingError extends PawlError {
  /** Undefined when this pawl was opened without any key. */
  readonly keyId: string | undefined;
  /** The run, and what of it. */
  readonly place: string;
  constructor(place: string, keyId?: string) {
    super(
      'PAWL_KEY_MISSING',
      `${place} is encrypted${
        keyId === undefined
          ? ', and this pawl was opened without keys'
          : ` with key ${JSON.stringify(keyId)}, which this pawl was not given`
      }. Nothing was changed; pass the key in Pawl.open({ encryption: { keys } }).`,
    );
    this.place = place;
    this.keyId = keyId;
  }
}

/** `PAWL_PACKAGE_MISSING`: `what` needs an optional package that cannot be loaded. Nothing was written. */
export class PackageMissingError extends PawlError {
  /** The name of the package at npm. */
  readonly package: string;
  constructor(what: string, name: string, cause?: unknown) {
    super(
      'PAWL_PACKAGE_MISSING',
      `${what} needs the package ${name}, which cannot be loaded${
        cause instanceof Error ? ` (${cause.message})` : ''
      }. Nothing was written; run: npm install ${name}`,
      { cause },
    );
    this.package = name;
  }
}

/** `PAWL_UNAVAILABLE`: no answer from Redis. With `outcome: 'unknown'` the call may have been applied. */
export class UnavailableError extends PawlError {
  constructor(what: string, outcome: 'not-applied' | 'unknown', cause?: unknown) {
    super(
      'PAWL_UNAVAILABLE',
      `${what}: ${
        outcome === 'unknown'
          ? 'whether it was applied is unknown, repeating it is safe'
          : 'nothing was written'
      }${cause instanceof Error ? ` (${cause.message})` : ''}.`,
      { cause, outcome, retryable: true },
    );
  }
}

/**
 * `PAWL_NOT_DURABLE`: written on the master, and not known to be on as many replicas (or on the disk) as was asked for. The
 * same call again waits for them again; if a failover has lost the write, it is made anew.
 */
export class DurabilityError extends PawlError {
  /** How many confirmations were asked for. */
  readonly wanted: number;
  /** How many confirmations came in time. */
  readonly reached: number;
  constructor(what: string, wanted: number, reached: number) {
    super(
      'PAWL_NOT_DURABLE',
      `It is written on the master, but known on ${reached} of ${wanted} ${what} only. It is not undone; repeat the call to wait again.`,
      { outcome: 'applied', retryable: true },
    );
    this.wanted = wanted;
    this.reached = reached;
  }
}

/**
 * What a body or a handler throws when no other attempt can mend it: nothing is tried again, whatever the retry policy
 * says. The step fails with this as its cause; thrown by the handler, or let through, it fails the run. Extend it to
 * have a class of your own.
 */
export class NonRetryableError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An error as data: what the log, the run record and other processes see of it. See `error-record.ts`. */
export interface ErrorRecord {
  /** The name of the error's class, such as `TypeError`. */
  readonly name: string;
  /** The error's message, shortened when it is very long. */
  readonly message: string;
  /** The error's code, when it had one: of pawl, of Node, or the handler's own. */
  readonly code?: string;
  /** Where the error was thrown, as far as it was recorded. */
  readonly stack?: string;
  /** The error that led to this one. */
  readonly cause?: ErrorRecord;
  /** What the error had of its own, as far as it is plain data. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Errors that it had in fields of its own, beside the cause. */
  readonly errorFields?: Readonly<Record<string, ErrorRecord>>;
  /** Names of its own fields, `cause` and `errors` that are missing here or kept in part: no plain data, or too large. */
  readonly omitted?: readonly string[];
  /** Of an AggregateError. */
  readonly errors?: readonly ErrorRecord[];
  /** The class of JavaScript or of pawl that it is an instance of; absent for Error. */
  readonly base?: string;
  /** The name of its own class, where that is another one. */
  readonly className?: string;
  /** What was thrown is no error, but this. */
  readonly thrown?: { readonly value: unknown };
}
