/**
 * The model of the chat. By default it is one that always answers the same, word by word, so that the example needs no key
 * and no network. `PAWL_CHAT_MODEL=openai/gpt-5` takes a real one, by the gateway of the AI SDK and its `AI_GATEWAY_API_KEY`.
 * `PAWL_CHAT_MODEL=recorded` says what recorded conversations say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { gateway } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { recordedCall } from './recorded.ts';

type Options = Parameters<MockLanguageModelV3['doStream']>[0];
type Prompt = Options['prompt'];
type Streamed = Awaited<ReturnType<MockLanguageModelV3['doStream']>>['stream'];
type Part = Streamed extends ReadableStream<infer One> ? One : never;

const { PAWL_CHAT_MODEL: named } = process.env;
const isRecorded = named === 'recorded';

/** Milliseconds between two words. */
const paceMs = Number(process.env['PAWL_CHAT_PACE_MS'] ?? 40);

const about =
  'A pawl is the catch that lets a ratchet turn forward and never slip back. This answer comes word by word from a worker ' +
  'process, and each word is in Redis before you see it. Kill the worker now: another one takes the conversation over, asks ' +
  'the model again, and this page goes on by itself. What I had said before the kill is dropped, so no word comes twice.';

interface Said {
  readonly text?: string;
  readonly call?: { readonly tool: string; readonly input: object };
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

function textsOf(prompt: Prompt, role: string): string[] {
  return prompt
    .filter((message) => message.role === role)
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
}

/** What it says to a conversation. */
function answerTo(prompt: Prompt): Said {
  const asked = textsOf(prompt, 'user');
  const text = asked.at(-1) ?? '';
  if (prompt.at(-1)?.role === 'tool') {
    const result = textsOf(prompt, 'tool').at(-1) ?? '';
    if (result.includes('refused'))
      return { text: 'I have not refunded it, because a person said no.' };
    if (result.includes('refunded')) return { text: 'The money is on its way back to you.' };
    return { text: 'Your order has left our house this morning. It arrives tomorrow before noon.' };
  }
  const [, order] = /refund\D*(\d+)/i.exec(text) ?? [];
  if (order !== undefined)
    return { text: 'I have to ask first. ', call: { tool: 'refund', input: { order } } };
  const [, looked] = /order\D*(\d+)/i.exec(text) ?? [];
  if (looked !== undefined)
    return { text: 'Let me look. ', call: { tool: 'lookUp', input: { order: looked } } };
  const [, count] = /(\d+) words/i.exec(text) ?? [];
  if (count !== undefined) {
    const words = Array.from({ length: Number(count) }, (_, i) => `w${i + 1}`);
    return { text: words.join(' ') };
  }
  if (/what is my name/i.test(text)) {
    const known = asked.map((one) => /my name is (\w+)/i.exec(one)?.[1]).findLast(Boolean);
    return { text: known === undefined ? 'You have not told me.' : `Your name is ${known}.` };
  }
  const [, name] = /my name is (\w+)/i.exec(text) ?? [];
  return { text: name === undefined ? about : `Nice to meet you, ${name}. I will remember it.` };
}

/** What the recorded conversation says that begins with the same question. */
function recordedTo(prompt: Prompt): Said {
  const questions = prompt.flatMap(({ role, content }) =>
    role === 'user'
      ? [content.map((part) => (part.type === 'text' ? part.text : '')).join('')]
      : [],
  );
  const results = prompt.length - 1 - prompt.findLastIndex(({ role }) => role === 'user');
  const call = Math.floor(results / 2); // a call and its result are two messages
  const { text, tool } = recordedCall(questions, call);
  if (tool === undefined) return { text };
  const [question] = questions;
  const { name, input } = tool;
  const asked = { question, turn: questions.length - 1, call, name, input };
  return { text, call: { tool: 'airline', input: asked } };
}

async function* speak(prompt: Prompt): AsyncGenerator<Part> {
  const { text = '', call } = isRecorded ? recordedTo(prompt) : answerTo(prompt);
  yield { type: 'stream-start', warnings: [] };
  yield { type: 'text-start', id: '0' };
  for (const delta of text.split(/(?<= )/)) {
    await sleep(paceMs);
    yield { type: 'text-delta', id: '0', delta };
  }
  yield { type: 'text-end', id: '0' };
  if (call !== undefined) {
    const toolCallId = `call-${prompt.length}`;
    const input = JSON.stringify(call.input);
    yield { type: 'tool-call', toolCallId, toolName: call.tool, input };
  }
  const unified = call === undefined ? 'stop' : 'tool-calls';
  yield { type: 'finish', usage, finishReason: { unified, raw: undefined } };
}

const scripted = new MockLanguageModelV3({
  provider: 'example',
  modelId: 'scripted',
  doStream: ({ prompt }) => Promise.resolve({ stream: ReadableStream.from(speak(prompt)) }),
});

export const model = named === undefined || isRecorded ? scripted : gateway(named);
