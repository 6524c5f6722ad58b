/** What the model of the chat may call. */
import { tool } from 'ai';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';
import { recordedTurns } from './recorded.ts';

export const order = z.object({ order: z.string() });

const lookUp = tool({
  description: 'Says where an order is',
  inputSchema: order,
  execute: async ({ order: number }) => {
    await pretend(`look order ${number} up`, 200);
    return { order: number, status: 'on its way' };
  },
});

const refund = tool({
  description: 'Pays the price of an order back',
  inputSchema: order,
  execute: async ({ order: number }) => {
    await pretend(`refund order ${number}`, 200);
    return { order: number, status: 'refunded' };
  },
});

const recordedCalls = z.object({
  question: z.string(),
  turn: z.number(),
  call: z.number(),
  name: z.string(),
  input: z.string(),
});

/** Systems of an airline, as they answered when the conversations were recorded. */
const airline = tool({
  description: 'Answers as a recorded call of a tool did',
  inputSchema: recordedCalls,
  execute: async ({ question, turn, call, name }) => {
    await pretend(name, 5);
    return recordedTurns().get(question)?.[turn]?.calls[call]?.tool?.result ?? '';
  },
});

const chat = { lookUp, refund };

export const tools = process.env['PAWL_CHAT_MODEL'] === 'recorded' ? { ...chat, airline } : chat;
