import {
  type CheckpointerTest,
  type CheckpointerTheme,
  eventsOf,
  everyWrite,
  failure,
  newRun,
  newWorkflow,
} from './opened.ts';

/** More than the coarsest clock of a file system. */
const apartMs = 20;

function listing(test: CheckpointerTest): void {
  test('the run that was updated last comes first', async (opened) => {
    const { checkpointer, other, advance, expect } = opened;
    const workflow = newWorkflow();
    const [a, b, c] = [newRun(), newRun(), newRun()];
    const order = async (): Promise<string[]> => {
      const { runs } = await other.listRuns({ workflow });
      return runs.map(({ run }) => run);
    };
    const claim = await checkpointer.claim(a, { workflow });
    await advance(apartMs);
    await checkpointer.claim(b, { workflow });
    await advance(apartMs);
    const last = await checkpointer.claim(c, { workflow });
    expect(await order()).toEqual([c, b, a]);
    await advance(apartMs);
    await claim.saveSnapshot({ n: 1 });
    expect(await order()).toEqual([a, c, b]);
    await advance(apartMs);
    await other.claim(b);
    expect(await order()).toEqual([b, a, c]);
    await advance(apartMs);
    await last.finish();
    expect(await order()).toEqual([c, b, a]);
  });

  test('runs are listed by workflow and status, page by page', async (opened) => {
    const { checkpointer, advance, expect } = opened;
    const workflow = newWorkflow();
    const runs = Array.from({ length: 5 }, newRun);
    for (const [i, run] of runs.entries()) {
      const claim = await checkpointer.claim(run, { workflow });
      if (i % 2 === 0) await claim.release();
      await advance(apartMs);
    }
    await checkpointer.claim(newRun(), { workflow: newWorkflow() });
    const free = await checkpointer.listRuns({ workflow, status: 'queued' });
    expect(free.runs.map(({ run }) => run)).toEqual([runs[4], runs[2], runs[0]]);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await checkpointer.listRuns({ workflow, limit: 2, ...(cursor && { cursor }) });
      expect(page.runs.length).toBeLessThanOrEqual(2);
      found.push(...page.runs.map(({ run }) => run));
      ({ cursor } = page);
    } while (cursor !== undefined && found.length < 10);
    expect(found).toEqual(runs.toReversed());
    for (const options of [{ limit: 0 }, { limit: 501 }, { cursor: 'x' }]) {
      expect((await failure(checkpointer.listRuns(options))).code).toBe('PAWL_INVALID');
    }
  });

  test('counts of events, snapshots and checkpoints', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const before = claim.seq;
    await claim.saveEvents([{ type: 'a' }, { type: 'b' }]);
    await claim.saveSnapshot({ n: 1 });
    await claim.saveSnapshot({ n: 2 }, { checkpoint: {} });
    const events = before + 2 + 1; // The mark of the checkpoint is one of them.
    expect(await checkpointer.counts(run)).toEqual({ events, snapshots: 2, checkpoints: 1 });
  });
}

function absent(test: CheckpointerTest): void {
  test('of a run that is not there there is none, and it is no error', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    expect(await checkpointer.loadLatest(run)).toBe(undefined);
    expect(await checkpointer.info(run)).toBe(undefined);
    expect(await eventsOf(checkpointer, run)).toEqual([]);
    expect(await checkpointer.checkpoints(run)).toEqual([]);
    expect(await checkpointer.latestCheckpoint(run)).toBe(undefined);
    expect(await checkpointer.counts(run)).toBe(undefined);
    expect(await checkpointer.deleteRun(run)).toBe(false);
  });

  test('a deleted run is gone, and its id begins anew', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveEvent({ type: 'a' });
    await claim.saveSnapshot({ n: 1 }, { checkpoint: { node: 'x' } });
    await claim.release();
    expect(await other.deleteRun(run)).toBe(true);
    expect(await other.deleteRun(run)).toBe(false);
    expect(await other.loadLatest(run)).toBe(undefined);
    expect(await other.checkpoints(run)).toEqual([]);
    const again = await other.claim(run);
    expect(again).toMatchObject({ state: undefined, version: 0, seq: 2, events: [] });
    expect(await other.checkpoints(run)).toEqual([]);
  });

  test('deleting a run shuts out whoever has it', async ({ checkpointer, other, expect }) => {
    for (const [what, write] of everyWrite) {
      const run = newRun();
      const claim = await checkpointer.claim(run);
      expect(await other.deleteRun(run)).toBe(true);
      expect((await failure(write(claim))).code, what).toBe('PAWL_RUN_NOT_FOUND');
      expect(await other.info(run)).toBe(undefined);
    }
    const run = newRun();
    const stale = await checkpointer.claim(run);
    await other.deleteRun(run);
    const claim = await other.claim(run);
    expect((await failure(stale.saveEvent({ type: 'a' }))).code).toBe('PAWL_FENCED');
    expect(await claim.saveEvent({ type: 'a' })).toBe(3);
  });
}

function damaged(test: CheckpointerTest): void {
  test('an event that cannot be read is named, and never skipped', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveEvents([
      { type: 'a', data: { n: 1 } },
      { type: 'b', data: { n: 2 } },
    ]);
    const named = await opened.damageEvent(run);
    const calls = [
      () => eventsOf(checkpointer, run),
      () => checkpointer.loadLatest(run),
      () => checkpointer.claim(run),
    ];
    for (const call of calls) {
      const { code, message } = await failure(call());
      expect(code).toBe('PAWL_CORRUPT');
      expect(message).toContain(named);
    }
  });

  test('a snapshot that cannot be read is named, and not taken for none', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot({ n: 1 });
    const named = await opened.damageState(run);
    for (const call of [() => checkpointer.loadLatest(run), () => checkpointer.claim(run)]) {
      const { code, message } = await failure(call());
      expect(code).toBe('PAWL_CORRUPT');
      expect(message).toContain(named);
    }
  });
}

export const runsTheme: CheckpointerTheme = { name: 'runs', parts: [listing, absent, damaged] };
