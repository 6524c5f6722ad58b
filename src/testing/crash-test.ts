/**
 * The question that matters to a workflow, asked everywhere: what if the process dies right here?
 *
 * The run is performed undisturbed first, and its writes are numbered: claims, commits, and chunks of its output. Then it is
 * performed again for each of them, twice: the process dies right before the write takes effect, or right after it, before
 * it hears so. A second worker takes over as it does in production. Everything is in memory, and sleeps cost nothing:
 * hundreds of crashes take seconds.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import { type BlobOptions, checkBlobs } from '../blobs/options.ts';
import { PawlError } from '../core/errors.ts';
import { checkKey, checkSignalKey } from '../core/names.ts';
import {
  anything,
  callback,
  checkedLater,
  listOf,
  milliseconds,
  needed,
  optionsOf,
  text,
  wholeNumber,
} from '../core/option-rules.ts';
import type { RunStore } from '../core/store.ts';
import type { Schema } from '../core/schema.ts';
import { checkWorkflow, checkWorkflows } from '../engine/definition/check-workflow.ts';
import { toQuestion } from '../engine/definition/questions.ts';
import type { EventSchemas } from '../engine/definition/context.ts';
import type { WorkerOptions } from '../engine/worker/settings.ts';
import type { AnyWorkflow, StartInput, Workflow } from '../engine/definition/workflow.ts';
import { checkWorkerAlone } from '../option-checks.ts';
import type { CrashTestQuestion } from './crash-test/asker.ts';
import {
  type CrashTestEnding,
  type CrashTestSignal,
  type Performed,
  Performance,
  type PerformanceOptions,
} from './crash-test/performance.ts';

/** What the run is given, and how its workers are set up. */
export interface CrashTestOptions {
  /**
   * Signals for the run, posted at its start or `after` so many stored commits; at the latest when nothing else would
   * make it go on.
   */
  readonly signals?: readonly CrashTestSignal[];
  /**
   * Questions for the run, in this order: each gets the same reply however a worker dies. Asked when the run waits, or
   * `after` so many stored commits.
   */
  readonly questions?: readonly CrashTestQuestion[];
  /** The key of the run: its turns are points of death as well. Default: none. */
  readonly key?: string;
  /** Other workflows that the workers know: those of the children that the run starts. */
  readonly workflows?: readonly AnyWorkflow[];
  /** Options of the workers. A small `replayBudgetMs` has them take snapshots all the time. */
  readonly worker?: Partial<Omit<WorkerOptions, 'workflows'>>;
  /** Called before each performance: puts the outside world of the steps back to where it began. */
  readonly setUp?: () => unknown;
  /** Called after each performance: what the outside world has become. Must be as it is without a death. */
  readonly observe?: () => unknown;
  /** What of the ending is compared. Default: all. Leave out what no two runs have in common, such as times and ids. */
  readonly select?: (ending: CrashTestEnding) => unknown;
  /** Puts something between the workers and their store, to see whether it keeps the promises of a store. */
  readonly store?: (store: RunStore) => RunStore;
  /** Keeps large values elsewhere, as `Pawl.open({ blobs })` does. A worker also dies between a blob and its commit. */
  readonly blobs?: BlobOptions;
  /** How long a step's body may take in real time, in milliseconds, before the clock moves on. Default 200. */
  readonly bodyMs?: number;
}

/** A difference that a crash has made. */
export interface CrashTestViolation {
  /** The point of the death: `before 3: commit of step.completed`, or `undisturbed`. */
  readonly at: string;
  /** What differs, with both values. */
  readonly what: string;
}

/** What a crash test has tried and found. */
export interface CrashTestReport {
  /** Commits of the undisturbed run. */
  readonly commits: number;
  /** Crashes that took place. */
  readonly crashes: number;
  /** Empty when no death changed anything. */
  readonly violations: readonly CrashTestViolation[];
}

/** `PAWL_CRASH_TEST`: a death changed what must not change; the report has every violation with its point. */
export class CrashTestError extends PawlError {
  /** All that was tried and found; the message shows the first ten violations. */
  readonly report: CrashTestReport;
  constructor(workflow: string, report: CrashTestReport) {
    const shown = report.violations.slice(0, 10).map(({ at, what }) => `  ${at}: ${what}`);
    const more = report.violations.length - shown.length;
    if (more > 0) shown.push(`  and ${more} more in error.report`);
    super(
      'PAWL_CRASH_TEST',
      `Workflow ${workflow} does not survive every crash; ${report.crashes} were tried:\n${shown.join('\n')}`,
    );
    this.report = report;
  }
}

