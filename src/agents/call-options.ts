/** What may be said of a call, and of an effect among calls. */
import { checked, duration } from '../core/option-rules.ts';
import { checkRetry } from '../engine/definition/options.ts';

/** Rules of `CallOptions`. */
export const callRules = {
  retry: checkRetry,
  timeout: duration,
  onDoubt: checked(
    'retry, skip, ask or a function',
    (value) => typeof value === 'function' || ['retry', 'skip', 'ask'].some((one) => one === value),
  ),
} as const;
