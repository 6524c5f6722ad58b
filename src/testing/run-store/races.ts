import type { StoredEvent } from '../../core/event.ts';
import type { CommitOutcome } from '../../core/store.ts';
import { rounds } from '../eventually.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  created,
  creation,
  event,
  farMs,
  held,
  interruption,
  loaded,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const many = 20;

/** The seqs must be dense, and after each raised fence no event of an earlier one may follow. */
function problemsOf(events: readonly StoredEvent[]): string[] {
  return events.flatMap((one, i) => {
    const before = events[i - 1];
    if (one.seq !== i + 1) return [`seq ${one.seq} stands at place ${i + 1}`];
    if (before !== undefined && one.fence < before.fence) return [`seq ${one.seq} is a zombie's`];
    return [];
  });
}

function sameCall(test: RunStoreTest): void {
  test('of many claims one is granted', async ({ store, expect }) => {
    for (const expectedFence of [undefined, 0]) {
      const run = await created(store);
      const outcomes = await Promise.all(
        Array.from({ length: many }, () =>
          store.claim(claiming(run, expectedFence === undefined ? {} : { expectedFence })),
        ),
      );
      const granted = outcomes.filter(({ outcome }) => outcome === 'claimed');
      expect(granted.length).toBe(1);
      const { record, events } = await loaded(store, run);
      expect(record).toMatchObject({ status: 'running', seq: 2 });
      expect(events.length).toBe(2);
      for (const refused of outcomes.filter((outcome) => !granted.includes(outcome))) {
        if (refused.outcome === 'stale') expect(refused.fence).toBe(record.fence);
        else expect(refused).toEqual({ outcome: 'held', worker: record.worker });
      }
    }
  });

  test('of many commits at one place one is stored', async ({ store, expect }) => {
    const snapshot = { schema: 1, set: new Map([['state:a', bytes('1')]]), remove: [] };
    for (const extra of [{}, { snapshot }]) {
      const { id, ownership } = await held(store);
      const outcomes = await Promise.all(
        Array.from({ length: many }, (_, i) =>
          store.commit(commit(ownership, { events: [event(`by-${i}`)], ...extra })),
        ),
      );
      const winners = outcomes.flatMap(({ outcome }, i) => (outcome === 'committed' ? [i] : []));
      expect(winners.length).toBe(1);
      const conflict: CommitOutcome = { outcome: 'conflict', seq: 3 };
      const others = outcomes.filter((_, i) => !winners.includes(i));
      expect(others).toEqual(others.map(() => conflict));
      const events = await store.events({ run: id, after: 2, limit: 100 });
      expect(events.map(({ type }) => type)).toEqual([`by-${winners[0]}`]);
      expect((await loaded(store, id)).record.version).toBe('snapshot' in extra ? 1 : 0);
    }
  });

  test('of many creates of one id one makes the run', async ({ store, expect }) => {
    const run = newId('run');
    const outcomes = await Promise.all(
      Array.from({ length: many }, (_, i) => store.create(creation({ run, input: bytes(`${i}`) }))),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'created').length).toBe(1);
    const record = plain(await store.record(run));
    for (const outcome of outcomes) expect(plain(outcome.record)).toEqual(record);
    expect((await loaded(store, run)).events.length).toBe(1);
  });
}

function interruptsAndDue(test: RunStoreTest): void {
  test('of many interrupts each run is taken by one', async ({ store, expect }) => {
    const worker = newId('worker');
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.push((await held(store, { claim: { worker } })).id);
    const taken = await Promise.all(
      Array.from({ length: many }, () => store.fleet.interrupt(interruption(worker, { limit: 5 }))),
    );
    expect(taken.flatMap((runs) => runs.map(({ run }) => run)).sort()).toEqual(ids.sort());
    for (const id of ids) {
      expect((await loaded(store, id)).record).toMatchObject({ losses: 1, seq: 3 });
    }
  });

  test('of many who ask what is due, one is given each run', async ({ store, expect }) => {
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.push(await created(store, { resendMs: 0 }));
    const found = await Promise.all(
      Array.from({ length: many }, () => store.fleet.due({ limit: 500, resendMs: farMs })),
    );
    const mine = found
      .flatMap((runs) => runs.map(({ run }) => run))
      .filter((id) => ids.includes(id));
    expect(mine.sort()).toEqual(ids.sort());
  });
}

