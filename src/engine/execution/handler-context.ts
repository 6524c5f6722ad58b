/** Makes the context of one claimed run out of its parts. */
import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { DefinitionError, InvalidError } from '../../core/errors.ts';
import type { CancelRequest, StepsForgottenData } from '../../core/event.ts';
import type { Logger } from '../../core/logger.ts';
import { checkStepName } from '../../core/names.ts';
import type {
  CheckpointOptions,
  ChildHandle,
  ChildOptions,
  Context,
  EffectOptions,
  RaceEntry,
  RaceResult,
  SleepOptions,
  StepContext,
  StepOptions,
  WaitForOptions,
  WaitOptions,
} from '../definition/context.ts';
import { anySignal, newAbortController } from '../signals.ts';
import type { Body } from './bodies.ts';
import type { Children } from './children.ts';
import type { Effects } from './effects.ts';
import type { PassedSets } from './passed-sets.ts';
import { saveCheckpoint } from './save-checkpoint.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import type { StepBody, Steps } from './steps.ts';
import { type Waits, withdrawn } from './waits.ts';
import { checkOptions, type OptionKind } from '../definition/options.ts';
import { checkSignalNames } from '../definition/signals.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { eventWrite, recordWrite } from './writes.ts';

/** What contexts are made of: the run, what its worker gives, and the parts that do what the handler asks for. */
export interface ContextParts {
  readonly scope: RunScope;
  readonly services: Pick<ExecutionServices, 'store' | 'limits' | 'random'>;
  readonly steps: Steps;
  readonly effects: Effects;
  readonly children: Children;
  readonly waits: Waits;
  readonly sets: PassedSets;
  readonly log: Logger;
  /** Called before anything is written, and throws when the run is being cancelled. */
  readonly checkCancelled: () => void;
  readonly progress: (fraction: number, message: string | undefined) => void;
  readonly onCancel: (undo: Undo) => void;
}

/** Where in a run a context is given out: to its handler, or to a part of it. */
export interface ContextPlace {
  readonly signal: AbortSignal;
  /** Put before every name, so that names of parts of a run do not clash. */
  readonly prefix: string;
  /** The body that the context was made for, when it is not the handler's. */
  readonly within?: Body | undefined;
}

type Undo = (request: CancelRequest) => unknown;
type MapBody = (item: unknown, step: StepContext, index: number) => unknown;

/** Where a context keeps what it is made of; the same in every copy of the package, as a graph may come from another. */
const partsKey = Symbol.for('pawl.context');

/** What a context is made of, for what is built upon it. */
export function contextParts(context: object): ContextParts {
  if (partsKey in context) return context[partsKey] as ContextParts;
  throw new DefinitionError('This is no context of a handler.');
}

