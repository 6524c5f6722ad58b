/** How a graph is made a workflow, and what each option may be. */
import type { RetryPolicy } from '../core/policy.ts';
import type { Duration } from '../core/duration.ts';
import { InvalidError } from '../core/errors.ts';
import { labelLengthMax } from '../engine/definition/waiting.ts';
import {
  anything,
  callback,
  checkedLater,
  duration,
  either,
  listOf,
  oneOf,
  optionsOf,
  text,
  wholeNumber,
} from '../core/option-rules.ts';
import type { Schema } from '../core/schema.ts';
import type { EventSchemas } from '../engine/definition/step-context.ts';
import type { WorkflowDefinition } from '../engine/definition/workflow.ts';
import { ThreadSaver } from '../langgraph/thread-saver.ts';
import type { CompiledGraph, GraphStreamMode } from './compiled-graph.ts';
import { toPlain } from './plain.ts';

/** Options of a workflow that a graph has as well. */
type OfWorkflow = Pick<
  WorkflowDefinition<Schema, Schema<object, object>, EventSchemas, unknown>,
  | 'name'
  | 'version'
  | 'keepOutput'
  | 'concurrency'
  | 'rate'
  | 'concurrencyPerKey'
  | 'concurrencyOfKeys'
  | 'ratePerKey'
  | 'onBusy'
  | 'debounceMax'
  | 'retry'
  | 'retention'
>;

/** How a graph is executed. Those of `defineWorkflow` that are not listed here keep their meaning. */
export interface DurableGraphOptions extends OfWorkflow {
  /** Runs of one key at work at one time: give the runs of one thread the same key. Default: 1. */
  readonly concurrencyPerKey?: number;
  /** What of the graph is streamed to the output, in LangGraph's words. Default: `updates`. */
  readonly streamMode?: GraphStreamMode | readonly GraphStreamMode[];
  /** The output of the run that has it. Default: `graph`. */
  readonly output?: string;
  /** The signal with which people answer interrupts; its payload is what `interrupt` returns. Default: `answer`. */
  readonly signal?: string;
  /** What the inbox shows of an interrupt. Default: its value. */
  readonly label?: (value: unknown) => string;
  /** Supersteps of a run at most; the graphs inside of it have as many each. Default: that of the graph, else 25. */
  readonly recursionLimit?: number;
  /** How a superstep is tried again after a node failed; nodes that have stored their writes do not run. Default: once. */
  readonly stepRetry?: RetryPolicy;
  /** How long one attempt at a superstep may take. Default: as long as it likes. */
  readonly timeout?: Duration;
}

const modes = ['values', 'updates', 'messages', 'custom', 'tasks', 'checkpoints', 'tools'] as const;
const mode = oneOf(...modes);

const check = optionsOf<DurableGraphOptions>({
  // Those of a workflow are checked with its definition.
  name: checkedLater,
  version: anything,
  keepOutput: anything,
  concurrency: anything,
  rate: anything,
  concurrencyPerKey: anything,
  concurrencyOfKeys: anything,
  ratePerKey: anything,
  onBusy: anything,
  debounceMax: anything,
  retry: anything,
  retention: anything,
  stepRetry: anything,
  streamMode: either(
    (value) => typeof value === 'string' && modes.some((one) => one === value),
    listOf(mode, 1),
  ),
  output: text,
  signal: text,
  label: callback,
  recursionLimit: wholeNumber(1),
  timeout: duration,
});

export interface GraphSettings {
  readonly saver: ThreadSaver;
  readonly modes: readonly GraphStreamMode[];
  readonly output: string;
  readonly signal: string;
  readonly label: (value: unknown) => string;
  readonly limit: number;
  readonly timeout: Duration | undefined;
  readonly workflow: OfWorkflow & Pick<DurableGraphOptions, 'stepRetry'>;
}

/** Of an interrupt without a value. */
const question = 'Go on?';
/** As LangGraph has it. */
const supersteps = 25;

/** @throws InvalidError for an option that does not fit, and for a graph without a `PawlSaver`. */
export function settingsOf(graph: CompiledGraph, options: DurableGraphOptions): GraphSettings {
  check(options, 'durableGraph options');
  const {
    streamMode = 'updates',
    output = 'graph',
    signal = 'answer',
    label = shown,
    recursionLimit: limit = graph.config?.recursionLimit ?? supersteps,
    timeout,
    ...workflow
  } = options;
  const saver = graph.checkpointer;
  if (!(saver instanceof ThreadSaver)) {
    throw new InvalidError(
      'graph.checkpointer',
      'must be a PawlSaver: compile({ checkpointer: await PawlSaver.open() }).',
    );
  }
  return {
    saver,
    modes: typeof streamMode === 'string' ? [streamMode] : streamMode,
    output,
    signal,
    label: (value) => label(value).slice(0, labelLengthMax) || question,
    limit,
    timeout,
    workflow: { concurrencyPerKey: 1, ...workflow },
  };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(toPlain(value)) ?? question);
}
