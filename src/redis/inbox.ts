/** What waits for a run to look at it. */
import type { UnreadMessages } from '../core/store.ts';
import type { Connection } from './connection.ts';
import { type Entry, toMessage } from './fields.ts';
import type { ShardKeys } from './keys.ts';

/** Messages read at a time; more follow when these are taken. */
const messagesPerPage = 100;

export async function readInbox(
  connection: Connection,
  shard: ShardKeys,
  run: string,
): Promise<UnreadMessages> {
  const key = shard.inbox(run);
  const [entries, pausedBy] = await Promise.all([
    connection.xrangeBuffer(key, '-', '+', 'COUNT', messagesPerPage) as Promise<Entry[]>,
    connection.hgetBuffer(shard.run(run), 'paused'),
  ]);
  const messages = entries.map((entry) => toMessage(key, entry));
  return pausedBy === null ? { messages, paused: false } : { messages, paused: true, pausedBy };
}
