import { cancellation, checkWhole, message, wakeUpOf } from './messages.ts';
import { admitted, atWork, dueTurns, granted, keyed, newWorkflow } from './keyed.ts';
import {
  bytes,
  claimed,
  claiming,
  committed,
  dueOf,
  everything,
  farMs,
  interruption,
  newId,
  parking,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

function claims(test: RunStoreTest): void {
  test('a run with a key is claimed only with a turn', async ({ store, expect }) => {
    const run = await keyed(store, newWorkflow(), { priority: 7 });
    const { birth } = run;
    const before = await everything(store, run.run);
    const refused = await store.claim(claiming(run.run));
    const needs = { key: 'acme', birth, begun: false, priority: 7 };
    expect(refused).toEqual({ outcome: 'unadmitted', needs });
    expect(await everything(store, run.run)).toEqual(before);
    const turn = await admitted(store, run);
    const { record } = await claimed(store, run.run);
    expect(record).toMatchObject({ key: 'acme', turn: turn.turn, status: 'running' });
  });

  test('whoever needs a turn is told so by what is due', async ({ store, advance, expect }) => {
    const run = await keyed(store, newWorkflow(), { resendMs: 0 });
    await advance(5);
    const wakeUp = await wakeUpOf(store, run.run);
    const needsTurn = { key: 'acme', birth: run.birth, begun: false };
    expect(await dueOf(store, run.run)).toEqual({ ...wakeUp, needsTurn });
    const turn = await granted(store, run);
    await store.turns.admit(turn, 0);
    await advance(5);
    expect(await dueOf(store, run.run)).toEqual(wakeUp);
  });

  test('an admitted run is due again after the given time', async ({ store, advance, expect }) => {
    const run = await keyed(store, newWorkflow());
    await store.turns.admit(await granted(store, run), 50);
    expect(await dueOf(store, run.run)).toBe(undefined);
    await advance(200);
    expect((await dueOf(store, run.run))?.run).toBe(run.run);
  });

  test('a handler that goes on without a turn has woken its run', async ({ store, expect }) => {
    const { keyed: run, ownership, turn } = await atWork(store, newWorkflow());
    const wait = { kind: 'signal', name: 'w', on: ['never'], since: 1 } as const;
    await committed(store, ownership, {
      expectedSeq: 2,
      release: parking({ waits: [wait], mayGoOn: true }),
    });
    await store.turns.leave(run, turn.turn);
    const { fence } = ownership;
    const again = claiming(run.run, { expectedFence: fence, reclaim: true });
    expect((await store.claim(again)).outcome).toBe('unadmitted');
    await admitted(store, run, { state: 'begun' });
    const { record } = await claimed(store, run.run);
    expect(record.status).toBe('running');
  });
}

function admitting(test: RunStoreTest): void {
  test('a turn is had once, however often it is admitted', async ({ store, expect }) => {
    const run = await keyed(store, newWorkflow());
    const turn = await granted(store, run);
    const wakeUp = await wakeUpOf(store, run.run);
    for (const _ of [1, 2]) {
      expect(await store.turns.admit(turn, farMs)).toEqual({ outcome: 'admitted', wakeUp });
    }
    await claimed(store, run.run);
    expect(await store.turns.admit(turn, farMs)).toEqual({ outcome: 'kept' });
  });

  test('a turn that was given up is never had again', async ({ store, expect }) => {
    const { keyed: run, ownership, turn } = await atWork(store, newWorkflow());
    await committed(store, ownership, { release: { ...parking(), wakeMs: 0 } });
    expect((await store.record(run.run))?.turn).toBe(undefined);
    // The run is awake and needs a turn: a late admit of the old one must not be taken for a new one.
    expect(await store.turns.admit(turn, farMs)).toEqual({ outcome: 'useless' });
    expect((await store.claim(claiming(run.run))).outcome).toBe('unadmitted');
  });

  test('a turn that was useless once is never had', async ({ store, expect }) => {
    const run = await keyed(store, newWorkflow());
    const turn = await granted(store, run);
    await store.pause(run.run, bytes('who'));
    expect(await store.turns.admit(turn, farMs)).toEqual({ outcome: 'useless' });
    await store.resume(run.run, bytes('who'));
    expect(await store.turns.admit(turn, farMs)).toEqual({ outcome: 'useless' });
    expect((await store.claim(claiming(run.run))).outcome).toBe('unadmitted');
  });

  test('a run of another birth takes no turn', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const run = await keyed(store, workflow);
    const turn = await granted(store, run);
    await store.delete(run.run);
    const { birth } = await keyed(store, workflow, { run: run.run });
    expect(birth).not.toBe(run.birth);
    expect(await store.turns.admit(turn, farMs)).toEqual({ outcome: 'useless' });
    expect(await store.turns.admit({ ...turn, run: newId('none') }, farMs)).toEqual({
      outcome: 'useless',
    });
  });

  test('a run that sleeps takes no turn', async ({ store, expect }) => {
    const { keyed: run, ownership, turn } = await atWork(store, newWorkflow());
    await committed(store, ownership, { release: parking() });
    const later = { ...turn, turn: turn.turn + 1_000_000 };
    expect(await store.turns.admit(later, farMs)).toEqual({ outcome: 'useless' });
    expect((await store.record(run.run))?.turn).toBe(undefined);
  });

  test('a newer turn takes the place of the one that a run has', async ({ store, expect }) => {
    const run = await keyed(store, newWorkflow());
    const first = await admitted(store, run);
    const second = await granted(store, run);
    expect(second.turn).toBeGreaterThan(first.turn);
    expect((await store.turns.admit(second, farMs)).outcome).toBe('admitted');
    expect((await store.record(run.run))?.turn).toBe(second.turn);
    expect(await store.turns.admit(first, farMs)).toEqual({ outcome: 'useless' });
    await claimed(store, run.run);
    await checkWhole(store, expect, run.run);
  });
}

