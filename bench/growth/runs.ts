/** Runs stored: what each operation costs beside 100 to 100,000 others, all indexed and all due some day. */
import { ClaimedRun, encoded, openStore } from '../claimed-run.ts';
import { eventData } from '../payloads.ts';
import type { RedisRunStore } from '../../src/redis/run-store.ts';
import { newToken } from '../../src/engine/token.ts';
import { type Curve, type Field, timeOf, warmedUp } from './curve.ts';

const nothing = encoded(null);
const atOnce = 200;
const tomorrow = 24 * 3_600_000;

/** `delayMs`: the run waits for it, as most stored runs do. */
function create(store: RedisRunStore, run: string, delayMs?: number): Promise<unknown> {
  const resendMs = 60_000;
  return store.create({
    run,
    workflow: 'bench',
    input: nothing,
    tags: { tenant: 'acme' },
    data: nothing,
    resendMs,
    token: newToken(),
    ...(delayMs === undefined ? {} : { delayMs }),
  });
}

export async function growthOfRuns({ url, quick }: Field): Promise<Omit<Curve, 'name'>> {
  const sizes = quick ? [100, 1_000, 10_000] : [100, 1_000, 10_000, 100_000];
  const calls = quick ? 30 : 150;
  const store = await openStore(url);
  const points: { at: number; values: Record<string, number> }[] = [];
  const worker = { id: 'bench', host: 'here', pid: 1, workflows: { bench: 1 }, concurrency: 1 };
  await store.fleet.register('bench');
  let stored = 0;
  let made = 0;
  for (const [turn, at] of warmedUp(sizes).entries()) {
    while (stored < at) {
      const more = Math.min(atOnce, at - stored);
      const first = stored;
      await Promise.all(
        Array.from({ length: more }, (_, i) =>
          create(store, `stored-${first + i}`, tomorrow + first + i),
        ),
      );
      stored += more;
    }
    const fresh: string[] = [];
    const start = await timeOf(calls, () => {
      fresh.push(`fresh-${made++}`);
      return create(store, fresh.at(-1) ?? '');
    });
    const claim = await timeOf(Math.floor(calls / 2), () =>
      store.claim({ run: fresh.pop() ?? '', worker: 'bench', codeVersion: 1, token: newToken() }),
    );
    const claimed = await ClaimedRun.claim(store, `written-${turn}`);
    const event = { type: 'note', data: encoded(eventData) };
    const commit = await timeOf(calls, () => claimed.commit([event]));
    const list = await timeOf(calls, () => store.lists.runs({ status: 'waiting', limit: 20 }));
    const tagged = await timeOf(calls, () => store.lists.runs({ tag: 'tenant=acme', limit: 20 }));
    const due = await timeOf(calls, () => store.fleet.due({ limit: 200, resendMs: 3_000 }));
    const beat = await timeOf(calls, () =>
      store.fleet.beat({ ...worker, active: 0, loopLagMs: 0 }, 15_000),
    );
    const look = await timeOf(calls, () => store.fleet.elect('bench', 500));
    const values = { start, claim, commit, list, 'list by tag': tagged, due, beat, look };
    points.push({ at, values });
  }
  await store.close();
  const title = 'One operation, by the runs that are stored';
  return { title, x: 'runs stored', unit: 'ms', points: points.slice(1) };
}
