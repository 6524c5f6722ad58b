/** A model of OpenAI Agents for tests: it says what a script says, and reaches no network. */
import {
  type AgentInputItem,
  type AgentOutputItem,
  type Model,
  setTracingDisabled,
  type StreamEvent,
  Usage,
} from '@openai/agents';

setTracingDisabled(true);

/** What a model says in one call: words, and calls of tools by name. */
export interface Said {
  readonly words?: readonly string[];
  readonly calls?: readonly {
    readonly id: string;
    readonly tool: string;
    readonly input: unknown;
  }[];
}

/** It is given the items so far. */
export type Script = (items: readonly AgentInputItem[]) => Said | Promise<Said>;
type Request = Parameters<Model['getResponse']>[0];

export const message = (text: string): AgentInputItem => ({ role: 'user', content: text });

const usage = (): Usage =>
  new Usage({ requests: 1, inputTokens: 2, outputTokens: 3, totalTokens: 5 });

function outputOf({ words = [], calls = [] }: Said): AgentOutputItem[] {
  const content = [{ type: 'output_text' as const, text: words.join('') }];
  const text: AgentOutputItem = {
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content,
  };
  const called = calls.map(({ id, tool, input }): AgentOutputItem => {
    const given = { callId: id, name: tool, arguments: JSON.stringify(input) };
    return { type: 'function_call', status: 'completed', ...given };
  });
  return [...(words.length === 0 ? [] : [text]), ...called];
}

/** `pace` is called before each word. */
export function scripted(script: Script, pace: () => unknown = () => undefined): Model {
  const said = ({ input }: Request): Said | Promise<Said> =>
    script(typeof input === 'string' ? [message(input)] : input);
  return {
    async getResponse(request) {
      return { usage: usage(), output: outputOf(await said(request)), responseId: 'r' };
    },
    async *getStreamedResponse(request): AsyncGenerator<StreamEvent> {
      const answer = await said(request);
      yield { type: 'response_started' };
      for (const delta of answer.words ?? []) {
        await pace();
        yield { type: 'model', event: { raw: delta } };
        yield { type: 'output_text_delta', delta };
      }
      const { requests, inputTokens, outputTokens, totalTokens } = usage();
      const counts = { requests, inputTokens, outputTokens, totalTokens };
      const response = { id: 'r', usage: counts, output: outputOf(answer) };
      yield { type: 'response_done', response } as StreamEvent;
    },
  };
}

/** The items end with the result of a tool: it is the call behind it. */
export const hasResult = (items: readonly AgentInputItem[]): boolean =>
  items.at(-1)?.type === 'function_call_result';
