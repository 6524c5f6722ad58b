/** What an agent needs of the `ctx` of a handler. Every `ctx` has it, whatever its workflow declares. Types only. */
import type { EffectOptions, StepOptions } from '../engine/definition/context.ts';
import type { WaitOptions } from '../engine/definition/waiting.ts';

/** What the body of a call is given; see `StepContext`. */
export interface AgentStep {
  /** Fires when the worker must let go of the run, the run is cancelled, or the call has taken too long. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this call, on any worker: for systems that can recognise a repetition. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt. Attempts cut short by a crash are not counted. */
  readonly attempt: number;
  /** An output of the run, by its name. Which names and chunks fit, the workflow says: no name fits all of them. */
  output(name: never): { write(chunk: never): Promise<void> };
}

/** The context of a handler, as far as an agent needs it: pass your `ctx`. */
export interface AgentContext {
  /** The id of the run. */
  readonly run: string;
  /** As `ctx.step`. */
  step<Result>(
    name: string,
    body: (step: AgentStep) => Promise<Result> | Result,
    options?: StepOptions,
  ): Promise<Result>;
  /** As `ctx.effect`. */
  effect<Result>(
    name: string,
    body: (step: AgentStep) => Promise<Result> | Result,
    options: EffectOptions<Result>,
  ): Promise<Result | undefined>;
  /** As `ctx.waitFor`. */
  waitFor(signal: string, options?: WaitOptions): Promise<unknown>;
}

/** How a call is tried again, how long it may take, and what happens when nobody knows whether it was made. */
export interface CallOptions<Result = unknown> extends Pick<StepOptions, 'retry' | 'timeout'> {
  /** Makes the call an effect: what happens before it would be made again. Default: it is a step, and is made again. */
  readonly onDoubt?: EffectOptions<Result>['onDoubt'];
}