function keeping(test: RunStoreTest): void {
  test('a run that has ended, waits or is quarantined has no turn', async ({ store, expect }) => {
    const error = bytes('error');
    const releases = [
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error, keepMs: farMs },
      { status: 'cancelled', error, keepMs: farMs },
      { status: 'quarantined', error },
      parking({ wakeMs: farMs }),
      parking({ why: 'retry', wakeMs: 0 }),
    ] as const;
    for (const release of releases) {
      const { keyed: run, ownership } = await atWork(store, newWorkflow());
      await committed(store, ownership, { release });
      expect((await store.record(run.run))?.turn, release.status).toBe(undefined);
    }
  });

  test('a run that is handed back or lost keeps its turn', async ({ store, expect }) => {
    const back = await atWork(store, newWorkflow());
    await committed(store, back.ownership, { release: { status: 'queued', resendMs: farMs } });
    const worker = newId('worker');
    const lost = await atWork(store, newWorkflow(), { claim: { worker } });
    await store.fleet.interrupt(interruption(worker));
    for (const { keyed: run, turn } of [back, lost]) {
      expect((await store.record(run.run))?.turn).toBe(turn.turn);
      expect((await store.turns.admit(turn, farMs)).outcome).toBe('admitted');
      expect((await claimed(store, run.run)).record.turn).toBe(turn.turn);
    }
  });

  test('a lost run that is quarantined has no turn', async ({ store, expect }) => {
    const worker = newId('worker');
    const { keyed: run } = await atWork(store, newWorkflow(), { claim: { worker } });
    const evidence = { quarantineAfter: 1, evidence: run.run };
    await store.fleet.interrupt(interruption(worker, evidence));
    expect(await store.record(run.run)).toMatchObject({ status: 'quarantined', turn: undefined });
  });

  test('a run that is paused at work gives its turn up when it is handed back', async (opened) => {
    const { store, expect } = opened;
    const { keyed: run, ownership } = await atWork(store, newWorkflow());
    expect(await store.pause(run.run, bytes('who'))).toEqual({
      outcome: 'paused',
      status: 'running',
    });
    await committed(store, ownership, { release: { status: 'queued', resendMs: farMs } });
    expect((await store.record(run.run))?.turn).toBe(undefined);
  });

  test('whoever cancels, pauses or deletes a run learns of its key', async ({ store, expect }) => {
    const workflow = newWorkflow();
    const make = async (): Promise<Parameters<typeof admitted>[1]> => {
      const run = await keyed(store, workflow, { key: newId('key') });
      await admitted(store, run);
      return run;
    };
    const cancelled = await make();
    const request = cancellation(cancelled.run);
    for (const _ of [1, 2]) {
      expect(await store.cancel(request)).toEqual({ outcome: 'cancelled', keyed: cancelled });
    }
    expect((await store.record(cancelled.run))?.turn).toBe(undefined);
    const paused = await make();
    for (const _ of [1, 2]) {
      const told = { outcome: 'paused', status: 'queued', keyed: paused };
      expect(await store.pause(paused.run, bytes('who'))).toEqual(told);
    }
    expect((await store.record(paused.run))?.turn).toBe(undefined);
    const gone = await make();
    expect(await store.delete(gone.run)).toEqual({ outcome: 'deleted', keyed: gone });
  });

  test('a run that is woken needs a turn again', async ({ store, expect }) => {
    const { keyed: run, ownership } = await atWork(store, newWorkflow());
    const wait = { kind: 'signal', name: 'w', on: ['go'], since: 1 } as const;
    await committed(store, ownership, { release: parking({ waits: [wait] }) });
    const posted = await store.post(message(run.run));
    const needsTurn = { key: 'acme', birth: run.birth, begun: true };
    expect(posted).toMatchObject({ outcome: 'posted', woken: true, wakeUp: { needsTurn } });
    expect(await store.claim(claiming(run.run))).toEqual({
      outcome: 'unadmitted',
      needs: { ...needsTurn, priority: 0 },
    });
  });

  test('runs are listed by their key, whatever their workflow', async ({ store, expect }) => {
    const key = newId('key');
    const one = await keyed(store, newWorkflow(), { key });
    const two = await keyed(store, newWorkflow(), { key });
    await keyed(store, two.workflow, { key: newId('other') });
    const all = await store.lists.runs({ key, limit: 10 });
    expect(all.runs.map(({ id }) => id).sort()).toEqual([one.run, two.run].sort());
    expect(all.runs.every((run) => run.key === key)).toBe(true);
    const some = await store.lists.runs({ key, workflow: two.workflow, limit: 10 });
    expect(some.runs.map(({ id }) => id)).toEqual([two.run]);
    await store.delete(one.run);
    const left = await store.lists.runs({ key, limit: 10 });
    expect(left.runs.map(({ id }) => id)).toEqual([two.run]);
  });

  test('an ended run leaves nothing that is looked at for ever', async (opened) => {
    const { store, expect } = opened;
    const workflow = newWorkflow();
    const { keyed: run, ownership, turn } = await atWork(store, workflow);
    await committed(store, ownership, {
      release: { status: 'completed', output: bytes('output'), keepMs: farMs },
    });
    expect(await dueTurns(store, workflow, true)).toEqual({ granted: [], doubtful: [run.run] });
    await store.turns.leave(run, turn.turn);
    expect(await dueTurns(store, workflow, true)).toEqual({ granted: [], doubtful: [] });
  });
}

export const turnsTheme: RunStoreTheme = {
  name: 'turns of runs',
  parts: [claims, admitting, keeping],
};
