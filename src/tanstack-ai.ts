// `pawl/tanstack-ai`: durable streams of TanStack AI, in the runs of a pawl.
export { pawlStream } from './tanstack-ai/durability.ts';
export type { PawlStreamInit, PawlStreamOptions } from './tanstack-ai/durability.ts';
