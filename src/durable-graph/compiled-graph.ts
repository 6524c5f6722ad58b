/** What is used of a compiled graph, and where the thread of one stands. */
import type { CheckpointTuple } from '@langchain/langgraph-checkpoint';
import { z } from 'zod';
import { toPlain } from './plain.ts';

export type GraphConfig = CheckpointTuple['config'];

/** The modes in which LangGraph streams. */
export type GraphStreamMode =
  | 'values'
  | 'updates'
  | 'messages'
  | 'custom'
  | 'tasks'
  | 'checkpoints'
  | 'tools';

interface Task {
  readonly id: string;
  readonly result?: unknown;
  readonly interrupts: readonly { readonly id?: string; readonly value?: unknown }[];
}

interface Snapshot {
  readonly values: unknown;
  readonly next: readonly string[];
  readonly config: GraphConfig;
  readonly tasks: readonly Task[];
}

/** A compiled graph of LangGraph, as far as it is executed here. Its members are LangGraph's. */
export interface CompiledGraph {
  /** Executes the graph, and tells what it does. */
  stream(input: never, options: never): Promise<AsyncIterable<unknown>>;
  /** Of it only the type of the input is used. */
  invoke(input: never, options?: never): Promise<unknown>;
  /** Where the thread stands. */
  getState(config: GraphConfig): Promise<Snapshot>;
  /** Must be a `PawlSaver`. */
  readonly checkpointer?: unknown;
  /** What of the state is the output. */
  readonly outputChannels?: unknown;
  /** Nodes before which it stops. */
  readonly interruptBefore?: unknown;
  /** Nodes after which it stops. */
  readonly interruptAfter?: unknown;
  /** What it was given by `withConfig`. */
  readonly config?: { readonly recursionLimit?: number } | undefined;
}

/** Where a thread stands, as the run remembers it. */
export const positionSchema = z.object({
  /** The newest checkpoint. */
  checkpoint: z.string().optional(),
  /** The nodes that are to run, without those whose writes wait for the others. */
  next: z.array(z.string()),
  isOver: z.boolean(),
  /** What the graph asks, with the id under which it wants the answer. */
  questions: z.array(z.object({ id: z.string(), value: z.any() })),
});
export type Position = z.infer<typeof positionSchema>;

/** `answered`: ids of questions that have their answer. A task that has ended keeps its questions in the thread. */
export async function positionOf(
  graph: CompiledGraph,
  config: GraphConfig,
  answered: ReadonlySet<string> = new Set(),
): Promise<Position> {
  const state = await graph.getState(config);
  const questions = state.tasks.flatMap(({ result, interrupts }) => {
    const open = result === undefined ? interrupts : [];
    return open.flatMap(({ id, value }) =>
      id === undefined || answered.has(id) ? [] : [{ id, value: toPlain(value) }],
    );
  });
  const checkpoint: unknown = state.config.configurable?.['checkpoint_id'];
  return {
    ...(typeof checkpoint === 'string' ? { checkpoint } : {}),
    next: [...state.next],
    isOver: state.tasks.length === 0,
    questions,
  };
}
