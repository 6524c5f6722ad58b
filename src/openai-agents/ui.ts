/**
 * What a model and its tools say, as chunks of the AI SDK's UI message stream: pages of `useChat`, and of assistant-ui, read
 * the answers of both SDKs in one way.
 */
import type { AgentOutputItem } from '@openai/agents';
import type { Give } from '../agents/calls.ts';

/** One call of a model, as pages are told of it. */
export class Told {
  readonly #give: Give;
  #text = '';

  constructor(give: Give) {
    this.#give = give;
  }

  begin(): Promise<void> {
    return this.#give({ type: 'start-step' });
  }

  async delta(delta: string): Promise<void> {
    if (this.#text === '') await this.#give({ type: 'text-start', id: '0' });
    this.#text += delta;
    await this.#give({ type: 'text-delta', id: '0', delta });
  }

  /** What was not told by deltas, the calls of tools, and the end. */
  async finish(output: readonly AgentOutputItem[]): Promise<void> {
    if (this.#text === '') {
      const text = textOf(output);
      if (text !== '') await this.delta(text);
    }
    if (this.#text !== '') await this.#give({ type: 'text-end', id: '0' });
    for (const item of output) {
      if (item.type === 'function_call') await this.#give(inputOf(item));
    }
    await this.#give({ type: 'finish-step' });
  }
}

function textOf(output: readonly AgentOutputItem[]): string {
  const parts = output.flatMap((item) =>
    'role' in item && item.role === 'assistant' ? item.content : [],
  );
  return parts.map((part) => (part.type === 'output_text' ? part.text : '')).join('');
}

function inputOf({
  callId: toolCallId,
  name: toolName,
  arguments: input,
}: Extract<AgentOutputItem, { type: 'function_call' }>): object {
  const call = { toolCallId, toolName };
  const parsed = parsedInput(input);
  return parsed === undefined
    ? { ...call, type: 'tool-input-error', input, errorText: 'The model gave no JSON.' }
    : { ...call, type: 'tool-input-available', input: parsed };
}

/** What a model gives a tool; undefined when it is no JSON. */
export function parsedInput(input: string): unknown {
  try {
    return input.trim() === '' ? {} : (JSON.parse(input) as unknown);
  } catch {
    return undefined;
  }
}
