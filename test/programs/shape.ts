/** What the workflow and the graph that play programs have in common. */
import { z } from 'zod';
import type { Context, FrozenStateOf } from '../../src/engine/definition/context.ts';
import { keyLimit, type Program } from './program.ts';

export const events = { added: z.number(), refused: z.string() };
export const signals = { red: z.string(), green: z.string(), blue: z.string() };
export const state = z.object({
  sum: z.number().default(0),
  marks: z.record(z.string(), z.number()).default({}),
  /** The part that has changed it last, and how far that one is. */
  phase: z.string().default(''),
  /** The step that has changed it last. */
  latest: z.string().default(''),
  /** Of graphs: the parts that are done side by side now, and what those before have returned. */
  open: z.array(z.number()).default([]),
  results: z.record(z.string(), z.unknown()).default({}),
});

export type State = FrozenStateOf<typeof state>;
export type Ctx = Context<typeof state, typeof events, typeof signals>;

export const shared = {
  input: z.custom<Program>(),
  state,
  events,
  signals,
  retry: { attempts: 2, delay: 5 },
  concurrencyPerKey: keyLimit,
  stepRetry: { attempts: 2, delay: 2 },
  reduce: {
    added: (s: State, n: number) => ({ ...s, sum: s.sum + n }),
    refused: (): State => {
      throw new Error('refused');
    },
  },
};
