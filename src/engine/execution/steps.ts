/**
 * Steps: pieces of work whose result is stored under their name.
 *
 *   unknown ──run body──▶ completed (result stored)          on a resume: the result is returned
 *      │  ▲                                                  on a resume: the error is thrown again
 *      │  └─ wait, again ── retrying (attempt counted)       on a resume: goes on with the next attempt
 *      └──────────────────▶ failed (error stored)
 *
 * Crash while the body runs: nothing is stored, the body runs again on the next owner. Crash after the commit: the result
 * is there. A step's own events travel in the commit of its result: both are stored or neither is. Steps inside a step
 * are stored like any other; when the outer one completes, what is inside leaves the memory.
 */
import { createHash } from 'node:crypto';
import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { Clock } from '../../core/clock.ts';
import { decode, encode } from '../../core/codec.ts';
import { toMilliseconds } from '../../core/duration.ts';
import { canonicalError } from '../../core/error-record.ts';
import { LimitError, StepError } from '../../core/errors.ts';
import type { StepCompletedData, StepFailedData } from '../../core/event.ts';
import { type Fold, nesting } from '../../core/fold.ts';
import { fixedLimits, type Limits } from '../../core/limits.ts';
import { checkStepName } from '../../core/names.ts';
import { backoffMs, retryAfter, type RetryPolicy } from '../../core/policy.ts';
import type { Cancellation } from './cancellation.ts';
import type { StepContext, StepOptions } from '../definition/context.ts';
import type { ExecutionNews } from './telemetry.ts';
import { type LogWriter, never } from './log-writer.ts';
import { type Names, stepFailure } from './step-names.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { eventWrite, recordWrite, type Write } from './writes.ts';

export type StepBody = (step: StepContext) => unknown;

/** How a step that is more than a step, such as a node of a graph, is stored. */
export interface RunOptions extends StepOptions {
  /**
   * What is committed in place of `step.completed`. Called when the body has ended, in the same turn as the commit, so
   * that it may decide by the state.
   */
  readonly record?: (
    result: unknown,
    events: readonly Write[],
  ) => { readonly writes: readonly Write[]; readonly keep?: CheckpointMark };
}

export interface StepsOptions {
  readonly run: string;
  readonly workflow: AnyWorkflow;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly names: Names;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Ends when the run is not this worker's any more. */
  readonly lost: AbortSignal;
  readonly cancellation: Cancellation;
  readonly news: ExecutionNews;
  readonly random: () => number;
  /** Called when a body has ended, however it did. */
  readonly onIdle: () => void;
}

/** What completes a step, and the mark of a checkpoint. */
const eventsOfCompletion = 2;

interface Attempt {
  readonly name: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly events: Write[];
}

export class Steps {
  readonly #options: StepsOptions;
  /** Bodies at work; true for those whose time is running. */
  readonly #open = new Map<string, boolean>();

  constructor(options: StepsOptions) {
    this.#options = options;
  }

