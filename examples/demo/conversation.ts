/**
 * The workflow of the demo: an agent talks to a customer and calls tools, message by message.
 *
 * Model and tools are played from a recording, so that what was stored can be compared with what
 * should be there. Any worker may die at any point of this file; another one then calls `run` again
 * with the state as it was stored last.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { type Message, recordedMessages } from './conversations.ts';
import { numberOf } from './random.ts';

/** What the workflow writes to its log, for whoever counts. */
export const logged = { begins: 'conversation begins', stored: 'message stored' } as const;

const message = z.object({ type: z.string(), data: z.unknown() });

export const conversation = defineWorkflow({
  name: 'conversation',
  input: z.object({ id: z.string(), paceMs: z.number().positive() }),
  state: z.object({ messages: z.array(message).default([]) }),
  events: { message: message.extend({ index: z.int().nonnegative() }) },
  reduce: {
    message: ({ messages }, { type, data }) => ({ messages: [...messages, { type, data }] }),
  },

  async run(ctx, { id, paceMs }) {
    const recorded = recordedMessages(id);
    const first = ctx.state.messages.length;
    ctx.log.debug({ first }, logged.begins);

    for (const [index, { type, data }] of [...recorded.entries()].slice(first)) {
      const waitMs = paceMs * (0.5 + numberOf(`${id} ${index}`));
      if (type === 'tool') {
        // The result of the call and its message are one commit: never one without the other.
        await ctx.step(`tool:${index}`, async (step) => {
          await pause(waitMs, undefined, { signal: step.signal });
          step.emit('message', { index, type, data });
        });
      } else {
        await pause(waitMs / 4, undefined, { signal: ctx.signal });
        await ctx.emit('message', { index, type, data });
      }
      ctx.log.debug({ index }, logged.stored);
    }
    return { messages: ctx.state.messages.length, reward: rewardOf(recorded) };
  },
});

/** The last message of every recording holds it. */
export function rewardOf(messages: readonly Message[]): number {
  return z.object({ reward: z.number() }).parse(messages.at(-1)?.data).reward;
}
