// Goal: who waits for an end in the process that brings it about hears of it there, and of nothing that is not stored.
// Method: the real waiting over the memory store; what it asks the store is counted.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { changesOf } from '../../../../src/engine/runs/changes.ts';
import { RunsHere } from '../../../../src/engine/runs-here.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';

const run = 'r';
const completed = { status: 'completed', output: new Uint8Array([1]), keepMs: 1000 } as const;
const end = { status: 'completed', output: new Uint8Array([1]), error: undefined };

/** Waits for the end of the run; `seen` has what was told, undefined for each look that is to be taken. */
function opened({ held }: { readonly held: boolean }) {
  const here = new RunsHere();
  const store = new MemoryRunStore();
  const watched = vi.spyOn(store.observation, 'watch');
  if (held) here.hold(run);
  const stop = new AbortController();
  const seen: unknown[] = [];
  const waiting = (async () => {
    const about = { signal: stop.signal, of: 'end' } as const;
    for await (const told of changesOf({ store, clock: systemClock, here }, run, about)) {
      seen.push(told);
      if (told !== undefined) return;
    }
  })();
  return { here, watched, seen, stop, waiting };
}

test('the end of a run that is held here is told, and the store is asked nothing', async () => {
  const { here, watched, seen, waiting } = opened({ held: true });
  here.released(run, { status: 'waiting', why: 'retry', wakeMs: 1, waits: [] });
  here.released('another', completed);
  await sleep(5);
  expect(seen).toEqual([]);
  here.released(run, completed);
  await waiting;
  expect(seen).toEqual([end]);
  expect(watched).not.toHaveBeenCalled();
});

test('a run that is let go of without an end is looked for in the store', async () => {
  const { here, watched, seen, stop, waiting } = opened({ held: true });
  here.leave(run);
  await vi.waitFor(() => expect(seen).toEqual([undefined]));
  expect(watched).toHaveBeenCalledTimes(1);
  stop.abort();
  await waiting;
});

test('one that is held here and is never heard of is looked for all the same', async () => {
  const { watched, seen, stop, waiting } = opened({ held: true });
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0), { timeout: 5000 });
  expect(watched).toHaveBeenCalledTimes(1);
  stop.abort();
  await waiting;
});

test('a run that comes here while it is waited for is told of as well', async () => {
  const { here, seen, waiting } = opened({ held: false });
  await vi.waitFor(() => expect(seen).toEqual([undefined]));
  here.hold(run);
  here.released(run, completed);
  await waiting;
  expect(seen).toEqual([undefined, end]);
});
