/** The events of a run as they come, as server-sent events: the id of each is its seq, so a reader goes on from there. */
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { detach } from '../core/detached.ts';
import type { ClaimedData, RunEvent } from '../core/event.ts';
import { isEnded } from '../core/run.ts';
import { newAbortController } from '../engine/signals.ts';
import type { Pawl } from '../pawl.ts';
import { eventRow, type RowLinks } from './event-rows.ts';
import type { Env } from './guard.ts';
import type { Feeds } from './live-feed.ts';
import { chunkText } from './output-part.ts';
import { visible } from './words.ts';

/** Proxies close what is silent for long. */
const pingMs = 15_000;

/** Writes until the reader is gone, or `write` is done. */
export function stream(
  c: Context<Env>,
  write: (stream: SSEStreamingApi, signal: AbortSignal) => Promise<void>,
): Response {
  const gone = newAbortController();
  return streamSSE(
    c,
    async (sse) => {
      sse.onAbort(() => gone.abort());
      // A reader that is gone ends the stream by itself.
      const say = (): void => detach(sse.write(': ping\n\n'), () => undefined);
      const ping = setInterval(say, pingMs);
      try {
        // The first bytes open the stream: without them a browser waits for the first event.
        await sse.write(': here\nretry: 1000\n\n');
        await write(sse, gone.signal);
      } finally {
        clearInterval(ping);
      }
    },
    // The reader sees a stream that ends, and asks again from its last id.
    () => Promise.resolve(),
  );
}

/** A run, and the last event that the page has. */
interface At {
  readonly id: string;
  readonly after: number;
  readonly links: RowLinks;
}

export function live(c: Context<Env>, feeds: Feeds, { id, after, links }: At): Response {
  return stream(c, async (sse, signal) => {
    for await (const news of feeds.follow(id, after, signal)) {
      if (news.kind === 'event') {
        const data = JSON.stringify(await entryOf(links, news.event));
        await sse.writeSSE({ id: `${news.event.seq}`, event: 'entry', data });
      } else if (news.kind === 'changed') {
        await sse.writeSSE({ event: 'changed', data: '' });
      } else {
        await sse.writeSSE({ event: 'end', data: news.status });
      }
    }
  });
}

/** An event as its row, and what the colours beside the log need to know of it. */
async function entryOf(links: RowLinks, event: RunEvent): Promise<object> {
  const { seq, type, fence, at, data } = event;
  const html = String(await eventRow(links, event));
  const entry = { seq, type: visible(type), fence, at: at.toISOString(), html };
  if (type !== 'run.claimed') return { ...entry, isLost: type === 'run.interrupted' };
  const { worker, takeover } = data as ClaimedData;
  return { ...entry, by: visible(worker), isTakeover: takeover !== undefined };
}

/** The chunks of a run's output as they come; the id of each is its number. */
export function liveOutput(
  c: Context<Env>,
  pawl: Pawl,
  { id, after }: { readonly id: string; readonly after: number },
): Response {
  return stream(c, async (sse, signal) => {
    for await (const chunk of pawl.run(id).output({ from: after + 1, signal })) {
      const { number, output, step, begins } = chunk;
      const data = { stream: JSON.stringify([output, step]), begins, text: chunkText(chunk) };
      const names = { output: visible(output), step: visible(step) };
      await sse.writeSSE({
        id: `${number}`,
        event: 'chunk',
        data: JSON.stringify({ ...data, ...names }),
      });
    }
    if (signal.aborted) return;
    // Of a quarantined run the page asks again, for somebody may resume it.
    const { status } = await pawl.run(id).info();
    if (isEnded(status)) await sse.writeSSE({ event: 'end', data: '' });
  });
}
