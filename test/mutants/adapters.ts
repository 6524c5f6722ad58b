/** Bugs of the adapters to frameworks. */
import type { Judge, Mutant } from './mutant.ts';

const of = (file: string): Judge => ({ unit: `test/unit/${file}.test.ts` });

export const mutantsOfAdapters: readonly Mutant[] = [
  {
    name: 'a change of a session is made again under its id',
    file: 'openai-agents/session.ts',
    passage: 'if (known === operation?.digest) return;',
    by: '',
    foundBy: [of('openai-agents/session')],
  },
  {
    name: 'a snapshot of a session forgets the ids of its changes',
    file: 'openai-agents/history.ts',
    passage: 'operations: [...this.#operations] };',
    by: 'operations: [] };',
    foundBy: [of('openai-agents/session')],
  },
  {
    name: 'a session that is over is deleted though it was changed meanwhile',
    file: 'openai-agents/session-expiry.ts',
    passage: 'updatedAt.getTime() + ttlMs <= now',
    by: 'updatedAt.getTime() <= now',
    foundBy: [of('openai-agents/session')],
  },
  {
    name: 'a session in a handler adds items without an id',
    file: 'openai-agents/durable-session.ts',
    passage: 'if (!isTransacting(session)) await session.addItems(items);',
    by: 'if (isTransacting(session)) await session.addItems(items);',
    foundBy: [of('openai-agents/agent')],
  },
  {
    name: 'a tool is called before somebody has agreed',
    file: 'openai-agents/tools.ts',
    passage: 'if (when !== undefined) {',
    by: 'if (when === undefined) {',
    foundBy: [of('openai-agents/agent')],
  },
  {
    name: 'of those who open a stream at the same time each is its producer',
    file: 'streams/run-streams.ts',
    passage: 'await this.#claim(record.id, 0)',
    by: 'await this.#claim(record.id)',
    foundBy: [of('assistant-ui/store')],
  },
  {
    name: 'a producer that was replaced writes under the lease of the other one',
    file: 'assistant-ui/store.ts',
    passage: 'const found = lease?.token ?? own.get(id);',
    by: 'const found = own.get(id);',
    foundBy: [of('assistant-ui/store')],
  },
  {
    name: 'a reader goes on with another stream of the same name',
    file: 'streams/run-streams.ts',
    passage: 'if (record?.birth !== birth) return undefined;',
    by: 'if (record === undefined) return undefined;',
    foundBy: [of('assistant-ui/store')],
  },
  {
    name: 'the last chunk of a stream may stand behind its end',
    file: 'streams/run-streams.ts',
    passage: 'if (end !== undefined) continue;',
    by: 'if (end !== undefined) return end;',
    foundBy: [of('assistant-ui/store')],
  },
  {
    name: 'a client has the tools of every role',
    file: 'mcp/server.ts',
    passage: 'if (!isRead && !may.has(tool.name)) return;',
    by: '',
    foundBy: [of('mcp/server')],
  },
  {
    name: 'a client is shown what is hidden on the pages',
    file: 'mcp/server.ts',
    passage: 'const seen = redacted(pawl, redact);',
    by: 'const seen = redacted(pawl, undefined);',
    foundBy: [of('mcp/server')],
  },
  {
    name: 'a value of any length goes to a client',
    file: 'mcp/server.ts',
    passage: 'return text.length <= valueLength',
    by: 'return text.length >= 0',
    foundBy: [of('mcp/server')],
  },
  {
    name: 'a stream is not taken over by a producer that comes anew',
    file: 'tanstack-ai/durability.ts',
    passage: '?? (await streams.takeOver(runId))',
    by: '',
    foundBy: [of('tanstack-ai/durability')],
  },
  {
    name: 'the half of a chunk is put before the next one',
    file: 'tanstack-ai/parts.ts',
    passage: 'one.at === 0 ? [one.part] :',
    by: '',
    foundBy: [of('tanstack-ai/durability')],
  },
  {
    name: 'a chunk in parts has the offset of its first part',
    file: 'tanstack-ai/durability.ts',
    passage: 'appended.numbers[behind - 1]',
    by: 'appended.numbers[behind - parts.length]',
    foundBy: [of('tanstack-ai/durability')],
  },
];
