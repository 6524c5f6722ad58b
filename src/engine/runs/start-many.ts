/**
 * Starts many runs in one call: all of them are checked first, and then made a few hundred at a time.
 *
 *   checked and encoded, all ──▶ created, a few hundred under way ──▶ an outcome for each
 *            │                              │
 *            └─ one does not fit: nothing   └─ a fault: no further one is sent, and each outcome says so
 *
 * Bad input never half-applies: what does not fit is refused before the first write. Memory is bounded: by limits for the
 * number of runs and their encoded bytes in one call, and by the loops for what is under way. Each creation is as atomic as
 * a single start, and the call as a whole is not: a crash in the middle leaves some runs made, each of them due. The same
 * call again, with the same ids, makes the others and finds those that are there.
 */
import { InvalidError, LimitError, PawlError, type RunError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import { listOf, optionsOf, type Rule } from '../../core/option-rules.ts';
import { checkWorkflow } from '../definition/check-workflow.ts';
import { manyRules } from '../definition/options.ts';
import type { StartOptions } from '../definition/start-options.ts';
import { type AnyWorkflow, turnLimitsOf } from '../definition/workflow.ts';
import {
  checkSame,
  makeRun,
  type EncodedRun,
  encodeStart,
  type StartParts,
  refuseIfBusy,
  wakeOrQueue,
} from './start.ts';

/** One run of many: what it is started with, and how. */
export interface StartItem<Input = unknown> extends StartOptions {
  /** What the run is started with; the workflow's schema checks it. */
  readonly input: Input;
}

/**
 * What has become of one run of many.
 *
 * - `created`: this call made it. `known`: it was there, with the same workflow and input.
 * - `taken`: the id has another workflow or input; nothing was written for it.
 * - `busy`: its key had no free turn, and the workflow drops such starts; nothing was written for it.
 * - `failed`: it was not made, or nobody knows: `error.outcome` says which. The same call again is safe.
 */
export type StartOutcome = StartedRun &
  (
    | { readonly outcome: 'created' | 'known' }
    | { readonly outcome: 'taken'; readonly error: RunError }
    | { readonly outcome: 'busy' | 'failed'; readonly error: PawlError }
  );

interface StartedRun {
  /** The id that the item gave, or that pawl chose. */
  readonly id: string;
  /** See `StartOutcome`. */
  readonly outcome: 'created' | 'known' | 'taken' | 'busy' | 'failed';
}

/** Creations that are under way at one time: enough to fill the pipeline, and little to hold. */
const loops = 250;

const checkItems: Rule = listOf(optionsOf<StartItem>(manyRules, '{ input }'));

/**
 * The outcomes are in the order of the items.
 * @throws InvalidError, UnstorableError, LimitError that name the item: nothing was written.
 */
export async function startMany(
  parts: StartParts,
  workflow: AnyWorkflow,
  items: readonly StartItem[],
): Promise<StartOutcome[]> {
  checkWorkflow(workflow);
  checkItems(items, 'items');
  if (items.length > fixedLimits.startsPerCall) {
    throw new LimitError('items (runs of one call)', fixedLimits.startsPerCall, items.length);
  }
  const starts = encodeAll(parts, workflow, items);
  const outcomes: StartOutcome[] = [];
  const rest = starts.entries();
  let fault: PawlError | undefined;
  const loop = async (): Promise<void> => {
    for (const [n, start] of rest) {
      outcomes[n] =
        fault === undefined ? await startOne(parts, workflow, start) : unsent(start, fault);
      const made = outcomes[n];
      if (made.outcome === 'failed') fault ??= made.error;
    }
  };
  await Promise.all(Array.from({ length: Math.min(loops, starts.length) }, loop));
  return outcomes;
}

function encodeAll(
  parts: StartParts,
  workflow: AnyWorkflow,
  items: readonly StartItem[],
): readonly EncodedRun[] {
  const places = new Map<string, number>();
  let bytes = 0;
  return items.map(({ input, ...options }, n) => {
    const start = inItem(n, () => encodeStart(parts, workflow, input, options));
    const before = places.get(start.run);
    if (before !== undefined) {
      throw new InvalidError(`items[${n}].id`, `is that of items[${before}] as well.`);
    }
    places.set(start.run, n);
    bytes += start.input.length;
    if (bytes > fixedLimits.bytesPerStartCall) {
      const what = `inputs of items[0] to items[${n}] (encoded bytes of one call)`;
      throw new LimitError(what, fixedLimits.bytesPerStartCall, bytes);
    }
    return start;
  });
}

/** What does not fit is named by its place among the items. */
function inItem<T>(n: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidError)) throw error;
    const problem = error.message.slice(error.field.length + 1);
    throw new InvalidError(`items[${n}].${error.field}`, problem, error.cause);
  }
}

async function startOne(
  parts: StartParts,
  workflow: AnyWorkflow,
  start: EncodedRun,
): Promise<StartOutcome> {
  const { run: id } = start;
  const limits = turnLimitsOf(workflow);
  try {
    await refuseIfBusy(parts.store, start, limits);
    const { outcome, record } = await makeRun(parts, workflow, start);
    if (outcome === 'exists') checkSame(record, start);
    await wakeOrQueue(parts, record, limits);
    return { id, outcome: outcome === 'created' ? 'created' : 'known' };
  } catch (error) {
    if (!PawlError.is(error)) throw error;
    if (error.code === 'PAWL_KEY_BUSY') return { id, outcome: 'busy', error };
    return error.code === 'PAWL_RUN_EXISTS'
      ? { id, outcome: 'taken', error: error as RunError }
      : { id, outcome: 'failed', error };
  }
}

/** Behind a fault the others would only find the same, each after a time-out of its own. */
function unsent({ run: id }: EncodedRun, cause: PawlError): StartOutcome {
  const message = `Run ${id} was not started, because another start of this call has failed (${cause.message}); nothing was written for it. Start it again.`;
  return {
    id,
    outcome: 'failed',
    error: new PawlError(cause.code, message, { cause, retryable: cause.retryable }),
  };
}
