/** A tool-calling agent as a graph: it plans, calls tools in parallel, looks at what came back, and plans again. */
import { defineGraph } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

export const agent = defineGraph({
  name: 'agent',
  input: z.object({ question: z.string() }),
  state: z.object({ round: z.number().default(0), notes: z.array(z.string()).default([]) }),
  args: { read: z.object({ page: z.string() }) },
  start: 'plan',
  nodes: {
    // Each visit of a node is a step: its result, its change of the state and what comes next are one commit.
    plan: async (ctx) => {
      await pretend(`plan round ${ctx.state.round + 1}`, 100);
      return { set: { round: ctx.state.round + 1 } };
    },
    search: async (ctx) => {
      await pretend(`search in round ${ctx.visit}`, 150);
      return { set: { notes: [`found ${ctx.input.question} ${ctx.visit}`] } };
    },
    // Tasks with arguments: as many as this round needs, all at the same time.
    choose: (ctx) => ({
      goto: ['a', 'b'].map((name) => ({
        node: 'read' as const,
        args: { page: `${name}${ctx.visit}` },
      })),
    }),
    read: {
      run: async (_ctx, { page }) => {
        await pretend(`read page ${page}`, 150);
        return { set: { notes: [`read ${page}`] } };
      },
      retry: { attempts: 3 },
    },
    // The checkpoint is asked for here, and taken when the node has succeeded.
    reflect: async (ctx) => {
      ctx.checkpoint({ label: `round ${ctx.visit}`, metadata: { notes: ctx.state.notes.length } });
      await pretend(`reflect on ${ctx.state.notes.length} notes`, 100);
    },
  },
  edges: {
    plan: ['search', 'choose'],
    search: 'reflect',
    read: 'reflect',
    reflect: { to: ['plan', 'end'], when: (state) => (state.round < 3 ? 'plan' : 'end') },
  },
  merge: { notes: (current, update) => [...current, ...update] },
  cycles: { limit: 20 },
});
