/**
 * Steps: pieces of work whose result is stored under their name.
 *
 *   unknown ──run body──▶ completed (result stored)          on a resume: the result is returned
 *      │  ▲                                                  on a resume: the error is thrown again
 *      │  └─ pause ────── retrying (attempt, time stored)    on a resume: waits for what is left of the pause
 *      └──────────────────▶ failed (error stored)
 *
 * Crash while the body runs: nothing is stored, the body runs again on the next owner. Crash after the commit: the result
 * is there. A step's own events travel in the commit of its result: both are stored or neither is. Steps inside a step
 * are stored like any other; when the outer one completes, what is inside leaves the bookkeeping.
 *
 * A body that has begun may finish. An attempt that fails, or whose body returns, waits for the bodies inside of it, and
 * their results are stored. An attempt that has run out of time is over at once: nothing inside of it is stored any more,
 * and what it still asks for is never answered. So there are never two bodies of one step that can both write.
 */
import type { CheckpointMark } from '../../core/checkpoint.ts';
import { canonical, decode, encode } from '../../core/codec.ts';
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { canonicalError, reviveError } from '../../core/error-record.ts';
import { InvalidError, LimitError, StepError } from '../../core/errors.ts';
import type {
  ItemToUndo,
  StepCompletedData,
  StepFailedData,
  StepRetriedData,
} from '../../core/event.ts';
import { nesting } from '../../core/fold.ts';
import { nameOfAll } from '../../core/items.ts';
import { fixedLimits } from '../../core/limits.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { checkStepName } from '../../core/names.ts';
import { backoffMs, retryAfter, type RetryPolicy } from '../../core/policy.ts';
import type { StepContext, StepOptions } from '../definition/context.ts';
import type { ManyOptions } from '../definition/many.ts';
import type { Undoable, UndoableItem } from '../definition/undoable.ts';
import { checkOptions, refuseUndo } from '../definition/options.ts';
import { idempotencyKey } from '../idempotency.ts';
import { anySignal, type LazySignal, newAbortController } from '../signals.ts';
import { type Bodies, Body } from './bodies.ts';
import type { Cancellation } from './cancellation.ts';
import type { Item, Items } from './items.ts';
import { never } from './never.ts';
import type { RunOutputs } from './run-outputs.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { type KnownResult, stepFailure } from './step-names.ts';
import type { Waits } from './waits.ts';
import { eventWrite, recordWrite, stepSetWrite, type Write } from './writes.ts';

export type StepBody = (step: StepContext) => unknown;

/** How a step that is more than a step, such as a node of a graph, is stored. */
export interface RunOptions extends StepOptions, Undoable<unknown> {
  /** It undoes this item of a map. */
  readonly undoes?: ItemToUndo;
  /** Its code says how to undo it. */
  readonly hasUndo?: boolean;
  /** What is committed in place of `step.failed`. */
  readonly failure?: (data: StepFailedData) => Write;
  /**
   * What is committed in place of `step.completed`. Called when the body has ended, in the same turn as the commit, so
   * that it may decide by the state.
   */
  readonly record?: (
    result: unknown,
    events: readonly Write[],
  ) => { readonly writes: readonly Write[]; readonly mark?: CheckpointMark };
  /** Called before the body, within the attempt: what it commits is in the log when the body begins. */
  readonly begin?: () => Promise<unknown>;
  /** The body may wait, and the run may be parked meanwhile. */
  readonly mayWait?: boolean;
  /** It is one of many: its result is kept with those of the others, and `run` resolves with nothing. */
  readonly item?: Item;
}

type Services = Pick<ExecutionServices, 'limits' | 'clock' | 'random'>;

/** What steps share with the other parts of a handler's runtime. */
export interface StepParts {
  readonly waits: Waits;
  readonly bodies: Bodies;
  readonly cancellation: Cancellation;
  readonly items: Items;
  readonly outputs: RunOutputs;
  /** Resolves when a body may begin: at once, or never when the run is being let go of. */
  readonly mayBegin: (within: Body | undefined) => Promise<void> | undefined;
}

/** What completes a step, its change of the state, and the mark of a checkpoint. */
const eventsOfCompletion = 3;

class Attempt extends Body {
  readonly events: Write[] = [];
  /** New values of the state, which come with the result. */
  patch: Record<string, unknown> | undefined;
}

/** Where the context of a step keeps the body that it was made for; the same in every copy of the package. */
const bodyKey = Symbol.for('pawl.body');

/** The body that a context was given to: what is asked for by other ways than the context's own may be inside of it. */
export function bodyOf(context: object): Body | undefined {
  return bodyKey in context ? (context[bodyKey] as Body) : undefined;
}

export class Steps {
  readonly #scope: RunScope;
  readonly #services: Services;
  readonly #parts: StepParts;

