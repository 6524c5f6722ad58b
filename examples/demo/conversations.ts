/**
 * The recorded conversations that the demo replays; `../data/SOURCES.md` says where they come from.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface Message {
  /** Who speaks: system, user, assistant, tool; at the end `done`, which holds the reward. */
  readonly type: string;
  readonly data: unknown;
}

export interface Conversation {
  readonly id: string;
  readonly messages: readonly Message[];
}

interface Line extends Message {
  readonly run: string;
  readonly version: number;
}

// From the root of the package, because the compiled demo lies in another folder than its source.
const file = new URL(
  'examples/data/agent-runs-tau-airline.jsonl.gz',
  import.meta.resolve('pawl/package.json'),
);

let conversations: ReadonlyMap<string, Conversation> | undefined;

/** All conversations by id, read at the first call. */
export function recordedConversations(): ReadonlyMap<string, Conversation> {
  conversations ??= readConversations();
  return conversations;
}

/** The messages of one conversation, in order. */
export function recordedMessages(id: string): readonly Message[] {
  const conversation = recordedConversations().get(id);
  if (conversation === undefined) throw new Error(`There is no recorded conversation ${id}.`);
  return conversation.messages;
}

function readConversations(): ReadonlyMap<string, Conversation> {
  const messages = new Map<string, Message[]>();
  for (const text of gunzipSync(readFileSync(file)).toString('utf8').split('\n')) {
    if (text === '') continue;
    const { run, version, type, data } = JSON.parse(text) as Line;
    const before = messages.get(run) ?? [];
    if (version !== before.length + 1) {
      throw new Error(`${run}: message ${version} follows message ${before.length}.`);
    }
    messages.set(run, [...before, { type, data }]);
  }
  return new Map([...messages].map(([id, list]) => [id, { id, messages: list }]));
}
