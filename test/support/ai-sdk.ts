/** The AI SDK in the versions that `pawl/ai` serves, and a model of its own for tests, which says what a script says. */
import * as six from 'ai';
import * as seven from 'ai-7';
import { MockLanguageModelV3 } from 'ai/test';
import { MockLanguageModelV4 } from 'ai-7/test';

export interface Sdk {
  readonly version: number;
  readonly sdk: typeof six;
  readonly Mock: typeof MockLanguageModelV3;
}

export const sdks: readonly Sdk[] = [
  { version: 6, sdk: six, Mock: MockLanguageModelV3 },
  {
    version: 7,
    // What the tests call is the same in both.
    sdk: seven as unknown as typeof six,
    Mock: MockLanguageModelV4 as unknown as typeof MockLanguageModelV3,
  },
];

/** What a model says in one call: words, and calls of tools by name. */
export interface Said {
  readonly words?: readonly string[];
  readonly calls?: readonly {
    readonly id: string;
    readonly tool: string;
    readonly input: unknown;
  }[];
  /** It fails so, behind its words. */
  readonly fails?: unknown;
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** What it is given: the messages so far. */
export type Script = (prompt: readonly { readonly role: string }[]) => Said | Promise<Said>;

const finishOf = ({ calls = [] }: Said): object => ({
  type: 'finish',
  usage,
  finishReason: { unified: calls.length > 0 ? 'tool-calls' : 'stop', raw: undefined },
});

function* partsOf({ words = [], calls = [], ...said }: Said): Generator<object> {
  yield { type: 'stream-start', warnings: [] };
  yield { type: 'response-metadata', id: 'r', modelId: 'm', timestamp: new Date(0) };
  if (words.length > 0) {
    yield { type: 'text-start', id: '0' };
    for (const delta of words) yield { type: 'text-delta', id: '0', delta };
    yield { type: 'text-end', id: '0' };
  }
  if ('fails' in said) {
    yield { type: 'error', error: said.fails };
    return;
  }
  for (const { id, tool, input } of calls) {
    const text = JSON.stringify(input);
    yield { type: 'tool-input-start', id, toolName: tool };
    yield { type: 'tool-input-delta', id, delta: text };
    yield { type: 'tool-input-end', id };
    yield { type: 'tool-call', toolCallId: id, toolName: tool, input: text };
  }
  yield finishOf({ calls });
}

/** A model of the SDK's own mock provider. `pace` is called between two parts. */
export function scripted(
  { Mock }: Pick<Sdk, 'Mock'>,
  script: Script,
  pace: () => unknown = () => undefined,
): MockLanguageModelV3 {
  const doStream = async ({ prompt }: { prompt: Parameters<Script>[0] }): Promise<unknown> => {
    const parts = partsOf(await script(prompt));
    const paced = async function* (): AsyncGenerator<object> {
      for (const part of parts) {
        await pace();
        yield part;
      }
    };
    return { stream: ReadableStream.from(paced()), request: { body: 'secret' } };
  };
  const doGenerate = async ({ prompt }: { prompt: Parameters<Script>[0] }): Promise<unknown> => {
    const { words = [], calls = [], ...said } = await script(prompt);
    if ('fails' in said) throw said.fails;
    const text = words.length === 0 ? [] : [{ type: 'text', text: words.join('') }];
    const toCall = calls.map(({ id, tool, input }) => {
      return { type: 'tool-call', toolCallId: id, toolName: tool, input: JSON.stringify(input) };
    });
    const { type: _, ...end } = finishOf({ calls }) as { type: string };
    const response = { id: 'r', modelId: 'm', timestamp: new Date(0), headers: { key: 'secret' } };
    const request = { body: 'secret' };
    return { content: [...text, ...toCall], ...end, warnings: [], request, response };
  };
  return new Mock({ doStream: doStream as never, doGenerate: doGenerate as never });
}

/** A prompt with the result of a tool is that of the second call. */
export const hasResult = (prompt: Parameters<Script>[0]): boolean => prompt.at(-1)?.role === 'tool';
