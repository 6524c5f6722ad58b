/** Makes the context of one claimed run out of its parts. */
import { randomUUID } from 'node:crypto';
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { DefinitionError, InvalidError } from '../../core/errors.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import type { Limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { checkStepName } from '../../core/names.ts';
import type {
  CheckpointOptions,
  ChildOptions,
  Context,
  EffectOptions,
  StepContext,
  StepOptions,
  WaitOptions,
} from '../definition/context.ts';
import type { Children } from './children.ts';
import type { Effects } from './effects.ts';
import type { LogWriter } from './log-writer.ts';
import type { Names } from './step-names.ts';
import type { StepBody, Steps } from './steps.ts';
import type { Waits } from './waits.ts';
import { checkSignalNames } from '../definition/signals.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { eventWrite, setWrite } from './writes.ts';

export interface ContextOptions {
  readonly run: string;
  readonly fence: number;
  readonly workflow: AnyWorkflow;
  readonly fold: Fold;
  readonly names: Names;
  readonly writer: LogWriter;
  readonly steps: Steps;
  readonly effects: Effects;
  readonly children: Children;
  readonly waits: Waits;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly storeNow: () => number;
  readonly random: () => number;
  /** Called before anything is written, and throws when the run is being cancelled. */
  readonly checkCancelled: () => void;
  readonly progress: (fraction: number, message: string | undefined) => void;
  /** Keeps a checkpoint; resolves with its id. */
  readonly keep: (about: CheckpointOptions) => Promise<string>;
  readonly onCancel: (undo: Undo) => void;
  /** Put before every name, so that names of parts of a run do not clash. */
  readonly scope?: string;
}

type Undo = (request: CancelRequest) => unknown;
type MapBody = (item: unknown, step: StepContext, index: number) => unknown;

/** Where a context keeps what it is made of; the same in every copy of the package, as a graph may come from another. */
const optionsKey = Symbol.for('pawl.context');

/** What a context is made of, for what is built upon it. */
export function contextOptions(context: object): ContextOptions {
  if (optionsKey in context) return context[optionsKey] as ContextOptions;
  throw new DefinitionError('This is no context of a handler.');
}

export function createContext(options: ContextOptions): Context {
  const { workflow, writer, steps, effects, limits, storeNow, random } = options;
  const checked = nameCheck(options);
  const context = {
    run: options.run,
    fence: options.fence,
    get state() {
      return options.fold.state;
    },
    signal: options.signal,
    log: options.log,
    async emit(type: string, data: unknown) {
      options.checkCancelled();
      await writer.submit([eventWrite(workflow, limits, { type, data })]);
    },
    async set(patch: Record<string, unknown>) {
      options.checkCancelled();
      await writer.submit([setWrite(workflow, limits, options.fold.state, patch)]);
    },
    async step(name: string, body: StepBody, stepOptions?: StepOptions) {
      return steps.run(checked(name), body, stepOptions);
    },
    async map(name: string, items: readonly unknown[], body: MapBody, mapOptions?: StepOptions) {
      return steps.map(checked(name), items, body, mapOptions);
    },
    async effect(name: string, body: StepBody, effectOptions: EffectOptions<unknown>) {
      return effects.run(checked(name), body, effectOptions);
    },
    async checkpoint(about: CheckpointOptions = {}) {
      options.checkCancelled();
      return options.keep(about);
    },
    onCancel(undo: Undo) {
      if (typeof undo !== 'function') throw new InvalidError('onCancel', 'needs a function.');
      options.onCancel(undo);
    },
    ...waiting(options),
    async start(child: AnyWorkflow, input: unknown, childOptions: ChildOptions = {}) {
      checked(childOptions.as ?? child.name);
      return options.children.start(child, input, childOptions);
    },
    now: (as = 'now') => steps.run(checked(as), () => new Date(storeNow())),
    random: (as = 'random') => steps.run(checked(as), () => random()),
    uuid: (as = 'uuid') => steps.run(checked(as), () => randomUUID()),
    progress(fraction: number, message?: string) {
      if (!(fraction >= 0 && fraction <= 1)) {
        throw new InvalidError('progress', `must be from 0 to 1, it is ${fraction}.`);
      }
      options.progress(fraction, message);
    },
  };
  Object.defineProperty(context, optionsKey, { value: options });
  return context as unknown as Context;
}

/** The part of the context that waits. */
function waiting(options: ContextOptions): object {
  const { waits, workflow, run } = options;
  const checked = nameCheck(options);
  const checkSignals = (names: readonly string[]): void => checkSignalNames(workflow, names);
  const timeoutOf = ({ timeout }: WaitOptions): number | undefined =>
    timeout === undefined ? undefined : toMilliseconds(timeout, `time-out of a wait of ${run}`);
  return {
    async sleep(duration: Duration, { as = `sleep:${duration}` }: { as?: string } = {}) {
      await waits.sleep(checked(as), { ms: toMilliseconds(duration, 'sleep') });
    },
    async sleepUntil(time: Date, { as }: { as?: string } = {}) {
      const dueAt = time instanceof Date ? time.getTime() : Number.NaN;
      if (Number.isNaN(dueAt)) throw new InvalidError('sleepUntil', 'needs a valid Date.');
      await waits.sleep(checked(as ?? `sleep:${time.toISOString()}`), { dueAt });
    },
    async waitFor(signal: string, wait: WaitOptions = {}) {
      checkSignals([signal]);
      const name = checked(wait.as ?? `wait:${signal}`);
      return (await waits.anySignal(name, [signal], timeoutOf(wait)))?.payload;
    },
    async waitForAny(names: readonly string[], wait: WaitOptions = {}) {
      checkSignals(names);
      const name = checked(wait.as ?? `wait:any:${names.join(',')}`);
      return waits.anySignal(name, names, timeoutOf(wait));
    },
    async waitForAll(names: readonly string[], wait: WaitOptions = {}) {
      checkSignals(names);
      const name = checked(wait.as ?? `wait:all:${names.join(',')}`);
      return waits.allSignals(name, names, timeoutOf(wait));
    },
  };
}

/** Checks a name and puts the scope before it. */
function nameCheck({ scope = '' }: ContextOptions): (name: string) => string {
  return (name) => {
    checkStepName(name);
    return scope + name;
  };
}
