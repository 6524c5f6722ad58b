/** The parts of a page as they are read again, as server-sent events. A part that stays as it was is not sent again. */
import type { Context } from 'hono';
import type { Env } from '../guard.ts';
import type { Html } from '../html.ts';
import { stream } from '../live.ts';
import type { LiveRead, LiveReads } from './live-reads.ts';

export function livePage<Data>(
  c: Context<Env>,
  reads: LiveReads,
  what: LiveRead<Data>,
  /** `name`: pages of the same name are made alike. */
  made: { readonly name: string; make(data: Data): Html },
): Response {
  return stream(c, async (sse, signal) => {
    let shown = '';
    for await (const reading of reads.follow(what, signal)) {
      if (reading.kind === 'lost') {
        shown = '';
        await sse.writeSSE({ event: 'lost', data: '' });
        continue;
      }
      const data = await reading.made.for(made.name, async () =>
        String(await made.make(reading.data)),
      );
      if (data === shown) continue;
      shown = data;
      await sse.writeSSE({ event: 'parts', data });
    }
  });
}
