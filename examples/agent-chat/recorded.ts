/**
 * Recorded conversations as turns of the chat: what a customer asks, and what a model said and called then. They are the
 * model of `PAWL_CHAT_MODEL=recorded`, a load that is shaped as real agents are. `../data/SOURCES.md` says where they come
 * from.
 */
import { z } from 'zod';
import { recordedConversations } from '../demo/conversations.ts';

/** One call of the model: what it says, and the tool that it calls then. */
export interface RecordedCall {
  readonly text: string;
  readonly tool?: { readonly name: string; readonly input: string; readonly result: string };
}

export interface RecordedTurn {
  readonly question: string;
  /** All but the last one call a tool. */
  readonly calls: readonly RecordedCall[];
}

const said = z.object({
  content: z.string().nullish(),
  tool_calls: z
    .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
    .nullish(),
});

let known: ReadonlyMap<string, readonly RecordedTurn[]> | undefined;

/** The conversations that can be told apart by their first question, by that question. A turn without an end is left out. */
export function recordedTurns(): ReadonlyMap<string, readonly RecordedTurn[]> {
  known ??= readTurns();
  return known;
}

function readTurns(): ReadonlyMap<string, readonly RecordedTurn[]> {
  const all = [...recordedConversations().values()].map(({ messages }) => turnsOf(messages));
  const first = (turns: readonly RecordedTurn[]): string => turns[0]?.question ?? '';
  const isAlone = (turns: readonly RecordedTurn[]): boolean =>
    turns.length > 0 && all.filter((other) => first(other) === first(turns)).length === 1;
  return new Map(all.filter(isAlone).map((turns) => [first(turns), turns]));
}

function turnsOf(messages: readonly { type: string; data: unknown }[]): RecordedTurn[] {
  const turns: { question: string; calls: RecordedCall[] }[] = [];
  for (const [i, { type, data }] of messages.entries()) {
    const { content, tool_calls: called } = said.parse(data);
    const turn = turns.at(-1);
    if (type === 'user') turns.push({ question: content ?? '', calls: [] });
    if (type !== 'assistant' || turn === undefined) continue;
    const [tool] = called ?? [];
    const text = content ?? '';
    if (tool === undefined) turn.calls.push({ text });
    else {
      const { name, arguments: input } = tool.function;
      const result = said.parse(messages[i + 1]?.data).content ?? '';
      turn.calls.push({ text, tool: { name, input, result } });
    }
  }
  return turns.filter(({ calls }) => calls.length > 0 && calls.at(-1)?.tool === undefined);
}

/** What the model says next, after these questions and so many results of tools since the last one. */
export function recordedCall(questions: readonly string[], results: number): RecordedCall {
  const turns = recordedTurns().get(questions[0] ?? '');
  return turns?.[questions.length - 1]?.calls[results] ?? { text: 'Nobody has recorded that.' };
}
