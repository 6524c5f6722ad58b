/**
 * The options that workflows and their handlers give, and what each may be. `checkOptions` is called where they are taken:
 * an option that is misspelled would otherwise be a default that nobody wanted.
 */
import type { Duration } from '../../core/duration.ts';
import { fixedLimits } from '../../core/limits.ts';
import { checkKey, checkTags } from '../../core/names.ts';
import {
  anything,
  callback,
  checked,
  checkedLater,
  duration,
  either,
  flag,
  needed,
  optionsOf,
  type Rule,
  text,
  textOf,
  wholeNumber,
} from '../../core/option-rules.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type {
  CheckpointOptions,
  ChildOptions,
  EffectOptions,
  StepOptions,
  Undoable,
} from './context.ts';
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

const innerRules = { retry: checkRetry, timeout: duration, was: text } as const;

const checkUndoOptions = optionsOf<{
  readonly run: unknown;
  readonly retry?: RetryPolicy;
  readonly timeout?: Duration;
}>({ run: needed(callback), retry: checkRetry, timeout: duration });

export const checkUndo: Rule = (value, field) => {
  if (typeof value !== 'function') checkUndoOptions(value, field);
};

const stepRules = { ...innerRules, undo: checkUndo } as const;

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

const checks = {
  ...waitingChecks,
  start: optionsOf<StartOptions>(startOptionRules),
  step: optionsOf<StepOptions & Undoable<unknown>>(stepRules),
  inner: optionsOf<StepOptions>(innerRules),
  map: optionsOf<StepOptions & Undoable<unknown> & { readonly concurrency?: number }>({
    ...stepRules,
    concurrency: either((value) => value === Infinity, wholeNumber(1)),
  }),
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
      undo: checkUndo,
    },
    "{ onDoubt: 'ask' }",
  ),
  checkpoint: optionsOf<CheckpointOptions>({
    label: textOf(0, fixedLimits.stepNameLength),
    node: textOf(0, fixedLimits.stepNameLength),
    metadata: anything,
  }),
  child: optionsOf<ChildOptions>({ ...startRules, as: name, attached: flag }),
} as const satisfies Readonly<Record<string, Rule>>;

export type OptionKind = keyof typeof checks;

/**
 * Checks the options of a call; without options it costs nothing, and with some a look at each.
 * @throws InvalidError that names the option, and the one that was probably meant.
 */
export function checkOptions(kind: OptionKind, options: unknown): void {
  if (options === undefined && kind !== 'effect') return;
  checks[kind](options, kind === 'inner' ? 'step options' : `${kind} options`);
}
