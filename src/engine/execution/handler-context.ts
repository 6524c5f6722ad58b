/** Makes the context of one claimed run out of its parts. */
import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { DefinitionError, InvalidError } from '../../core/errors.ts';
import type { StepsForgottenData } from '../../core/event.ts';
import { itemsBeginning, nameOfAll } from '../../core/items.ts';
import type { Logger } from '../../core/logger.ts';
import { checkStepName } from '../../core/names.ts';
import type {
  CheckpointOptions,
  ChildHandle,
  ChildOptions,
  Context,
  EffectOptions,
  StartAllOptions,
  StepContext,
  StepOptions,
} from '../definition/context.ts';
import type { Answer, Answers } from './answers.ts';
import { held, nameCheck } from './asking.ts';
import type { Body } from './bodies.ts';
import { childHandle } from './child-handle.ts';
import type { Children } from './children.ts';
import type { OnCancel } from './clean-up.ts';
import type { Effects } from './effects.ts';
import type { PassedSets } from './passed-sets.ts';
import type { RunOutputs } from './run-outputs.ts';
import { refuseInAnswer } from './in-answer.ts';
import { saveCheckpoint } from './save-checkpoint.ts';
import type { ExecutionServices } from './services.ts';
import type { StepBody, Steps } from './steps.ts';
import { waiting, type WaitingParts } from './waiting-context.ts';
import { checkOptions, refuseUndo } from '../definition/options.ts';
import type { OutputWriter } from '../definition/outputs.ts';
import type { AnyQuestion } from '../definition/questions.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { eventWrite, recordWrite } from './writes.ts';

/** What contexts are made of: the run, what its worker gives, and the parts that do what the handler asks for. */
export interface ContextParts extends WaitingParts {
  readonly services: Pick<
    ExecutionServices,
    'store' | 'limits' | 'random' | 'newToken' | 'wake' | 'clock' | 'logger'
  >;
  readonly steps: Steps;
  readonly effects: Effects;
  readonly children: Children;
  readonly outputs: RunOutputs;
  readonly sets: PassedSets;
  readonly answers: Answers;
  readonly log: Logger;
  /** Called before anything is written, and throws when the run is being cancelled. */
  readonly checkCancelled: () => void;
  readonly progress: (fraction: number, message: string | undefined) => void;
  readonly onCancel: (call: OnCancel) => void;
}

/** Where in a run a context is given out: to its handler, or to a part of it. */
export interface ContextPlace {
  readonly signal: () => AbortSignal;
  /** Put before every name, so that names of parts of a run do not clash. */
  readonly prefix: string;
  /** The body that the context was made for, when it is not the handler's. */
  readonly within?: Body | undefined;
}

type MapBody = (item: unknown, step: StepContext, index: number) => unknown;

/** Where a context keeps what it is made of; the same in every copy of the package, as a graph may come from another. */
const partsKey = Symbol.for('pawl.context');

/** What a context is made of, for what is built upon it. */
export function contextParts(context: object): ContextParts {
  if (partsKey in context) return context[partsKey] as ContextParts;
  throw new DefinitionError('This is no context of a handler.');
}

/** What a handler gives out that is called only to say how its steps are undone. */
const silent: OutputWriter = { write: () => Promise.resolve() };

export function createContext(parts: ContextParts, place: ContextPlace): Context {
  const { scope, services, steps, effects, sets } = parts;
  const { run, workflow, writer, fold, deliveries, storeNow, enter } = scope;
  const { limits } = services;
  const { prefix, within } = place;
  const checked = nameCheck(prefix);
  const checkAsked = (kind: 'step' | 'map' | 'effect', options: object | undefined): void => {
    checkOptions(kind, options);
    if (prefix !== '') refuseUndo(kind, options, 'node');
  };
  const write = async (submit: () => Promise<unknown>): Promise<void> => {
    if (scope.isUndoing) return;
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
      checkAsked('step', stepOptions);
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
    get signal() {
      return place.signal();
    },
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
        checkAsked('map', mapOptions);
        return steps.map(checked(name), items, body, mapOptions, within);
      });
    },
    effect(name: string, body: StepBody, effectOptions: EffectOptions<unknown>) {
      return entering(() => {
        checkAsked('effect', effectOptions);
        return effects.run(checked(name), body, effectOptions, within);
      });
    },
    checkpoint(about: CheckpointOptions = {}) {
      return entering(() => {
        checkOptions('checkpoint', about);
        parts.checkCancelled();
        if (scope.isUndoing) return Promise.resolve('');
        return saveCheckpoint(writer, services, about);
      });
    },
    forget(beginning: string) {
      refuseInAnswer();
      if (typeof beginning !== 'string' || beginning === '') {
        throw new InvalidError('forget', 'needs the beginning of the names of steps.');
      }
      if (scope.isUndoing) return;
      const many = itemsBeginning(fold.bookkeeping, prefix + beginning);
      const passed = [...fold.completedSteps(prefix + beginning), ...many];
      if (passed.length === 0) return;
      for (const name of passed) scope.names.release(name);
      for (const name of many) scope.names.release(nameOfAll(name));
      const forgotten: StepsForgottenData = { names: passed };
      writer.piggyback(recordWrite('step.forgotten', forgotten));
    },
    onCancel(call: OnCancel) {
      refuseInAnswer();
      if (typeof call !== 'function') throw new InvalidError('onCancel', 'needs a function.');
      parts.onCancel(AsyncResource.bind(call));
    },
    ...waiting(parts, prefix),
    start(child: AnyWorkflow, input: unknown, childOptions: ChildOptions = {}) {
      const start = async (): Promise<ChildHandle> => {
        checkOptions('child', childOptions);
        const name = childOptions.as ?? child.name;
        checkStepName(name);
        const entered = enter();
        if (entered !== undefined) await entered;
        const started = await parts.children.start(child, input, childOptions, { scope: prefix });
        return childHandle(started, services, { workflow: child, name, ask: step });
      };
      return held(start());
    },
    startAll(child: AnyWorkflow, inputs: readonly unknown[], options: StartAllOptions = {}) {
      const start = async (): Promise<unknown> => {
        checkOptions('startAll', options);
        if (!Array.isArray(inputs)) throw new InvalidError('startAll', 'needs a list of inputs.');
        checkStepName(options.as ?? child.name);
        const entered = enter();
        if (entered !== undefined) await entered;
        return parts.children.startAll(child, inputs, options, prefix);
      };
      return held(start());
    },
    answer(question: AnyQuestion | string, answer: Answer) {
      refuseInAnswer();
      parts.answers.register(question, answer, within);
    },
    now: (as = 'now') => step(as, () => new Date(storeNow())),
    random: (as = 'random') => step(as, () => services.random()),
    uuid: (as = 'uuid') => step(as, () => randomUUID()),
    output: (name?: string) => (scope.isUndoing ? silent : parts.outputs.open(name, within)),
    progress(fraction: number, message?: string) {
      if (!(fraction >= 0 && fraction <= 1)) {
        throw new InvalidError('progress', `must be from 0 to 1, it is ${fraction}.`);
      }
      if (!scope.isUndoing) parts.progress(fraction, message);
    },
  };
  Object.defineProperty(context, partsKey, { value: parts });
  return context as unknown as Context;
}
