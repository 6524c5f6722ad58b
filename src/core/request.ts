import { fixedLimits } from './limits.ts';
import { optionsOf, type Rule, textOf } from './option-rules.ts';

/** Who does something to a run, and why: kept in its log. */
export interface Request {
  readonly actor?: string;
  readonly reason?: string;
}

export const requestRules = {
  actor: textOf(0, fixedLimits.stepNameLength),
  reason: textOf(0, fixedLimits.reasonLength),
} as const;

/** @throws InvalidError naming the field. */
export const checkRequest: Rule = optionsOf<Request>(requestRules);