  constructor(scope: RunScope, services: Services, parts: StepParts) {
    this.#scope = scope;
    this.#services = services;
    this.#parts = parts;
  }

  /** `within`: the attempt of another step whose body asks for this one; when it is over, nobody is answered any more. */
  async run(
    name: string,
    body: StepBody,
    options: RunOptions = {},
    within?: Body,
  ): Promise<unknown> {
    const { deliveries, names, run, undos } = this.#scope;
    if (this.#parts.bodies.isOver(within)) return never();
    const { undo, was } = options;
    if (undo !== undefined) {
      for (const known of was === undefined ? [name] : [name, was]) undos.note(known, { undo });
    }
    deliveries.asked();
    let ended: Ended;
    try {
      const known = names.use(name, options.was);
      if (known === undefined && names.isHeldBack(name)) {
        deliveries.schedule();
        ended = await undos.holdBack<Ended>();
      } else if (known === undefined) {
        const attempts = this.#attempts(name, body, options, within);
        within?.inside.push(attempts);
        ended = await attempts;
      } else if (options.item !== undefined) {
        ended = await this.#keepAsItem(name, known, options.item);
      } else {
        const value =
          known.status === 'completed'
            ? decode(known.result, { key: `run ${run}, step ${name}` })
            : new Failed(stepFailure(run, name, known, reviveError(known.error)));
        ended = { seq: known.seq, value };
      }
    } catch (error) {
      deliveries.answered();
      throw error;
    }
    const { seq, value } = ended;
    const turn = deliveries.turn(seq);
    if (turn !== undefined) await turn;
    if (options.item !== undefined) return undefined;
    if (value instanceof Failed) throw value.error;
    return value;
  }

  /** An older pawl has stored the result as that of any step. */
  async #keepAsItem(name: string, known: KnownResult, item: Item): Promise<Ended> {
    const { writer } = this.#scope;
    if (known.status === 'completed') {
      const data = { name, result: known.result, attempts: 1, item: item.mark(false) };
      return { seq: await writer.submit([recordWrite('step.completed', data)]), value: undefined };
    }
    const { error, attempts } = known;
    const data: StepFailedData = { name, error, attempts, item: item.mark(true) };
    return { seq: await writer.submit([recordWrite('step.failed', data)]), value: undefined };
  }