const checkSignal = optionsOf<CrashTestSignal>({
  name: needed(text),
  payload: checkedLater,
  key: checkSignalKey,
  after: wholeNumber(0),
});

const checkQuestion = optionsOf<CrashTestQuestion>({
  ask: needed(anything),
  payload: checkedLater,
  after: wholeNumber(0),
});

const checkOptions = optionsOf<CrashTestOptions>({
  questions: listOf(checkQuestion),
  key: checkKey,
  signals: listOf(checkSignal),
  workflows: checkWorkflows,
  worker: checkWorkerAlone,
  setUp: callback,
  observe: callback,
  select: callback,
  store: callback,
  blobs: checkBlobs,
  bodyMs: milliseconds,
});

/**
 * Performs a run with a death of its worker before and after each of its writes, and compares. However it dies,
 *
 * - it ends, with the same status, output, error, state and `observe()` as without a death, and so does its `onEnd`;
 * - its questions get the same replies;
 * - what it gave out, without the chunks of dead epochs, is the same, and no chunk of a dead epoch comes after a newer one;
 * - every event of an acknowledged commit is in its log, seqs are dense, and every event is its owner's;
 * - the same holds for the logs of its children;
 * - no body of a step is called again after the step's result was stored.
 *
 * The body of a step that was at work may be called again: what it does to the outside must bear that.
 *
 * @throws CrashTestError `PAWL_CRASH_TEST` with the report, when anything of this does not hold.
 * @throws InvalidError when the input or a signal does not fit.
 */
export async function crashTest<
  Input extends Schema,
  S,
  E extends EventSchemas,
  Output,
  G extends EventSchemas,
>(
  workflow: Workflow<Input, S, E, Output, G>,
  input: StartInput<Workflow<Input, S, E, Output, G>>,
  options: CrashTestOptions = {},
): Promise<CrashTestReport> {
  checkWorkflow(workflow);
  checkOptions(options, 'crashTest options');
  const { signals = [], worker = {}, bodyMs = 200, store = same, blobs } = options;
  const { workflows: others = [], questions = [], key } = options;
  for (const { ask } of questions) toQuestion(ask);
  const perform = async (point?: PerformanceOptions['point']): Promise<Judged> => {
    await options.setUp?.();
    const performed = await new Performance({
      workflow,
      others,
      input,
      signals,
      questions,
      worker,
      bodyMs,
      wrapStore: store,
      ...(blobs === undefined ? {} : { blobs }),
      ...(key === undefined ? {} : { key }),
      ...(point === undefined ? {} : { point }),
    }).perform();
    return { performed, compared: compared(performed, options) };
  };
  const undisturbed = await perform();
  const violations = judge('undisturbed', undisturbed, undisturbed);
  // What differs by itself would be blamed on every death.
  violations.push(...judge('undisturbed, a second time', await perform(), undisturbed));
  let crashes = 0;
  for (const [i, what] of violations.length > 0 ? [] : undisturbed.performed.calls.entries()) {
    for (const side of ['before', 'after'] as const) {
      const judged = await perform({ call: i + 1, side });
      if (judged.performed.crashed) crashes += 1;
      violations.push(...judge(`${side} ${i + 1}: ${what}`, judged, undisturbed));
    }
  }
  const report = { commits: undisturbed.performed.commits, crashes, violations };
  if (violations.length > 0) throw new CrashTestError(workflow.name, report);
  return report;
}

interface Judged {
  readonly performed: Performed;
  readonly compared: unknown;
}

function compared({ ending }: Performed, { select = same, observe }: CrashTestOptions): unknown {
  if (ending === undefined) return undefined;
  const selected = select(ending);
  return observe === undefined
    ? selected
    : { ending: selected, observed: structuredClone(observe()) };
}

function judge(at: string, judged: Judged, undisturbed: Judged): CrashTestViolation[] {
  const { performed } = judged;
  const found = [...performed.violations];
  if (performed.ending === undefined) {
    found.push('the run does not end');
  } else if (!isDeepStrictEqual(judged.compared, undisturbed.compared)) {
    found.push(
      `it ends as ${show(judged.compared)}, and undisturbed as ${show(undisturbed.compared)}`,
    );
  }
  return found.map((what) => ({ at, what }));
}

function show(value: unknown): string {
  return inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 200 });
}

function same<T>(value: T): T {
  return value;
}
