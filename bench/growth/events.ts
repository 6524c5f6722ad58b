/** Events of one run: what it costs to write to it, to take it over, and to read its end, by the length of its log. */
import { newToken } from '../../src/engine/token.ts';
import { ClaimedRun, encoded, openStore } from '../claimed-run.ts';
import { eventData } from '../payloads.ts';
import { type Curve, type Field, timeOf, warmedUp } from './curve.ts';

const batch = 250;

export async function growthOfEvents({ url, quick }: Field): Promise<Omit<Curve, 'name'>> {
  const sizes = quick ? [10, 100, 1_000, 10_000] : [10, 100, 1_000, 10_000, 100_000];
  const calls = quick ? 30 : 150;
  const store = await openStore(url);
  const event = { type: 'note', data: encoded(eventData) };
  const points: { at: number; values: Record<string, number> }[] = [];
  for (const [turn, at] of warmedUp(sizes).entries()) {
    const id = `long-${turn}`;
    let run = await ClaimedRun.claim(store, id);
    for (let written = 0; written < at; written += batch) {
      await run.commit(Array.from({ length: Math.min(batch, at - written) }, () => event));
    }
    // As the engine leaves it: a snapshot covers the log.
    const snapshot = { schema: 1, set: new Map([['state:count', encoded(at)]]), remove: [] };
    await run.commit([], snapshot);
    const commit = await timeOf(calls, () => run.commit([event]));
    await run.commit([], snapshot);
    const load = await timeOf(calls, () => store.load(id));
    const tail = await timeOf(calls, () => store.events({ run: id, after: at - 5, limit: 20 }));
    // A whole take-over: taken from the worker, and claimed by another.
    const takeOver = await timeOf(calls, async () => {
      await store.fleet.interrupt({
        worker: 'bench',
        reason: 'presence-lost',
        lastSeenAt: 0,
        resendMs: 60_000,
        quarantineAfter: 1_000_000,
        limit: 10,
        runs: [id],
      });
      const found = await store.claim({
        run: id,
        worker: 'bench',
        codeVersion: 1,
        token: newToken(),
      });
      if (found.outcome !== 'claimed') throw new Error(`the run was ${found.outcome}`);
      run = ClaimedRun.from(store, found);
      await run.commit([], snapshot);
    });
    points.push({
      at,
      values: {
        commit,
        'load from its snapshot': load,
        'read its end': tail,
        'take over': takeOver,
      },
    });
    await run.end();
  }
  await store.close();
  const title = 'One operation, by the events of its run';
  return { title, x: 'events in the log', unit: 'ms', points: points.slice(1) };
}