  /** One step for each item: see `items.ts`. */
  async map<One>(
    name: string,
    items: readonly One[],
    body: (item: One, step: StepContext, index: number) => unknown,
    options: StepOptions & ManyOptions & UndoableItem<unknown, unknown> = {},
    within?: Body,
  ): Promise<unknown> {
    const { concurrency, onError = 'stop', undo, ...stepOptions } = options;
    const { names, undos } = this.#scope;
    const hasUndo = undo !== undefined;
    if (hasUndo) undos.note(nameOfAll(name), { undo, items });
    const many = { name, count: items.length, concurrency, stops: onError === 'stop' };
    const results = await this.#parts.items.each(many, async (item) => {
      const one: StepBody = (step) => body(items[item.at] as One, step, item.at);
      const step = `${name}:${item.at}`;
      await this.run(step, one, { ...stepOptions, hasUndo, item }, within);
      // Nobody asks for it by its name any more, and a hundred thousand names are too many to remember.
      names.release(step);
    });
    return onError === 'stop' ? results.values() : results;
  }

  async #attempts(
    name: string,
    body: StepBody,
    options: RunOptions,
    within: Body | undefined,
  ): Promise<Ended> {
    const { fold, lost, names, storeNow } = this.#scope;
    const { waits, bodies } = this.#parts;
    const before = fold.step(name);
    let tried = before?.status === 'retrying' ? before.attempts : 0;
    let dueAt = before?.status === 'retrying' ? before.dueAt : 0;
    for (;;) {
      if (dueAt > 0 && dueAt > storeNow()) await waits.pause(name, 'retry', dueAt);
      const mayBegin = this.#parts.mayBegin(within);
      if (mayBegin !== undefined) await mayBegin;
      const signal = this.#signalWithin(within);
      if (lost.aborted || bodies.isOver(within)) return never();
      if (signal.aborted) throw this.#cancelled(signal);
      const at = new Attempt({
        name,
        attempt: tried + 1,
        since: storeNow(),
        within,
        mayWait: options.mayWait ?? false,
        isTimed: options.timeout !== undefined,
      });
      // Each attempt goes through the same names inside.
      names.releaseInside(name);
      bodies.begin(at);
      let ended: Ended | 'again';
      try {
        ended = await this.#attempt(at, body, options, signal);
      } finally {
        bodies.end(at);
      }
      if (ended !== 'again') return ended;
      tried = at.attempt;
      const after = fold.step(name);
      dueAt = after?.status === 'retrying' ? after.dueAt : 0;
    }
  }

  /** The body of an effect is not tried again by itself, and a step inside of another one as the step itself says. */
  #retryOf({ retry, begin }: RunOptions, within: Body | undefined): RetryPolicy {
    if (retry !== undefined || begin !== undefined || within !== undefined) return retry ?? {};
    return this.#scope.workflow.definition.stepRetry ?? {};
  }

  async #attempt(
    at: Attempt,
    body: StepBody,
    options: RunOptions,
    signal: Told,
  ): Promise<Ended | 'again'> {
    const { telemetry, lost, enter } = this.#scope;
    const { bodies, outputs } = this.#parts;
    const beganAt = telemetry.stepBegins();
    let result: unknown;
    try {
      if (options.begin !== undefined) await options.begin();
      const called = telemetry.isTraced
        ? telemetry.callStep({ name: at.name, attempt: at.attempt, kind: options.kind }, () =>
            this.#body(at, body, options, signal),
          )
        : this.#body(at, body, options, signal);
      result = await called;
      if (at.inside.length > 0) await bodies.insideOf(at);
      const written = outputs.settle(at);
      if (written !== undefined) await written;
      const entered = enter();
      if (entered !== undefined) await entered;
    } catch (error) {
      const isLate = at.isOver;
      if (!isLate) await bodies.insideOf(at);
      await enter();
      // A body that ends because the run was taken away, or cancelled, has not failed.
      if (lost.aborted || bodies.isOver(at.within)) return never();
      if (signal.aborted && !isLate) throw this.#cancelled(signal);
      return this.#failed(at, error, options, beganAt);
    }
    if (bodies.isOver(at)) return never();
    let completed: { readonly value: unknown; readonly submitted: Promise<number> };
    try {
      completed = this.#complete(at, result, options);
    } catch (error) {
      // The body has done its work, and what came of it cannot be stored: doing it again would not help.
      const { item, failure } = options;
      const about = {
        ...(item === undefined ? {} : { item }),
        ...(failure === undefined ? {} : { failure }),
      };
      return this.#failed(at, error, { ...about, retry: {} }, beganAt);
    }
    const seq = await completed.submitted;
    telemetry.stepEnded(at, beganAt, 'completed');
    return { seq, value: completed.value };
  }

  /** Stores that an attempt has failed. */
  async #failed(
    at: Attempt,
    thrown: unknown,
    options: RunOptions,
    beganAt: number,
  ): Promise<Ended | 'again'> {
    const { writer, run, telemetry, storeNow } = this.#scope;
    const { name, attempt } = at;
    const retry = this.#retryOf(options, at.within);
    const { again, reason: error } = retryAfter(retry, attempt, thrown);
    const known = canonicalError(error);
    const worked = workedFor(at, storeNow());
    const data: StepFailedData = { name, attempts: attempt, error: known.record, ...worked };
    if (again) {
      const dueAt = storeNow() + backoffMs(retry, attempt + 1, this.#services.random());
      const retried: StepRetriedData = { ...data, dueAt };
      await writer.submit([recordWrite('step.retried', retried)]);
      telemetry.stepEnded(at, beganAt, 'retried', error);
      return 'again';
    }
    const marked = options.item === undefined ? data : { ...data, item: options.item.mark(true) };
    const write = options.failure?.(data) ?? recordWrite('step.failed', marked);
    const seq = await writer.submit([write]);
    telemetry.stepEnded(at, beganAt, 'failed', error);
    const failure = stepFailure(run, name, data, known.error);
    return { seq, value: new Failed(failure) };
  }

  /** A body inside of one that runs out of time is told so as well. */
  #signalWithin(within: Body | undefined): Told {
    const current = this.#parts.cancellation.current();
    if (within === undefined) return current;
    const timed: AbortSignal[] = [];
    for (let at: Body | undefined = within; at !== undefined; at = at.within)
      if (at.isTimed) timed.push(at.over.signal);
    if (timed.length === 0) return current;
    const signal = anySignal([current.signal, ...timed]);
    return {
      signal,
      get aborted() {
        return signal.aborted;
      },
      get reason(): unknown {
        return signal.reason;
      },
    };
  }

  #cancelled(signal: Told): unknown {
    this.#parts.cancellation.deliver();
    return signal.reason;
  }

  /** Calls the body. What it returns may be a promise. */
  #body(at: Attempt, body: StepBody, { timeout }: StepOptions, signal: Told): unknown {
    const context = this.#context(at, signal);
    return timeout === undefined ? body(context) : this.#timed(at, () => body(context), timeout);
  }

  async #timed(at: Attempt, call: () => unknown, timeout: Duration): Promise<unknown> {
    const ms = toMilliseconds(timeout, `timeout of step ${at.name}`);
    const error = new StepError(
      'PAWL_TIMEOUT',
      { run: this.#scope.run, step: at.name },
      `Step "${at.name}" took longer than ${ms} ms.`,
    );
    const done = newAbortController();
    const late = this.#services.clock.sleep(ms, done.signal).then(() => {
      if (!done.signal.aborted) {
        at.isOver = true;
        at.over.abort(error);
      }
      return Promise.reject(error);
    });
    try {
      return await Promise.race([call(), late]);
    } finally {
      done.abort('over');
      late.catch(() => undefined);
    }
  }

  /** Submits what completes a step. @throws what a result cannot be stored for; nothing has changed then. */
  #complete(
    at: Attempt,
    result: unknown,
    { record, item, undo, hasUndo = undo !== undefined, undoes }: RunOptions,
  ): { readonly value: unknown; readonly submitted: Promise<number> } {
    const { name, attempt, events } = at;
    const { writer, names, run, storeNow } = this.#scope;
    names.releaseInside(name);
    if (record === undefined) {
      const bytes = encode(result, `result of step ${name}`, this.#services.limits.eventBytes);
      const { ms } = workedFor(at, storeNow());
      // Made bit by bit: spreading objects for every step shows in a profile.
      const data: Writable<StepCompletedData> = { name, result: bytes, attempts: attempt };
      if (ms !== undefined) data.ms = ms;
      if (item !== undefined) data.item = item.mark(false);
      if (hasUndo) data.hasUndo = true;
      if (undoes !== undefined) data.undoes = undoes;
      const value = decode(bytes, { key: `run ${run}, step ${name}` });
      // The completion comes last: after it, everything of the step is in the log.
      const completion = recordWrite('step.completed', data);
      const isAlone = events.length === 0 && at.patch === undefined;
      const writes = isAlone ? [completion] : [...events, ...this.#setOf(at), completion];
      return { value, submitted: writer.submit(writes) };
    }
    const { writes, mark } = record(result, events);
    if (mark === undefined) return { value: result, submitted: writer.submit(writes) };
    return {
      value: result,
      submitted: writer.checkpoint(writes, mark).then((stored) => stored.seq),
    };
  }

  /** The schema is asked now: other steps may have changed the state while the body was at work. */
  #setOf({ patch, events }: Attempt): readonly Write[] {
    if (patch === undefined) return [];
    const { workflow, fold } = this.#scope;
    const on = { state: fold.state, before: events };
    return [stepSetWrite(workflow, this.#services.limits, on, patch)];
  }

  #context(at: Attempt, signal: Told): StepContext {
    const { run, workflow } = this.#scope;
    const { limits } = this.#services;
    const { outputs } = this.#parts;
    let told: AbortSignal | undefined;
    const context = {
      // Made when they are asked for: few steps do, and a signal or a hash costs more than the rest of the context.
      get signal() {
        told ??= at.isTimed ? anySignal([signal.signal, at.over.signal]) : signal.signal;
        return told;
      },
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
      write: (chunk: unknown) => outputs.open(undefined, at).write(chunk),
      output: (name?: string) => outputs.open(name, at),
      set: (patch: Record<string, unknown>) => {
        if (!isPlainObject(patch)) throw new InvalidError('patch', 'must be an object.');
        // As it is now, whatever the body makes of its objects afterwards.
        const copy = canonical(patch, encode(patch, 'state', limits.eventBytes));
        at.patch = { ...at.patch, ...(copy as typeof patch) };
      },
      step: (name: string, body: StepBody, options?: StepOptions) => {
        const inner = this.#inside(at, name, body, options);
        inner.catch(() => undefined);
        return inner;
      },
      [bodyKey]: at,
    };
    return context as unknown as StepContext;
  }

  async #inside(
    at: Attempt,
    name: string,
    body: StepBody,
    options?: StepOptions,
  ): Promise<unknown> {
    checkStepName(name);
    checkOptions('step', options);
    refuseUndo('step', options, 'step');
    return this.run(`${at.name}${nesting}${name}`, body, options, at);
  }
}

/** How long an attempt was at work: for people who look at the log. Nothing is decided by it. */
function workedFor({ since }: Attempt, now: number): { readonly ms?: number } {
  const ms = Math.round(now - since);
  return ms > 0 ? { ms } : {};
}

/** What tells a body that it is to end; the signal is made when somebody asks for it. */
type Told = Pick<LazySignal, 'signal' | 'aborted' | 'reason'>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** How a step has ended, and where in the log. */
interface Ended {
  readonly seq: number;
  /** What it returned; a `Failed` when it has failed. */
  readonly value: unknown;
}

/** An error that is stored, told from a value that a step returned. */
class Failed {
  readonly error: StepError;

  constructor(error: StepError) {
    this.error = error;
  }
}
