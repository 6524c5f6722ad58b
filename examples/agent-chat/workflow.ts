/**
 * A conversation is one run. Each question is a signal, each answer has a name, and what was said is the state, so the run
 * remembers it as long as it lives. Between two questions it is parked and costs nothing.
 *
 *   wait for turn-0 ──▶ model ──▶ tool, perhaps a person ──▶ model ──▶ the end of the answer ──▶ wait for turn-1 …
 */
import { generateText, type ModelMessage, stepCountIs } from 'ai';
import { defineWorkflow } from 'pawl';
import { approvalSchema, durableAgent } from 'pawl/ai';
import { z } from 'zod';
import { model } from './model.ts';
import { order, tools } from './tools.ts';

const message = z.object({ role: z.enum(['user', 'assistant']), content: z.string() });

export const conversation = defineWorkflow({
  name: 'conversation',
  kind: 'agent',
  /** `asked`: the question that is being answered, for a page that is loaded anew. */
  state: z.object({ messages: z.array(message).default([]), asked: z.string().default('') }),
  signals: { question: z.object({ text: z.string().max(2_000) }), approval: approvalSchema },
  stepRetry: { attempts: 4, delay: '1s' },
  async run(ctx) {
    for (let turn = ctx.state.messages.length / 2; turn < 1_000; turn++) {
      const answer = `turn-${turn}`;
      const asked = await ctx.waitFor('question', {
        key: answer,
        as: `${answer}/question`,
        timeout: '1h',
      });
      if (asked === undefined) break;
      await ctx.set({ asked: asked.text });
      const messages: ModelMessage[] = [
        ...ctx.state.messages.map(({ role, content }) => ({ role, content })),
        { role: 'user', content: asked.text },
      ];
      const agent = durableAgent(ctx, { answer, stream: true, timeout: '2m' });
      const { steps } = await generateText({
        model: agent.model(model),
        tools: agent.tools(tools, {
          refund: { approve: { label: (input) => `Refund order ${order.parse(input).order}?` } },
        }),
        stopWhen: stepCountIs(30),
        messages,
      });
      await agent.end();
      const content = steps.map(({ text }) => text).join('');
      // What is done leaves the bookkeeping of the run with the commit of the state.
      ctx.forget(`${answer}/`);
      await ctx.set({
        asked: '',
        messages: [
          ...ctx.state.messages,
          { role: 'user', content: asked.text },
          { role: 'assistant', content },
        ],
      });
    }
  },
});