export function createContext(parts: ContextParts, place: ContextPlace): Context {
  const { scope, services, steps, effects, sets } = parts;
  const { run, workflow, writer, fold, deliveries, storeNow, enter } = scope;
  const { limits } = services;
  const { prefix, within } = place;
  const checked = nameCheck(prefix);
  const write = async (submit: () => Promise<unknown>): Promise<void> => {
    const entered = enter();
    if (entered !== undefined) await entered;
    parts.checkCancelled();
    deliveries.asked();
    try {
      await submit();
    } finally {
      deliveries.answered();
    }
  };
  /** Does it when the run is this worker's, nearly always at once. What it throws is a rejection. */
  const entering = <T>(act: () => Promise<T>): Promise<T> => {
    const entered = enter();
    if (entered !== undefined) return held(entered.then(act));
    try {
      return held(act());
    } catch (error) {
      return held(Promise.reject(error as Error));
    }
  };
  const step = (name: string, body: StepBody, stepOptions?: StepOptions): Promise<unknown> =>
    entering(() => {
      checkOptions('step', stepOptions);
      return steps.run(checked(name), body, stepOptions, within);
    });
  const context = {
    run,
    get fence() {
      return writer.ownership.fence;
    },
    get state() {
      return sets.state;
    },
    signal: place.signal,
    log: parts.log,
    emit(type: string, data: unknown) {
      const emit = (): Promise<unknown> => {
        sets.write();
        return writer.submit([eventWrite(workflow, limits, { type, data })]);
      };
      return held(write(emit));
    },
    set(patch: Record<string, unknown>) {
      return held(write(() => sets.set(patch)));
    },
    step(name: string, body: StepBody, stepOptions?: StepOptions) {
      return step(name, body, stepOptions);
    },
    map(name: string, items: readonly unknown[], body: MapBody, mapOptions?: StepOptions) {
      return entering(() => {
        checkOptions('map', mapOptions);
        return steps.map(checked(name), items, body, mapOptions, within);
      });
    },
    effect(name: string, body: StepBody, effectOptions: EffectOptions<unknown>) {
      return entering(() => {
        checkOptions('effect', effectOptions);
        return effects.run(checked(name), body, effectOptions, within);
      });
    },
    checkpoint(about: CheckpointOptions = {}) {
      return entering(() => {
        checkOptions('checkpoint', about);
        parts.checkCancelled();
        return saveCheckpoint(writer, services, about);
      });
    },
    forget(beginning: string) {
      if (typeof beginning !== 'string' || beginning === '') {
        throw new InvalidError('forget', 'needs the beginning of the names of steps.');
      }
      const passed = fold.completedSteps(prefix + beginning);
      if (passed.length === 0) return;
      for (const name of passed) scope.names.release(name);
      const forgotten: StepsForgottenData = { names: passed };
      writer.piggyback(recordWrite('step.forgotten', forgotten));
    },
    onCancel(undo: Undo) {
      if (typeof undo !== 'function') throw new InvalidError('onCancel', 'needs a function.');
      parts.onCancel(AsyncResource.bind(undo));
    },
    ...waiting(parts, prefix),
    start(child: AnyWorkflow, input: unknown, childOptions: ChildOptions = {}) {
      const start = async (): Promise<ChildHandle> => {
        checkOptions('child', childOptions);
        checkStepName(childOptions.as ?? child.name);
        const entered = enter();
        if (entered !== undefined) await entered;
        return parts.children.start(child, input, childOptions, prefix);
      };
      return held(start());
    },
    now: (as = 'now') => step(as, () => new Date(storeNow())),
    random: (as = 'random') => step(as, () => services.random()),
    uuid: (as = 'uuid') => step(as, () => randomUUID()),
    progress(fraction: number, message?: string) {
      if (!(fraction >= 0 && fraction <= 1)) {
        throw new InvalidError('progress', `must be from 0 to 1, it is ${fraction}.`);
      }
      parts.progress(fraction, message);
    },
  };
  Object.defineProperty(context, partsKey, { value: parts });
  return context as unknown as Context;
}

/**
 * A promise that is given to a handler. Its failure is stored, or is the handler's to see whenever it looks: that nobody
 * looks, or not yet, must not end the process.
 */