  /** Names of the steps whose bodies are at work. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /**
   * True while a body does anything but wait, or waits against its time: a run that is parked could not end it then.
   */
  isBusy(isWaitingIn: (step: string) => boolean): boolean {
    return [...this.#open].some(([step, isTimed]) => isTimed || !isWaitingIn(step));
  }

  async run(name: string, body: StepBody, options: RunOptions = {}): Promise<unknown> {
    const { fold, names, onIdle } = this.#options;
    const known = names.use(name, options.was);
    if (known !== undefined) return known.value;
    const step = fold.step(name);
    const tried = step?.status === 'retrying' ? step.attempts : 0;
    this.#open.set(name, options.timeout !== undefined);
    try {
      return await this.#attempts(name, body, { ...options, tried });
    } finally {
      this.#open.delete(name);
      onIdle();
    }
  }

  /** One step for each item, at most `concurrency` at a time; results in the order of the items. */
  async map<Item>(
    name: string,
    items: readonly Item[],
    body: (item: Item, step: StepContext, index: number) => unknown,
    options: StepOptions & { readonly concurrency?: number } = {},
  ): Promise<unknown[]> {
    const results: unknown[] = Array.from({ length: items.length });
    const rest = items.entries();
    const lane = async (): Promise<void> => {
      for (const [index, item] of rest) {
        const one: StepBody = (step) => body(item, step, index);
        results[index] = await this.run(`${name}:${index}`, one, options);
      }
    };
    const lanes = Math.max(1, Math.min(options.concurrency ?? items.length, items.length));
    await Promise.all(Array.from({ length: lanes }, lane));
    return results;
  }

  async #attempts(
    name: string,
    body: StepBody,
    options: RunOptions & { readonly tried: number },
  ): Promise<unknown> {
    const { clock, lost, writer, names, random, run, news } = this.#options;
    const retry: RetryPolicy = options.retry ?? {};
    for (let attempt = options.tried + 1; ; attempt++) {
      const signal = this.#options.cancellation.current();
      if (attempt > 1) await clock.sleep(backoffMs(retry, attempt, random()), signal);
      if (lost.aborted) return never();
      if (signal.aborted) throw this.#cancelled(signal);
      const at: Attempt = { name, attempt, signal, events: [] };
      // Each attempt goes through the same names inside.
      names.releaseInside(name);
      const beganAt = news.stepBegins();
      let result: unknown;
      try {
        result = await news.callStep(at, () => this.#body(at, body, options));
      } catch (error) {
        // A body that ends because the run was taken away, or cancelled, has not failed.
        if (lost.aborted) return never();
        if (signal.aborted) throw this.#cancelled(signal);
        const { again, reason } = retryAfter(retry, attempt, error);
        const known = canonicalError(reason);
        const data: StepFailedData = { name, attempts: attempt, error: known.record };
        if (again) {
          await writer.submit([recordWrite('step.retried', data)]);
          news.stepEnded(at, beganAt, 'retried', error);
          continue;
        }
        await writer.submit([recordWrite('step.failed', data)]);
        news.stepEnded(at, beganAt, 'failed', error);
        throw stepFailure(run, name, attempt, known.error);
      }
      const completed = await this.#complete(at, result, options);
      news.stepEnded(at, beganAt, 'completed');
      return completed;
    }
  }

  #cancelled(signal: AbortSignal): unknown {
    this.#options.cancellation.deliver();
    return signal.reason;
  }

  async #body(at: Attempt, body: StepBody, options: StepOptions): Promise<unknown> {
    if (options.timeout === undefined) return body(this.#context(at, at.signal));
    const ms = toMilliseconds(options.timeout, `timeout of step ${at.name}`);
    const over = new AbortController();
    const error = new StepError(
      'PAWL_TIMEOUT',
      { run: this.#options.run, step: at.name },
      `Step "${at.name}" took longer than ${ms} ms.`,
    );
    const context = this.#context(at, AbortSignal.any([at.signal, over.signal]));
    const done = new AbortController();
    const late = this.#options.clock.sleep(ms, done.signal).then(() => {
      if (!done.signal.aborted) over.abort(error);
      return Promise.reject(error);
    });
    try {
      return await Promise.race([body(context), late]);
    } finally {
      done.abort('over');
      late.catch(() => undefined);
    }
  }

  async #complete(at: Attempt, result: unknown, { record }: RunOptions): Promise<unknown> {
    const { name, attempt, events } = at;
    const { writer, limits, names, run } = this.#options;
    names.releaseInside(name);
    if (record !== undefined) {
      const { writes, keep } = record(result, events);
      await (keep === undefined ? writer.submit(writes) : writer.keep(writes, keep));
      return result;
    }
    const bytes = encode(result, `result of step ${name}`, limits.eventBytes);
    const data: StepCompletedData = { name, result: bytes, attempts: attempt };
    // The completion comes last: behind it, everything of the step is in the log.
    await writer.submit([...events, recordWrite('step.completed', data)]);
    return decode(bytes, { key: `run ${run}, step ${name}` });
  }

  #context(at: Attempt, signal: AbortSignal): StepContext {
    const { run, workflow, limits } = this.#options;
    const context = {
      signal,
      // Made when it is asked for: few steps do, and a hash costs more than the rest of the context.
      get idempotencyKey() {
        return idempotencyKey(run, at.name);
      },
      attempt: at.attempt,
      emit: (type: string, data: unknown) => {
        const limit = fixedLimits.eventsPerCommit - eventsOfCompletion;
        if (at.events.length >= limit) {
          throw new LimitError(`events of step ${at.name}`, limit, at.events.length + 1);
        }
        at.events.push(eventWrite(workflow, limits, { type, data }));
      },
      step: async (name: string, body: StepBody, options?: StepOptions) => {
        checkStepName(name);
        return this.run(`${at.name}${nesting}${name}`, body, options);
      },
    };
    return context as unknown as StepContext;
  }
}

/** The same for a step of a run, whoever executes it and how often. */
export function idempotencyKey(run: string, name: string): string {
  return createHash('sha256').update(`${run}\n${name}`).digest('hex').slice(0, 32);
}
