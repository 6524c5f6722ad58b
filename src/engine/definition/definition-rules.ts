/** What the definitions of workflows and of graphs have in common, and what each field may be. */
import { workflowKinds } from '../../core/tracing.ts';
import { checkExpiry, checkRetentionTimes } from '../../core/retention.ts';
import {
  anything,
  callback,
  checkedLater,
  duration,
  listOf,
  objectOf,
  oneOf,
  schema,
  text,
  wholeNumber,
} from '../../core/option-rules.ts';
import { busyPolicies } from '../../core/turns.ts';
import { checkKeeping } from './outputs.ts';
import { checkRate, checkRetry } from './options.ts';

export const definitionRules = {
  name: checkedLater,
  version: anything,
  kind: oneOf(...workflowKinds),
  input: schema,
  state: schema,
  events: objectOf(schema),
  reduce: objectOf(callback),
  signals: objectOf(schema),
  keepOutput: checkKeeping,
  signalKeys: objectOf(text),
  concurrency: anything,
  rate: checkRate,
  concurrencyPerKey: wholeNumber(1),
  concurrencyOfKeys: wholeNumber(1),
  ratePerKey: checkRate,
  onBusy: oneOf(...busyPolicies),
  debounceMax: duration,
  retry: checkRetry,
  stepRetry: checkRetry,
  retention: checkRetentionTimes,
  expireCheckpoints: checkExpiry,
  onEnd: callback,
  undoOn: listOf(oneOf('failed', 'cancelled')),
} as const;
