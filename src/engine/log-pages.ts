/** The events of a run that was loaded, page by page, up to where its record says that the log ends. */
import type { StoredEvent } from '../core/event.ts';
import { fixedLimits } from '../core/limits.ts';
import type { LoadedRun, RunStore } from '../core/store.ts';
import { hole } from './holes.ts';

/**
 * Each page is asked for before the one before it is looked at, not after. `after`: the seq that the first page follows.
 * @throws CorruptionError when events are missing.
 */
export async function* pagesOf(
  store: Pick<RunStore, 'events'>,
  { record, events }: LoadedRun,
  after: number,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  let last = events.at(-1)?.seq ?? after;
  let page: readonly StoredEvent[] = events;
  while (last < record.seq) {
    const limit = Math.min(fixedLimits.eventsPerPage, record.seq - last);
    const next = store.events({ run: record.id, after: last, limit });
    // Whoever stops at a corrupt event does not wait for it.
    next.catch(() => undefined);
    yield page;
    page = await next;
    if (page[0]?.seq !== last + 1) throw hole(record.id, last + 1);
    last = page.at(-1)?.seq ?? last;
  }
  yield page;
}
