/**
 * Steps: pieces of work whose result is stored under their name.
 *
 *   unknown ──run body──▶ completed (result stored)          on a resume: the result is returned
 *      │  ▲                                                  on a resume: the error is thrown again
 *      │  └─ wait, again ── retrying (attempt counted)       on a resume: goes on with the next attempt
 *      └──────────────────▶ failed (error stored)
 *
 * Crash while the body runs: nothing is stored, the body runs again on the next owner. Crash after the commit: the result
 * is there. A step's own events travel in the commit of its result: both are stored or neither is.
 */
import { createHash } from 'node:crypto';
import { decode, encode } from '../core/codec.ts';
import type { Clock } from '../core/clock.ts';
import { LimitError, recordError, reviveError, StepError } from '../core/errors.ts';
import type { StepCompletedData, StepFailedData } from '../core/event.ts';
import type { Fold } from '../core/fold.ts';
import { fixedLimits, type Limits } from '../core/limits.ts';
import { backoffMs, type RetryPolicy } from '../core/policy.ts';
import type { StepContext, StepOptions } from './context.ts';
import { type LogWriter, never } from './log-writer.ts';
import type { AnyWorkflow } from './workflow.ts';
import { eventWrite, recordWrite, type Write } from './writes.ts';

export type StepBody = (step: StepContext) => unknown;

export interface StepsOptions {
  readonly run: string;
  readonly workflow: AnyWorkflow;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly random: () => number;
}

export class Steps {
  readonly #options: StepsOptions;
  readonly #used = new Set<string>();
  readonly #open = new Set<string>();

  constructor(options: StepsOptions) {
    this.#options = options;
  }

  /** Names of the steps whose bodies are at work. */
  get open(): readonly string[] {
    return [...this.#open];
  }

  async run(name: string, body: StepBody, options: StepOptions = {}): Promise<unknown> {
    const { run, fold } = this.#options;
    if (this.#used.has(name)) {
      throw new StepError(
        'PAWL_STEP_NAME_REUSED',
        { run, step: name },
        `Run ${run} has used the step name "${name}" already; results are found by name. In a loop, use a name such as \`${name}:\${i}\`.`,
      );
    }
    this.#used.add(name);
    const known = fold.steps.get(name);
    switch (known?.status) {
      case 'completed':
        return decode(known.result, { key: `run ${run}, step ${name}` });
      case 'failed':
        throw this.#failure(name, known.attempts, reviveError(known.error));
      case 'retrying':
      case undefined:
        break;
    }
    this.#open.add(name);
    try {
      return await this.#attempt(name, body, {
        retry: options.retry ?? {},
        tried: known?.attempts ?? 0,
      });
    } finally {
      this.#open.delete(name);
    }
  }

  async #attempt(
    name: string,
    body: StepBody,
    { retry, tried }: { readonly retry: RetryPolicy; readonly tried: number },
  ): Promise<unknown> {
    const { clock, signal, writer, random } = this.#options;
    const attempts = retry.attempts ?? 1;
    for (let attempt = tried + 1; ; attempt++) {
      if (attempt > 1) await clock.sleep(backoffMs(retry, attempt, random()), signal);
      if (signal.aborted) return never();
      const events: Write[] = [];
      let result: unknown;
      try {
        result = await body(this.#context({ name, attempt, events }));
      } catch (error) {
        // A body that ends because the run was taken away has not failed.
        if (signal.aborted) return never();
        const data: StepFailedData = { name, attempts: attempt, error: recordError(error) };
        if (attempt < attempts && (retry.retryIf?.(error) ?? true)) {
          await writer.submit([recordWrite('step.retried', data)]);
          continue;
        }
        await writer.submit([recordWrite('step.failed', data)]);
        throw this.#failure(name, attempt, error);
      }
      return this.#complete({ name, attempt, events }, result);
    }
  }

  async #complete(
    { name, attempt, events }: { name: string; attempt: number; events: readonly Write[] },
    result: unknown,
  ): Promise<unknown> {
    const { writer, limits, run } = this.#options;
    const bytes = encode(result, `result of step ${name}`, limits.eventBytes);
    const data: StepCompletedData = { name, result: bytes, attempts: attempt };
    await writer.submit([recordWrite('step.completed', data), ...events]);
    return decode(bytes, { key: `run ${run}, step ${name}` });
  }

  #context(at: { name: string; attempt: number; events: Write[] }): StepContext {
    const { run, signal, workflow, limits } = this.#options;
    return {
      signal,
      idempotencyKey: createHash('sha256').update(`${run}\n${at.name}`).digest('hex').slice(0, 32),
      attempt: at.attempt,
      emit(type, data) {
        if (at.events.length + 1 >= fixedLimits.eventsPerCommit) {
          throw new LimitError(
            `events of step ${at.name}`,
            fixedLimits.eventsPerCommit - 1,
            at.events.length + 1,
          );
        }
        at.events.push(eventWrite(workflow, limits, { type, data }));
      },
    };
  }

  #failure(name: string, attempts: number, cause: unknown): StepError {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new StepError(
      'PAWL_STEP_FAILED',
      { run: this.#options.run, step: name },
      `Step "${name}" failed after ${attempts} attempt${attempts === 1 ? '' : 's'}: ${message}`,
      cause,
    );
  }
}
