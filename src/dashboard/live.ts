/** The events of a run as they come, as server-sent events: the id of each is its seq, so a reader goes on from there. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { newAbortController } from '../engine/signals.ts';
import type { Pawl } from '../pawl.ts';
import type { Env } from './guard.ts';
import { detach } from '../core/detached.ts';
import type { ClaimedData, RunEvent } from '../core/event.ts';
import { withOwners } from './owners.ts';
import { preview, visible } from './words.ts';

/** Proxies close what is silent for long. */
const pingMs = 15_000;

export function live(
  c: Context<Env>,
  pawl: Pawl,
  at: { readonly id: string; readonly after: number },
): Response {
  const gone = newAbortController();
  return streamSSE(
    c,
    async (stream) => {
      stream.onAbort(() => gone.abort());
      // A reader that is gone ends the stream by itself.
      const write = (): void => detach(stream.write(': ping\n\n'), () => undefined);
      const ping = setInterval(write, pingMs);
      try {
        // The first bytes open the stream: without them a browser waits for the first event.
        await stream.write(': here\n\n');
        const { id, after } = at;
        for await (const event of pawl.run(id).events({ after, signal: gone.signal })) {
          const turn = withOwners([event])[0]?.turn;
          const entry = {
            seq: event.seq,
            type: visible(event.type),
            fence: event.fence,
            at: event.at.toISOString(),
            text: preview(event.data).text,
            ...(turn === undefined ? {} : { turn: visible(turn) }),
            ...claimOf(event),
          };
          await stream.writeSSE({
            id: `${event.seq}`,
            event: 'entry',
            data: JSON.stringify(entry),
          });
        }
        if (!gone.signal.aborted) {
          const { status } = await pawl.run(id).info();
          await stream.writeSSE({ event: 'end', data: status });
        }
      } finally {
        clearInterval(ping);
      }
    },
    // The reader sees a stream that ends, and asks again from its last id.
    () => Promise.resolve(),
  );
}

/** Who holds the run from now on, and whether somebody else lost it: what the colour beside the log needs. */
function claimOf({ type, data }: RunEvent): {
  readonly by?: string;
  readonly isTakeover?: boolean;
} {
  if (type !== 'run.claimed') return {};
  const { worker, takeover } = data as ClaimedData;
  return { by: visible(worker), isTakeover: takeover !== undefined };
}
