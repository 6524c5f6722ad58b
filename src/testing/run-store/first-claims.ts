/** Runs that are claimed in the step that makes them. */
import type { ClaimedRun } from '../../core/store.ts';
import {
  claiming,
  committed,
  creation,
  dueOf,
  event,
  everything,
  held,
  hex,
  interruption,
  newId,
  plain,
  type RunStoreTest,
} from './opened.ts';

/** A store may leave it out: then it makes a run that is to be claimed by itself. */
export function firstClaims(test: RunStoreTest): void {
  const first = () => ({ worker: newId('worker'), codeVersion: 2, token: newId('token') });

  test('a run may be claimed in the step that makes it, as if by a claim of its own', async (opened) => {
    const { store, expect } = opened;
    const claim = first();
    const made = await store.create(creation({ claim, resendMs: 0 }));
    const { record } = made;
    const own = made.outcome === 'created' ? made.claimed : undefined;
    if (own === undefined) return;
    const {
      id: _id,
      worker: _worker,
      ...other
    } = await held(store, { claim: { ...claim, token: newId('token') } });
    const { id } = record;
    expect(plain(await store.record(id))).toEqual(plain(record));
    expect(plain(own.record)).toEqual(plain(record));
    expect(own.ownership).toEqual({ run: id, fence: record.fence, owner: claim.token });
    expect(plain(own.events)).toEqual(plain(await store.events({ run: id, after: 0, limit: 10 })));
    const shape = (run: ClaimedRun): unknown => ({
      ...run,
      ownership: 0,
      record: Object.keys(run.record).toSorted(),
      now: 0,
      events: run.events.map(({ type, seq, data }) => [type, seq, hex(data)]),
    });
    expect(shape(own)).toEqual(shape(other));
    expect(await dueOf(store, id)).toBe(undefined);
    expect(await store.fleet.held(claim.worker)).toContain(id);
    expect(await store.claim(claiming(id))).toEqual({ outcome: 'held', worker: claim.worker });
    expect(await committed(store, own.ownership, { events: [event('own')] })).toBe(3);
  });

  test('a repeated call is answered by the same claim, and by none after somebody took the run', async (opened) => {
    const { store, expect } = opened;
    const claim = first();
    const params = creation({ claim });
    const made = await store.create(params);
    if (made.outcome !== 'created' || made.claimed === undefined) return;
    const before = await everything(store, params.run);
    expect(plain(await store.create(params))).toEqual(plain(made));
    expect(await everything(store, params.run)).toEqual(before);
    const { claim: _, ...without } = params;
    const others = await store.create({ ...without, claim: first() });
    expect('claimed' in others).toBe(false);
    await store.fleet.interrupt(interruption(claim.worker));
    const late = await store.create(params);
    expect('claimed' in late).toBe(false);
    expect(late.record.status).toBe('interrupted');
    expect((await store.create(creation({ run: params.run, claim }))).outcome).toBe('exists');
  });
}
