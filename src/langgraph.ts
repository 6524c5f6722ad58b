// Threads of LangGraph in plain Redis: a checkpointer for `compile({ checkpointer })`.
export { PawlSaver } from './langgraph-saver.ts';
export type { PawlSaverOptions } from './langgraph-options.ts';
export type { PruneOptions } from './langgraph/pruning.ts';
