import { eventually } from '../eventually.ts';
import { cancellation, message } from './messages.ts';
import {
  bytes,
  committed,
  created,
  held,
  newId,
  type RunStoreCase,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

/** A worker that has appeared and holds a run; what it was asked so far. */
async function listening({ store }: RunStoreCase) {
  const worker = newId('worker');
  const asked: (string | undefined)[] = [];
  await store.fleet.register(worker, (run) => asked.push(run));
  const { id, ownership } = await held(store, { claim: { worker } });
  return { worker, id, ownership, asked };
}

function whoHolds(test: RunStoreTest): void {
  const wants = [
    ['a message', (store, run) => store.post(message(run))],
    ['a cancel', (store, run) => store.cancel(cancellation(run))],
    ['a pause', (store, run) => store.pause(run, bytes('why'))],
  ] as const satisfies readonly (readonly [
    string,
    (store: RunStoreCase['store'], run: string) => Promise<unknown>,
  ])[];
  for (const [what, want] of wants) {
    test(`the worker that holds a run is told of ${what}`, async (opened) => {
      const { store, expect } = opened;
      const { worker, id, asked } = await listening(opened);
      const other = await listening(opened);
      await want(store, id);
      await eventually(opened, `${worker} is asked`, () => asked.includes(id) || undefined);
      expect(asked.every((run) => run === id)).toBe(true);
      // One that is told of everything would look after everything.
      expect(other.asked).toEqual([]);
      await store.fleet.deregister(worker);
      await store.fleet.deregister(other.worker);
    });
  }

  test('nobody is told of a run that nobody holds', async (opened) => {
    const { store, expect } = opened;
    const { worker, id, ownership, asked } = await listening(opened);
    await committed(store, ownership, { release: parking() });
    for (const [, want] of wants) {
      await want(store, id);
      await want(store, await created(store));
    }
    // A later message to the same worker comes after those that must not come.
    const last = await held(store, { claim: { worker } });
    await store.post(message(last.id));
    await eventually(opened, `${worker} is asked`, () => asked.includes(last.id) || undefined);
    expect(asked).toEqual([last.id]);
    await store.fleet.deregister(worker);
  });
}

export const nudgesTheme: RunStoreTheme = { name: 'nudges', parts: [whoHolds] };
