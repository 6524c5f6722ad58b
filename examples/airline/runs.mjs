/**
 * A recorded talk between an airline's agent and a passenger, played as a run: what docs/cli.md looks at from the shell.
 * Plain JavaScript, so that every Node reads it: `pawl dev --runs examples/airline/runs.mjs`.
 */
import { readFileSync } from 'node:fs';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';

const { turns } = JSON.parse(readFileSync(new URL('conversation.json', import.meta.url), 'utf8'));
const name = ({ first_name: first, last_name: last }) => `${first} ${last}`;

export const airline = defineWorkflow({
  name: 'airline',
  state: z.object({
    turn: z.number().default(0),
    wanted: z.object({ from: z.string(), to: z.string() }).optional(),
    passengers: z.array(z.string()).default([]),
    said: z.array(z.string()).default([]),
  }),
  events: {
    said: z.object({ by: z.string(), text: z.string() }),
    wanted: z.object({ from: z.string(), to: z.string() }),
    passengers: z.array(z.string()),
  },
  reduce: {
    said: (s, { by, text }) => ({ ...s, turn: s.turn + 1, said: [...s.said, `${by}: ${text}`] }),
    wanted: (s, wanted) => ({ ...s, wanted }),
    passengers: (s, passengers) => ({ ...s, turn: s.turn + 1, passengers }),
  },
  async run(ctx) {
    // After a crash, or in a fork, it goes on with the turn that its state stands at.
    while (ctx.state.turn < turns.length) {
      const { from, text, tool, result } = turns[ctx.state.turn];
      if (tool === 'get_reservation_details') {
        await ctx.step(tool, (step) => step.emit('passengers', result.passengers.map(name)));
      } else if (tool === 'update_reservation_passengers') {
        await ctx.checkpoint({ label: 'before the change' });
        const { wanted, passengers } = ctx.state;
        const changed = passengers.map((one) => (one === wanted.from ? wanted.to : one));
        await ctx.step(tool, (step) => {
          step.emit('passengers', changed);
          return changed;
        });
      } else {
        const asked = /change the name from (.+) to (.+?)\./.exec(text);
        if (from === 'user' && asked) await ctx.emit('wanted', { from: asked[1], to: asked[2] });
        await ctx.emit('said', { by: from, text });
      }
    }
    return { passengers: ctx.state.passengers };
  },
});
