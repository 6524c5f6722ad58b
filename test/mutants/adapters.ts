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
];
