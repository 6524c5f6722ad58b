/** The logs of all runs, as Redis holds them in the end. */
import { createHash } from 'node:crypto';
import { RedisRunStore } from '../../../src/redis/run-store.ts';
import type { RunStatus } from '../../../src/core/run.ts';
import { toRunEvent } from '../../../src/engine/payloads.ts';

export interface LoggedEvent {
  readonly seq: number;
  readonly fence: number;
  readonly type: string;
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  readonly data: unknown;
  readonly digest: string;
}

export interface Log {
  readonly run: string;
  readonly status: RunStatus;
  readonly events: readonly LoggedEvent[];
}

/** Stands for the bytes of an event where they need not be kept. */
export function digestOf(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 24);
}

const page = 500;

export async function readLogs(url: string, prefix: string): Promise<Log[]> {
  const store = await RedisRunStore.open({ redis: url, prefix });
  try {
    const logs: Log[] = [];
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined;) {
      isFirst = false;
      const { runs, ...next } = await store.list({
        limit: page,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { id, status } of runs) {
        logs.push({ run: id, status, events: await eventsOf(store, id) });
      }
      cursor = next.cursor;
    }
    return logs;
  } finally {
    await store.close();
  }
}

async function eventsOf(store: RedisRunStore, run: string): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (;;) {
    const found = await store.events({ run, after: events.at(-1)?.seq ?? 0, limit: page });
    for (const event of found) {
      const { seq, fence, type, at, data } = toRunEvent(event, `run ${run}`);
      events.push({ seq, fence, type, at: at.getTime(), data, digest: digestOf(event.data) });
    }
    if (found.length < page) return events;
  }
}
