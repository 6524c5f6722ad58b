/**
 * `durableGraph(compiled, options)`: a compiled graph of LangGraph as a workflow.
 *
 *   take the thread ──▶ enter the input ──▶ superstep ──▶ … ──▶ the values of the graph
 *                                            ▲    │ it asks, or stops at a node where it was told to
 *                                            └────┘ a wait for each question, which the inbox shows
 *
 * Each superstep is a step of the run (`superstep.ts`). Where the thread stands is in the run's state, and earlier steps are
 * forgotten, so a resume costs the same after ten thousand supersteps. The worker that has the run has the thread: one that
 * has lost the run cannot write to the thread either (`thread-claim.ts`).
 *
 * Crash in a superstep, or while the thread is taken: see there. Crash in a wait: the answer is in the log or in the inbox.
 */
import { z } from 'zod';
import { defineWorkflow, type Workflow } from '../engine/definition/workflow.ts';
import type { CompiledGraph } from './compiled-graph.ts';
import { GraphExecution } from './graph-execution.ts';
import { type DurableGraphOptions, settingsOf } from './options.ts';
import { withPlainMessages } from './plain.ts';
import { stateSchema } from './state.ts';
import { takeThread } from './thread-claim.ts';

/** How an execution of a graph begins. */
export interface GraphStart<Input = unknown> {
  /** What the graph is given, as for `invoke`. Null: it goes on where its thread stands. */
  readonly input: Input | null;
  /** The id of the thread. Default: the id of the run. */
  readonly thread?: string | undefined;
  /** `configurable` of the graph's configuration; the thread is added. */
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  /** What nodes read as `runtime.context`, by the context schema of the graph. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** The input of a compiled graph. */
export type GraphInput<Graph extends CompiledGraph> = Parameters<Graph['invoke']>[0];

const startSchema = z.object({
  input: z.any().transform(withPlainMessages),
  thread: z.string().optional(),
  configurable: z.record(z.string(), z.any()).optional(),
  context: z.record(z.string(), z.any()).optional(),
});

type StartSchema<Input> = z.ZodType<GraphStart<Input>, GraphStart<Input>>;

/** A graph as a workflow. */
export type DurableGraph<Graph extends CompiledGraph> = Workflow<
  StartSchema<GraphInput<Graph>>,
  typeof stateSchema,
  Record<never, never>
>;

/**
 * Makes a workflow of a compiled graph whose checkpointer is a `PawlSaver`. Start it with `{ input }`. A worker executes it,
 * another one takes it over, and no node runs again whose writes were stored. Its output is the values of the graph, as
 * plain data; `graphStream` reads what it streams.
 * @throws InvalidError for an option that does not fit, or another checkpointer; DefinitionError for the name.
 */
export function durableGraph<Graph extends CompiledGraph>(
  graph: Graph,
  options: DurableGraphOptions,
): DurableGraph<Graph> {
  const settings = settingsOf(graph, options);
  const { saver, limit, signal, workflow } = settings;
  const definition = defineWorkflow({
    ...workflow,
    kind: 'agent',
    input: startSchema as StartSchema<GraphInput<Graph>>,
    state: stateSchema,
    signals: { [signal]: z.any() },
    async run(ctx, { input, thread = ctx.run, configurable = {}, context }) {
      const config = {
        configurable: { ...configurable },
        recursionLimit: limit,
        ...(context === undefined ? {} : { context }),
      };
      const taken = await takeThread(ctx, { graph, saver, thread, config });
      return new GraphExecution(ctx, { graph, taken, settings }).run(input);
    },
  });
  return definition;
}
