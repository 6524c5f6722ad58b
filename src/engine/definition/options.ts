/**
 * The options that workflows and their handlers give, and what each may be. `checkOptions` is called where they are taken:
 * an option that is misspelled would otherwise be a default that nobody wanted.
 */
import { stepKinds } from '../../core/tracing.ts';
import type { Duration } from '../../core/duration.ts';
import { fixedLimits } from '../../core/limits.ts';
import { checkKey, checkSignalKey, checkTags } from '../../core/names.ts';
import {
  anything,
  callback,
  checked,
  checkedLater,
  duration,
  either,
  flag,
  needed,
  oneOf,
  optionsOf,
  type Rule,
  text,
  textOf,
  wholeNumber,
} from '../../core/option-rules.ts';
import { InvalidError } from '../../core/errors.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import { type Request, requestRules } from '../../core/request.ts';
import type {
  AskOptions,
  CheckpointOptions,
  ChildOptions,
  ChildSignalOptions,
  EffectOptions,
  StartAllOptions,
  StepOptions,
} from './context.ts';
import type { ManyOptions } from './many.ts';
import type { Undoable } from './undoable.ts';
import type { StartOptions } from './start-options.ts';
import { waitingChecks } from './waiting.ts';

const priorityMax = 1_000_000;

export const checkRetry: Rule = optionsOf<RetryPolicy>(
  {
    attempts: checked(
      'a whole number from 1, or Infinity',
      (value) => value === Infinity || (Number.isSafeInteger(value) && Number(value) >= 1),
    ),
    delay: duration,
    maxDelay: either((value) => value === Infinity, duration),
    retryIf: callback,
  },
  "{ attempts: 3, delay: '5s' }",
);

export const checkRate: Rule = optionsOf<{ readonly max: number; readonly per: Duration }>(
  { max: checkedLater, per: checkedLater },
  "{ max: 10, per: '1s' }",
);

const checkUndoOptions = optionsOf<{
  readonly run: unknown;
  readonly retry?: RetryPolicy;
  readonly timeout?: Duration;
}>({ run: needed(callback), retry: checkRetry, timeout: duration });

export const checkUndo: Rule = (value, field) => {
  if (typeof value !== 'function') checkUndoOptions(value, field);
};

const stepRules = {
  retry: checkRetry,
  timeout: duration,
  was: text,
  kind: oneOf(...stepKinds),
  undo: checkUndo,
} as const;

const startRules = {
  tags: checkTags,
  delay: duration,
  deadline: duration,
  priority: wholeNumber(0, priorityMax),
  key: checkKey,
} as const;

/** Of `pawl.start`; its id is checked as a run id. */
export const startOptionRules = { ...startRules, id: anything } as const;

/** Of one run of `pawl.startMany`. */
export const manyRules = { ...startOptionRules, input: checkedLater } as const;

const name = textOf(1, fixedLimits.stepNameLength);

const manyItemRules = {
  concurrency: either((value) => value === Infinity, wholeNumber(1)),
  onError: oneOf('stop', 'collect'),
} as const;

const checks = {
  ...waitingChecks,
  start: optionsOf<StartOptions>(startOptionRules),
  step: optionsOf<StepOptions & Undoable<unknown>>(stepRules),
  map: optionsOf<StepOptions & ManyOptions & Undoable<unknown>>({ ...stepRules, ...manyItemRules }),
  effect: optionsOf<EffectOptions<unknown> & Undoable<unknown>>(
    {
      onDoubt: needed(
        checked('retry, skip, ask or a function', (value) => {
          return (
            typeof value === 'function' || ['retry', 'skip', 'ask'].some((one) => one === value)
          );
        }),
      ),
      timeout: duration,
      kind: oneOf(...stepKinds),
      undo: checkUndo,
    },
    "{ onDoubt: 'ask' }",
  ),
  checkpoint: optionsOf<CheckpointOptions>({
    label: textOf(0, fixedLimits.stepNameLength),
    node: textOf(0, fixedLimits.stepNameLength),
    metadata: anything,
  }),
  child: optionsOf<ChildOptions>({ ...startOptionRules, as: name, attached: flag }),
  startAll: optionsOf<StartAllOptions>({
    ...startRules,
    ...manyItemRules,
    as: name,
    attached: flag,
    id: callback,
  }),
  childSignal: optionsOf<ChildSignalOptions>({ as: name, key: checkSignalKey }),
  ask: optionsOf<AskOptions & Request>({ ...requestRules, as: name }),
} as const satisfies Readonly<Record<string, Rule>>;

export type OptionKind = keyof typeof checks;

/**
 * What is inside of a step, or of a node, leaves the bookkeeping with that, and is undone by what that says.
 * @throws InvalidError when it says how to undo it all the same.
 */
export function refuseUndo(
  kind: 'step' | 'map' | 'effect',
  options: object | undefined,
  around: 'step' | 'node',
): void {
  if (options === undefined || !('undo' in options) || options.undo === undefined) return;
  throw new InvalidError(
    `${kind} options.undo`,
    `is not for what is inside of a ${around}. Give the ${around} an undo.`,
  );
}

/**
 * Checks the options of a call; without options it costs nothing, and with some a look at each.
 * @throws InvalidError that names the option, and the one that was probably meant.
 */
export function checkOptions(kind: OptionKind, options: unknown): void {
  if (options === undefined && kind !== 'effect') return;
  checks[kind](options, `${kind} options`);
}