function differentCalls(test: RunStoreTest): void {
  test('nothing is written by a worker after its run was taken, however close', async (opened) => {
    const { store, expect } = opened;
    for (let round = 0; round < 10; round++) {
      const { id, ownership, worker } = await held(store);
      const write = async (): Promise<number> => {
        for (const written of rounds('writing')) {
          const params = { expectedSeq: written + 2, events: [event('work')] };
          const { outcome } = await store.commit(commit(ownership, params));
          if (outcome !== 'committed') return written;
        }
        return 0;
      };
      const takeOver = async (): Promise<void> => {
        for (const _ of rounds('waiting for writes', 10_000)) {
          if ((await loaded(store, id)).record.seq >= 3 + round) break;
        }
        await store.fleet.interrupt(interruption(worker));
        await claimed(store, id);
      };
      const [acknowledged] = await Promise.all([write(), takeOver()]);
      const events = await store.events({ run: id, after: 0, limit: 1000 });
      expect(problemsOf(events)).toEqual([]);
      // All that was acknowledged is there, and nothing else of it.
      expect(events.filter(({ type }) => type === 'work').length).toBe(acknowledged);
      const types = events.slice(-2).map(({ type }) => type);
      expect(types).toEqual(['run.interrupted', 'run.claimed']);
    }
  });

  test('a release and a loss at the same time: one of them happens', async ({ store, expect }) => {
    for (let round = 0; round < 10; round++) {
      const { id, ownership, worker } = await held(store);
      const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
      const calls = [
        () => store.commit(commit(ownership, { events: [event('last')], release })),
        () => store.fleet.interrupt(interruption(worker)),
      ] as const;
      const [outcome, taken] =
        round % 2 === 0
          ? await Promise.all([calls[0](), calls[1]()])
          : await Promise.all([calls[1](), calls[0]()]).then(
              ([runs, done]) => [done, runs] as const,
            );
      const { record } = await loaded(store, id);
      if (outcome.outcome === 'committed') {
        expect(taken).toEqual([]);
        expect(record.status).toBe('completed');
      } else {
        expect(outcome).toEqual({ outcome: 'fenced', fence: record.fence, applied: false });
        expect(taken.map(({ run }) => run)).toEqual([id]);
        expect(record).toMatchObject({ status: 'interrupted', output: undefined });
      }
    }
  });
}

function owners(test: RunStoreTest): void {
  test('a claim and a deletion at the same time: one of them happens', async (opened) => {
    const { store, expect } = opened;
    for (let round = 0; round < 10; round++) {
      const run = await created(store);
      const params = claiming(run);
      const calls = [store.claim(params), store.delete(run)] as const;
      const [claim, deletion] = await Promise.all(calls);
      if (claim.outcome === 'claimed') {
        expect(deletion).toEqual({ outcome: 'active', worker: params.worker });
        expect((await loaded(store, run)).record.status).toBe('running');
      } else {
        expect(claim).toEqual({ outcome: 'missing' });
        expect(deletion).toEqual({ outcome: 'deleted' });
      }
    }
  });

  test('two owners never write to one run, whoever comes and goes', async ({ store, expect }) => {
    const run = await created(store);
    let acknowledged = 0;
    const work = async (worker: string): Promise<void> => {
      for (let turn = 0; turn < 6; turn++) {
        const claim = await store.claim(claiming(run, { worker }));
        if (claim.outcome !== 'claimed') continue;
        let { seq } = claim.record;
        for (let i = 0; i < 3; i++) {
          const params = { expectedSeq: seq, events: [event('work')] };
          const outcome = await store.commit(commit(claim.ownership, params));
          if (outcome.outcome !== 'committed') break;
          ({ seq } = outcome);
          acknowledged += 1;
        }
        const release = { status: 'queued', resendMs: farMs } as const;
        await store.commit(commit(claim.ownership, { expectedSeq: seq, release }));
      }
    };
    const workers = Array.from({ length: 5 }, () => newId('worker'));
    const disturb = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        for (const worker of workers) {
          await store.fleet.interrupt(interruption(worker, { quarantineAfter: 1000 }));
        }
      }
    };
    await Promise.all([...workers.map(work), disturb()]);
    const events = await store.events({ run, after: 0, limit: 1000 });
    expect(problemsOf(events)).toEqual([]);
    expect(events.filter(({ type }) => type === 'work').length).toBe(acknowledged);
    expect(events.length).toBe((await loaded(store, run)).record.seq);
  });
}

export const racesTheme: RunStoreTheme = {
  name: 'races',
  parts: [sameCall, interruptsAndDue, differentCalls, owners],
};
