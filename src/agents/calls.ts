/**
 * The calls of one answer of an agent. Each is a step, or an effect, under a name that a resume finds again:
 *
 *   <answer>/model:0 ──▶ <answer>/tool:<call> … ──▶ <answer>/model:1 ──▶ … ──▶ <answer>/end
 *
 * Calls of the model are counted, because a loop of an agent makes one after the other. A call of a tool has the id that
 * the model gave it, which is in the result of that call of the model. A model that gives an id twice gets a second name.
 *
 * Crash in a call: nothing of it is stored, and it is made again, unless it is an effect. Crash after it: its result is
 * there, and nobody is called. What it gave out before the crash is dead by the epoch of the next attempt.
 */
import { createHash } from 'node:crypto';
import { InvalidError, NonRetryableError } from '../core/errors.ts';
import { fixedLimits } from '../core/limits.ts';
import type { StepKind } from '../core/tracing.ts';
import type { AgentContext, AgentStep, CallOptions } from './context.ts';
import { inPieces } from './pieces.ts';

/** Gives a chunk out; resolves when it is stored, so that a slow store slows its source down. */
export type Give = (chunk: object) => Promise<void>;

export type CallBody<Result> = (step: AgentStep, give: Give) => Promise<Result>;

/** Of a step's name, as far as its call goes. */
const callLengthMax = 128;
const namePattern = /^[A-Za-z0-9_.~@:+-]{1,64}$/;
const keyPattern = /^[A-Za-z0-9_.~@:/+-]+$/;

/** Between the name of an answer and that of a call. */
export const answerMark = '/';
export const modelCall = 'model:';

export class AgentCalls {
  readonly #ctx: AgentContext;
  readonly #answer: string;
  readonly #output: string;
  #models = 0;
  readonly #ids = new Map<string, number>();

  /** @throws InvalidError for the name of an answer that is none. */
  constructor(ctx: AgentContext, answer: string, output: string) {
    if (!namePattern.test(answer)) {
      throw new InvalidError('answer', 'must be 1 to 64 of A-Z a-z 0-9 _ . ~ @ : + -');
    }
    this.#ctx = ctx;
    this.#answer = answer;
    this.#output = output;
  }

  /** The next call of the model. */
  model<Result>(body: CallBody<Result>, options: CallOptions<Result>): Promise<Result> {
    const name = `${modelCall}${this.#models}`;
    this.#models += 1;
    return this.#call(name, 'model', body, options);
  }

  /** A call of a tool, under a name of `nameOf`. */
  tool<Result>(
    name: string,
    body: CallBody<Result>,
    options: CallOptions<Result>,
  ): Promise<Result> {
    return this.#call(`tool:${name}`, 'tool', body, options);
  }

  /** Something short that is no call, such as to say that somebody is asked. */
  say<Result>(name: string, body: CallBody<Result>): Promise<Result> {
    return this.#call(name, undefined, body, {});
  }

  /** The name of a call with this id, once: a model that gives an id again gets another one. */
  nameOf(id: string): string {
    const known = toKey(id);
    const before = this.#ids.get(known) ?? 0;
    this.#ids.set(known, before + 1);
    return before === 0 ? known : `${known.slice(0, callLengthMax - 8)}~${before + 1}`;
  }

  /** Waits for a signal with this key; see `ctx.waitFor`. The name of the wait is what a person answers to. */
  waitFor(
    signal: string,
    key: string,
    options: Parameters<AgentContext['waitFor']>[1] = {},
  ): Promise<unknown> {
    return this.#ctx.waitFor(signal, { ...options, key, as: this.waitName(key) });
  }

  waitName(key: string): string {
    return this.#named(`approval:${key}`);
  }

  #named(call: string): string {
    return `${this.#answer}${answerMark}${call}`;
  }

  async #call<Result>(
    call: string,
    kind: StepKind | undefined,
    body: CallBody<Result>,
    { onDoubt, retry, timeout }: CallOptions<Result>,
  ): Promise<Result> {
    const about = {
      ...(kind === undefined ? {} : { kind }),
      ...(timeout === undefined ? {} : { timeout }),
    };
    const whole = async (step: AgentStep): Promise<Result> => {
      const output = step.output(this.#output as never);
      const give: Give = async (chunk) => {
        for (const piece of inPieces(chunk)) await output.write(piece as never);
      };
      try {
        return await body(step, give);
      } catch (error) {
        throw isFinal(error) ? asFinal(error) : error;
      }
    };
    const name = this.#named(call);
    if (onDoubt === undefined) {
      return this.#ctx.step(name, whole, { ...about, ...(retry === undefined ? {} : { retry }) });
    }
    return this.#ctx.effect(name, whole, { ...about, onDoubt }) as Promise<Result>;
  }
}

/** A text of anybody's as the key of a signal and a part of a name: itself, where it may be one. */
function toKey(id: string): string {
  const fits = keyPattern.test(id) && id.length <= fixedLimits.tagValueLength - 8;
  return fits ? id : createHash('sha256').update(id).digest('hex');
}

/** A provider says of its errors whether the same call may succeed later. */
function isFinal(error: unknown): error is Error {
  return error instanceof Error && 'isRetryable' in error && error.isRetryable === false;
}

function asFinal(error: Error): NonRetryableError {
  return new NonRetryableError(error.message, { cause: error });
}
