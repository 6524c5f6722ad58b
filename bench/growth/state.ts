/** Bytes of a run's state, in 200 keys: what a save and a load cost. One grows with what changed, the other with all. */
import { ClaimedRun, encoded, openStore } from '../claimed-run.ts';
import { eventData, makeState, stateKey, stateKeys, stateValue } from '../payloads.ts';
import { type Curve, type Field, timeOf, warmedUp } from './curve.ts';

export async function growthOfState({ url, quick }: Field): Promise<Omit<Curve, 'name'>> {
  const sizes = [1_000, 10_000, 100_000, 1_000_000, ...(quick ? [] : [5_000_000])];
  const store = await openStore(url);
  const event = { type: 'note', data: encoded(eventData) };
  const points: { at: number; values: Record<string, number> }[] = [];
  for (const [turn, at] of warmedUp(sizes).entries()) {
    const calls = Math.max(10, Math.min(quick ? 20 : 100, Math.floor(20_000_000 / at)));
    const id = `state-${turn}`;
    const run = await ClaimedRun.claim(store, id);
    const whole = new Map(
      Object.entries(makeState(at)).map(([key, value]) => [`state:${key}`, encoded(value)]),
    );
    const all = { schema: 1, set: whole, remove: [], full: true };
    await run.commit([], all);
    let saves = 0;
    const one = await timeOf(calls, () => {
      saves += 1;
      const key = `state:${stateKey(saves % stateKeys)}`;
      const set = new Map([[key, encoded(stateValue(at, saves))]]);
      return run.commit([], { schema: 1, set, remove: [] });
    });
    const saveAll = await timeOf(calls, () => run.commit([], all));
    const load = await timeOf(calls, () => store.load(id));
    const commit = await timeOf(calls, () => run.commit([event]));
    const values = {
      'save all keys': saveAll,
      load,
      'save one key of 200': one,
      'commit an event': commit,
    };
    points.push({ at, values });
    await run.end();
  }
  await store.close();
  const title = 'One operation, by the size of the state';
  return { title, x: 'bytes of state', unit: 'ms', log: true, points: points.slice(1) };
}
