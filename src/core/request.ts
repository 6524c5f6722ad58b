import { fixedLimits } from './limits.ts';
import { anything, optionsOf, type Rule, textOf } from './option-rules.ts';

/** Who does something to a run, and why: kept in its log. */
export interface Request {
  /** The person or program that asks. Default: nobody is named. */
  readonly actor?: string;
  /** Why, in words. Default: none. */
  readonly reason?: string;
}

/** Who lets a run go on, and with what. */
export interface ResumeRequest extends Request {
  /** What the handler is called with from now on; an undefined one changes nothing. */
  readonly input?: unknown;
}

export const requestRules = {
  actor: textOf(0, fixedLimits.stepNameLength),
  reason: textOf(0, fixedLimits.reasonLength),
} as const;

/** @throws InvalidError naming the field. */
export const checkRequest: Rule = optionsOf<Request>(requestRules);

/** @throws InvalidError naming the field. */
export const checkResume: Rule = optionsOf<ResumeRequest>({ ...requestRules, input: anything });
