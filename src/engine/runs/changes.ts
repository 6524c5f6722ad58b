/** The changes of a run as somebody outside sees them: announced, and polled for, because an announcement may be lost. */
import type { Clock } from '../../core/clock.ts';
import { detach } from '../../core/detached.ts';
import type { RunStore } from '../../core/store.ts';

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

/** Once at the start, then at every change that may be one `of` this, and every poll, until `signal`. */
export async function* changesOf(
  { store, clock }: { readonly store: RunStore; readonly clock: Clock },
  run: string,
  { signal, of }: { readonly signal: AbortSignal | undefined; readonly of: Watched },
): AsyncGenerator<void, void, undefined> {
  let change = newChange();
  const stop = (): void => change.happen();
  signal?.addEventListener('abort', stop);
  const unwatch = [
    await store.observation.watch(run, (only) => {
      if (of === 'log' || only === undefined) stop();
    }),
  ];
  let isFirst = true;
  // A task rather than a sleep: nothing is due when it comes, and a clock that is moved by hand may pass it by.
  const stopPolling = clock.repeat(async () => {
    if (!isFirst) stop();
    isFirst = false;
    return pollMs;
  });
  try {
    if (of === 'output') unwatch.push(await store.outputs.watch(run, stop));
    const isWanted = (): boolean => signal?.aborted !== true;
    while (isWanted()) {
      change = newChange();
      yield;
      if (isWanted()) await change.happened;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    // Not waited for: who has seen enough need not wait until the store has heard of it.
    detach(Promise.all([stopPolling(), ...unwatch.map((end) => end())]), () => undefined);
  }
}
