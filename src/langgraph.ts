// Threads of LangGraph in plain Redis: a checkpointer for `compile({ checkpointer })`.
export { PawlSaver } from './langgraph-saver.ts';
export type { PawlSaverOptions } from './langgraph-options.ts';
export type { CopyOptions } from './langgraph/copying.ts';
export type { PruneOptions } from './langgraph/pruning.ts';
// Graphs of LangGraph as workflows.
export { durableGraph } from './durable-graph/durable-graph.ts';
export type { DurableGraph, GraphInput, GraphStart } from './durable-graph/durable-graph.ts';
export type { DurableGraphOptions } from './durable-graph/options.ts';
export { graphStream } from './durable-graph/graph-stream.ts';
export type {
  GraphStreamOptions,
  StreamedChunk,
  StreamingRun,
} from './durable-graph/graph-stream.ts';
export type { CompiledGraph, GraphStreamMode } from './durable-graph/compiled-graph.ts';
export type { GraphChunk } from './durable-graph/superstep.ts';
