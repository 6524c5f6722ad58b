/** A worker with an agent of OpenAI's SDK, to be killed at any moment: `node openai-agents-main.js '{"url":…,"prefix":…}'`. */
import { Agent, run, tool } from '@openai/agents';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { approvalSchema, durableAgent, PawlSession } from '../../src/openai-agents.ts';
import { scripted } from './openai-agents.ts';

export interface AgentsSetup {
  readonly url: string;
  readonly prefix: string;
}

/** Calls of the tool, one in each turn. */
export const turns = 4;
const words = ['One ', 'word ', 'after ', 'the ', 'other. '];

/** A list in Redis has what has begun, in its order. */
export function talkOf(pawl: Pawl, note: (call: string) => Promise<unknown>) {
  return defineWorkflow({
    name: 'talk',
    input: z.object({ session: z.string() }),
    signals: { approval: approvalSchema },
    async run(ctx, { session }) {
      const durable = durableAgent(ctx);
      const model = scripted(
        async (items) => {
          const results = items.filter(({ type }) => type === 'function_call_result').length;
          await note(`${2 * results} model`);
          const call = { id: `call-${results}`, tool: 'look', input: { n: results } };
          return { words, ...(results < turns && { calls: [call] }) };
        },
        () => pause(4),
      );
      const look = tool({
        name: 'look',
        description: 'Looks.',
        parameters: z.object({ n: z.number() }),
        async execute({ n }) {
          await note(`${2 * n + 1} tool`);
          await pause(10);
          return `seen ${n}`;
        },
      });
      const agent = new Agent({
        name: 'talker',
        model: durable.model(model),
        tools: durable.tools([look], { look: { approve: { when: (input) => isFirst(input) } } }),
      });
      const history = durable.session(new PawlSession(pawl, { sessionId: session }));
      const result = await run(agent, 'Look around.', { stream: true, session: history });
      await result.completed;
      return result.finalOutput;
    },
  });
}

function isFirst(input: unknown): boolean {
  return (input as { readonly n: number }).n === 0;
}

async function main(): Promise<void> {
  const { url, prefix } = JSON.parse(process.argv[2] ?? '{}') as AgentsSetup;
  const pawl = await Pawl.open({ redis: url, prefix });
  const redis = new Redis(url);
  const note = (call: string): Promise<unknown> => redis.rpush(`${prefix}:diary`, call);
  await pawl.worker({ workflows: [talkOf(pawl, note)] }).ready();
  console.log(JSON.stringify({ message: 'ready' }));
}

if (process.argv[2] !== undefined) await main();
