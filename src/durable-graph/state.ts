/** What a run of a graph remembers. */
import { z } from 'zod';
import type { Context } from '../engine/definition/context.ts';
import { positionSchema } from './compiled-graph.ts';

export const stateSchema = z.object({
  /** Supersteps that are behind; the one that has entered the input counts. */
  count: z.number().default(0),
  /** The thread, and the run that took it; that of a fork is the run that it was forked from. Absent until a run has it. */
  thread: z.object({ id: z.string(), run: z.string() }).optional(),
  /** Where the run left the thread; absent until it has the thread. */
  from: positionSchema.optional(),
  /** The nodes that ran in the superstep before. */
  ran: z.array(z.string()).default([]),
});

export type GraphContext = Context<typeof stateSchema>;
