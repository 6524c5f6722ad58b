/**
 * The timeline of a run: who held it, and what each step, node, wait and child of it did when. Pure: made of events alone,
 * and of what the record and the worker say about now.
 *
 * A step is not written down when it begins. Its bar begins as long before its end as its worker has measured; where an
 * older pawl has written it, at the event before.
 */
import type { RunEvent } from '../../core/event.ts';
import { isOver } from '../../core/run.ts';
import type { RunDetails } from '../../engine/runs/run-info.ts';
import { Owners } from './owner-track.ts';
import type { Timeline } from './timeline.ts';
import { Tracks } from './tracks.ts';

type Now = Pick<RunDetails, 'status' | 'seq' | 'atWork' | 'waits' | 'worker'>;

/** Events in the order of the log, without gaps; undefined for none. `now` is the time of the store. */
export function timelineOf(
  events: readonly RunEvent[],
  run: Now,
  now: number,
): Timeline | undefined {
  const [first] = events;
  const last = events.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const isNewest = last.seq >= run.seq;
  const isOpen = isNewest && !isOver(run.status);
  const begin = first.at.getTime();
  const tracks = new Tracks();
  const owners = new Owners(first.seq === 1);
  const marks: { at: number; seq: number; what: string }[] = [];
  let before = begin;
  for (const event of events) {
    owners.take(event);
    tracks.take(event, before);
    const { type, seq } = event;
    if (type === 'checkpoint.saved' || type === 'signal.received') {
      marks.push({ at: event.at.getTime(), seq, what: type.split('.')[0] ?? '' });
    }
    before = event.at.getTime();
  }
  if (isOpen) {
    for (const { name, attempt, since } of run.atWork) {
      tracks.atWork(name, attempt, since.getTime());
    }
    for (const wait of run.waits) tracks.waits(wait, wait.since.getTime());
  }
  const end = isOpen ? Math.max(now, before) : before;
  const isHeld = isOpen && run.worker !== undefined;
  const drawn = tracks.drawn(end, isOpen);
  return {
    from: Math.min(begin, ...drawn.flatMap(({ bars }) => bars.map(({ from }) => from))),
    to: end,
    isOpen,
    ...owners.drawn(end, isHeld),
    tracks: drawn,
    marks,
  };
}
