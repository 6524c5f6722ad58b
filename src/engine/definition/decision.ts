/** What a person says of an effect in doubt, and how it is told. */
import { InvalidError } from '../../core/errors.ts';
import { anything, needed, oneOf, optionsOf, type Rule, textOf } from '../../core/option-rules.ts';

/** Signal by which a decision about an effect arrives. */
export function decisionSignal(effect: string): string {
  return `effect ${effect}`;
}

/** No signal of a workflow has a space in its name. */
export function isDecisionSignal(name: string): boolean {
  return name.startsWith(decisionSignal(''));
}

/** What a person says about an effect in doubt: run the body again, or take this result as its own. */
export type Decision =
  | {
      /** `retry` runs the body once more; `done` says that it has happened, with this result. */
      readonly decide: 'retry';
    }
  | { readonly decide: 'done'; readonly result: unknown };

const checkDecided = optionsOf<{ readonly decide: string; readonly result?: unknown }>({
  decide: needed(oneOf('retry', 'done')),
  result: anything,
});

/** Who decides, for the log of the run. */
export interface Decider {
  /** Noted in the log of the run. Default: nobody. */
  readonly actor?: string;
}

const checkDecider = optionsOf<Decider>({ actor: textOf(1, 256) });

/** @throws InvalidError that names what does not fit. */
export function checkDecide(decision: Decision, by: Decider): void {
  checkDecision(decision, 'decision');
  checkDecider(by, 'decide options');
}

/** What a person may say of an effect in doubt. */
export const checkDecision: Rule = (decision, field) => {
  checkDecided(decision, field);
  const { decide } = decision as { readonly decide: string };
  if (decide === 'retry' && 'result' in (decision as object)) {
    throw new InvalidError(`${field}.result`, 'is for what is done; a retry makes one of its own.');
  }
};
