/** How executions end: the last events of each, and what becomes of the run. */
import { recordError, reviveError } from '../../core/error-record.ts';
import { errorWords } from '../../core/error-words.ts';
import { type ErrorRecord, RunError } from '../../core/errors.ts';
import type { CancelRequest, RetriedData, UndoBegunData } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import { backoffMs, retryAfter, type RetryPolicy } from '../../core/policy.ts';
import type { Logger } from '../../core/logger.ts';
import { type EndStatus, keepMsOf } from '../../core/retention.ts';
import { pendingUndos, undoing } from '../../core/undo.ts';
import { decodeError, encodeError, encodeRecord } from '../payloads.ts';
import type { Wait } from '../../core/waits.ts';
import type { Ending } from './quarantine.ts';
import type { ExecutionServices } from './services.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { recordWrite } from './writes.ts';

type Services = Pick<ExecutionServices, 'clock' | 'random' | 'settings'>;

/** Trying again meets the same error: what the code hands over cannot be taken. */
const hopeless: ReadonlySet<string> = new Set([
  'PAWL_UNSTORABLE',
  'PAWL_LIMIT',
  'PAWL_DEFINITION',
  'PAWL_STEP_NAME_REUSED',
]);

/** Looks at what is recorded: what was thrown may be nothing that one can look at. */
function isHopeless(error: unknown): boolean {
  for (let at: ErrorRecord | undefined = recordError(error); at !== undefined; at = at.cause) {
    if (at.code !== undefined && hopeless.has(at.code)) return true;
  }
  return false;
}

/** No run fails unseen: says how it has ended when something went wrong. */
export function noteEnding(
  logger: Logger,
  about: { readonly run: string; readonly workflow: string },
  { release, ...ending }: Ending,
): void {
  if ('retries' in ending && release.status === 'waiting') {
    const words = { ...about, inMs: release.wakeMs, ...errorWords(ending.retries) };
    logger.warn(words, 'run failed, it is tried again');
  } else if ('error' in ending) {
    const message = release.status === 'quarantined' ? 'run quarantined' : 'run failed';
    logger[release.status === 'quarantined' ? 'error' : 'warn'](
      { ...about, ...errorWords(ending.error) },
      message,
    );
  }
}

export class Endings {
  readonly #run: string;
  readonly #workflow: AnyWorkflow;
  readonly #services: Services;

  constructor(run: string, workflow: AnyWorkflow, services: Services) {
    this.#run = run;
    this.#workflow = workflow;
    this.#services = services;
  }

  completed(output: Uint8Array): Ending {
    return {
      writes: [recordWrite('run.completed', {})],
      release: { status: 'completed', output, keepMs: this.#keepMs('completed') },
    };
  }

  failed(error: unknown): Ending {
    return {
      error,
      writes: [recordWrite('run.failed', { error: recordError(error) })],
      release: { status: 'failed', error: encodeError(error), keepMs: this.#keepMs('failed') },
    };
  }

  /** How the run really ends: as its undoing began, or, before that, undone first if there is something to undo. */
  resolveOutcome(fold: Fold, ending: Ending): Ending {
    const about = undoing(fold.bookkeeping);
    if (about !== undefined) return this.#undone(about, pendingUndos(fold.bookkeeping).length);
    const outcome = this.#outcomeOf(fold, ending);
    const because = outcome.release.status;
    if (because !== 'failed' && because !== 'cancelled') return outcome;
    const { undoOn = ['failed', 'cancelled'] } = this.#workflow.definition;
    const isAsked = undoOn.includes(because) && pendingUndos(fold.bookkeeping).length > 0;
    return isAsked ? this.#undoFirst(outcome, because, fold.cancel) : outcome;
  }

  /** The run is let go of, and claimed again at once. */
  #undoFirst(
    { error, release }: Ending,
    because: UndoBegunData['because'],
    cancel: CancelRequest | undefined,
  ): Ending {
    const stored = 'error' in release ? release.error : undefined;
    const known = decodeError(stored, `run ${this.#run}, error`) ?? recordError(error);
    const begun: UndoBegunData = {
      because,
      error: known,
      ...(cancel === undefined ? {} : { cancel }),
    };
    const now = this.#services.clock.now();
    const pause: Wait = { kind: 'retry', name: 'undo', since: now, until: now };
    return {
      writes: [recordWrite('undo.begun', begun)],
      release: { status: 'waiting', why: 'retry', wakeMs: 0, waits: [pause] },
    };
  }

  /** `left`: how much of it is not undone, because the run cannot be written to. */
  #undone({ because, error, cancel }: UndoBegunData, left: number): Ending {
    const undo = left === 0 ? { undone: true } : { left };
    const encoded = encodeRecord(error);
    const keepMs = this.#keepMs(because);
    if (because === 'cancelled') {
      return {
        writes: [recordWrite('run.cancelled', { ...cancel, ...undo })],
        release: { status: because, error: encoded, keepMs },
      };
    }
    return {
      error: reviveError(error),
      writes: [recordWrite('run.failed', { error, ...undo })],
      release: { status: because, error: encoded, keepMs },
    };
  }

  /** Cancelled whatever the handler made of it, or once more after a pause. */
  #outcomeOf(fold: Fold, ending: Ending): Ending {
    const { clock, random } = this.#services;
    const run = this.#run;
    if (fold.cancel?.isDeadline === true) {
      const late = `Run ${run} has not ended within its time.`;
      return this.failed(new RunError('PAWL_DEADLINE', run, late));
    }
    if (fold.cancel !== undefined) {
      const { reason, actor } = fold.cancel;
      const why = reason ?? (actor === undefined ? 'no reason given' : `by ${actor}`);
      const error = encodeError(new RunError('PAWL_RUN_CANCELLED', run, why));
      return {
        writes: [recordWrite('run.cancelled', fold.cancel)],
        release: { status: 'cancelled', error, keepMs: this.#keepMs('cancelled') },
      };
    }
    const retry: RetryPolicy = this.#workflow.definition.retry ?? {};
    const attempts = fold.attempts + 1;
    if (!('error' in ending) || isHopeless(ending.error)) return ending;
    const { again, reason } = retryAfter(retry, attempts, ending.error);
    if (!again) return reason === ending.error ? ending : this.failed(reason);
    const retried: RetriedData = { attempts, error: recordError(ending.error) };
    const wakeMs = backoffMs(retry, attempts + 1, random());
    const now = clock.now();
    const pause: Wait = { kind: 'retry', name: '', since: now, until: now + wakeMs };
    return {
      retries: ending.error,
      writes: [recordWrite('run.retried', retried)],
      release: { status: 'waiting', why: 'retry', wakeMs, waits: [pause] },
    };
  }

  #keepMs(status: EndStatus): number {
    const { retention, keepMs } = this.#services.settings;
    return keepMsOf(status, [this.#workflow.definition.retention, retention], keepMs);
  }
}