function held<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** The part of the context that waits. */
function waiting({ scope, waits }: ContextParts, prefix: string): object {
  const { workflow, run, enter } = scope;
  const checked = nameCheck(prefix);
  const checkSignals = (names: readonly string[]): void => checkSignalNames(workflow, names);
  const timeoutOf = ({ timeout }: WaitOptions): number | undefined =>
    timeout === undefined ? undefined : toMilliseconds(timeout, `time-out of a wait of ${run}`);
  /** Waits that a race can withdraw, by the promises that were given out for them. */
  const withdrawals = new WeakMap<Promise<unknown>, AbortController>();
  const wait = <T>(
    kind: OptionKind,
    given: { readonly signal?: AbortSignal },
    begin: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const race = newAbortController();
    const promise = (async () => {
      checkOptions(kind, given);
      const until = given.signal;
      const signal = until === undefined ? race.signal : anySignal([until, race.signal]);
      const entered = enter();
      if (entered !== undefined) await entered;
      return begin(signal);
    })();
    withdrawals.set(promise, race);
    return held(promise);
  };
  const race = async (entries: Readonly<Record<string, RaceEntry>>): Promise<RaceResult> => {
    const names = Object.keys(entries);
    if (names.length === 0) throw new InvalidError('race', 'needs at least one entry.');
    const over = newAbortController();
    const promises = names.map((name) => {
      const entry = entries[name];
      return typeof entry === 'function' ? entry({ signal: over.signal }) : entry;
    });
    const ends = promises.map(async (promise, at) => ({
      name: names[at] ?? '',
      value: await promise,
    }));
    for (const end of ends) end.catch(() => undefined);
    try {
      return await Promise.race(ends);
    } finally {
      const reason = withdrawn(run, names.join(', '));
      over.abort(reason);
      for (const promise of promises) {
        if (promise instanceof Promise) withdrawals.get(promise)?.abort(reason);
      }
    }
  };
  return {
    sleep(duration: Duration, given: SleepOptions = {}) {
      return wait('sleep', given, (until) => {
        const name = checked(given.as ?? `sleep:${duration}`);
        return waits.sleep(name, { ms: toMilliseconds(duration, 'sleep') }, until);
      });
    },
    sleepUntil(time: Date, given: SleepOptions = {}) {
      return wait('sleep', given, async (until) => {
        const dueAt = time instanceof Date ? time.getTime() : Number.NaN;
        if (Number.isNaN(dueAt)) throw new InvalidError('sleepUntil', 'needs a valid Date.');
        await waits.sleep(checked(given.as ?? `sleep:${time.toISOString()}`), { dueAt }, until);
      });
    },
    waitFor(on: string, given: WaitForOptions<never> = {}) {
      return wait('waitFor', given, async (signal) => {
        checkSignals([on]);
        const name = checked(given.as ?? `wait:${on}`);
        const how = { ms: timeoutOf(given), signal, match: matchOf(given) };
        return (await waits.anySignal(name, [on], how))?.payload;
      });
    },
    waitForAny(names: readonly string[], given: WaitOptions = {}) {
      return wait('wait', given, (signal) => {
        checkSignals(names);
        const name = checked(given.as ?? `wait:any:${names.join(',')}`);
        return waits.anySignal(name, names, { ms: timeoutOf(given), signal });
      });
    },
    waitForAll(names: readonly string[], given: WaitOptions = {}) {
      return wait('wait', given, (signal) => {
        checkSignals(names);
        if (new Set(names).size < names.length) {
          throw new InvalidError('waitForAll', 'names a signal twice: wait for it twice instead.');
        }
        const name = checked(given.as ?? `wait:all:${names.join(',')}`);
        return waits.allSignals(name, names, { ms: timeoutOf(given), signal });
      });
    },
    race: (entries: Readonly<Record<string, RaceEntry>>) => held(race(entries)),
  };
}

/** What a signal must be, as a function. */
function matchOf({ match }: WaitForOptions<never>): ((payload: unknown) => boolean) | undefined {
  if (match === undefined) return undefined;
  // Called when a signal comes, and finds what it would find here.
  if (typeof match === 'function') {
    return AsyncResource.bind(match as (payload: unknown) => boolean);
  }
  if (typeof match !== 'object' || match === null) {
    throw new InvalidError('match', 'must be a function, or an object of fields and their values.');
  }
  const wanted = Object.entries(match);
  return (payload) =>
    typeof payload === 'object' &&
    payload !== null &&
    wanted.every(([key, value]) => isDeepStrictEqual(Reflect.get(payload, key), value));
}

/** Checks a name and puts the prefix before it. */
function nameCheck(prefix: string): (name: string) => string {
  return (name) => {
    checkStepName(name);
    return prefix + name;
  };
}
