/**
 * The changes of a run as somebody outside sees them: announced, and polled for, because an announcement may be lost.
 *
 * Who waits for the end of a run that a worker of this process holds is told by that worker, and subscribes to nothing. When
 * that takes longer than the time of a poll, the run is watched as any other: the worker may have lost it unawares.
 */
import type { Clock } from '../../core/clock.ts';
import { detach } from '../../core/detached.ts';
import type { EndRecord } from '../../core/run.ts';
import type { RunStore } from '../../core/store.ts';
import type { RunsHere } from '../runs-here.ts';

/** Announcements may be lost, so a waiting caller also looks by itself. */
const pollMs = 1000;

interface Change {
  readonly happened: Promise<void>;
  readonly happen: () => void;
}

function newChange(): Change {
  let happen: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}

/** What somebody waits for: its log, what it gives out, or its end. */
type Watched = 'log' | 'output' | 'end';

/** What is needed to see changes; `here` where a worker of this process may hold the run. */
export interface ChangeSources {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly here?: RunsHere | undefined;
}

/**
 * Once at the start, then at every change that may be one `of` this, and every poll, until `signal`. Of an end that this
 * process has stored, or whose announcement tells it, the end itself.
 */
export async function* changesOf(
  { store, clock, here }: ChangeSources,
  run: string,
  { signal, of }: { readonly signal: AbortSignal | undefined; readonly of: Watched },
): AsyncGenerator<EndRecord | undefined, void, undefined> {
  const local = of === 'end' ? here : undefined;
  let change = newChange();
  let end: EndRecord | undefined;
  const stop = (): void => change.happen();
  signal?.addEventListener('abort', stop);
  const unwatch: (() => unknown)[] = [];
  const unlisten = local?.listen(run, (told) => {
    end ??= told;
    stop();
  });
  if (unlisten !== undefined) unwatch.push(unlisten);
  const isWanted = (): boolean => signal?.aborted !== true;
  try {
    if (local?.isHeld(run) === true && isWanted()) {
      const stopWaiting = clock.soon(pollMs, stop);
      await change.happened;
      stopWaiting();
      if (end !== undefined) {
        yield end;
        return;
      }
    }
    unwatch.push(
      await store.observation.watch(run, (only, told) => {
        if (of === 'end') end ??= told;
        // Of what it does itself this process hears sooner than of what is announced.
        const isKnownHere = only === undefined && local?.isHeld(run) === true;
        if (of === 'log' || (only === undefined && !isKnownHere)) stop();
      }),
    );
    let isFirst = true;
    // A task rather than a sleep: nothing is due when it comes, and a clock that is moved by hand may pass it by.
    unwatch.push(
      clock.repeat(async () => {
        if (!isFirst) stop();
        isFirst = false;
        return pollMs;
      }),
    );
    if (of === 'output') unwatch.push(await store.outputs.watch(run, stop));
    while (isWanted()) {
      change = newChange();
      yield end;
      if (isWanted()) await change.happened;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    // Not waited for: who has seen enough need not wait until the store has heard of it.
    detach(Promise.all(unwatch.map((over) => over())), () => undefined);
  }
}
