/** The graph that plays programs. */
import { z } from 'zod';
import { NonRetryableError } from '../../src/core/errors.ts';
import { defineGraph } from '../../src/engine/graph/graph.ts';
import { Player, type Playing, playing } from './interpreter.ts';
import { type Ctx, shared } from './shape.ts';

/** Parts that are done side by side. */
const loops = 3;

/** Plays programs in rounds: the next parts side by side, each in a node of its own, until none is left. */
export function playingInNodes(by: Playing) {
  const child = playing(by);
  return defineGraph({
    name: 'program-graph',
    ...shared,
    args: { work: z.number() },
    start: 'fan',
    nodes: {
      fan: (ctx) => {
        const done = Object.keys(ctx.state.results).length;
        const left = ctx.input.parts.length - done;
        return { set: { open: Array.from({ length: Math.min(loops, left) }, (_, i) => done + i) } };
      },
      work: {
        run: async (ctx, at) => {
          const part = ctx.input.parts[at];
          if (part === undefined) throw new Error(`there is no part ${at}`);
          const player = new Player(ctx as unknown as Ctx, by, child, true);
          return { set: { results: { [at]: await player.one(part) } }, result: at };
        },
        undo: {
          run: ({ args, result }, undo) => {
            if (args !== result)
              throw new NonRetryableError('undone with what another visit was given');
            if (result === 1 && undo.attempt === 1) throw new Error('as told');
          },
          retry: { attempts: 2, delay: 1 },
        },
      },
    },
    edges: {
      fan: (s) => (s.open.length === 0 ? 'end' : s.open.map((at) => ({ node: 'work', args: at }))),
      work: 'fan',
    },
    merge: { results: (before, more) => ({ ...before, ...more }) },
    output: (s) => Object.values(s.results),
  });
}
