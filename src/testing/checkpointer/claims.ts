import {
  type CheckpointerTest,
  type CheckpointerTheme,
  eventsOf,
  everything,
  everyWrite,
  failure,
  newRun,
  newWorkflow,
} from './opened.ts';

function taking(test: CheckpointerTest): void {
  test('a claim makes a run that is not there', async ({ checkpointer, expect }) => {
    const run = newRun();
    const metadata = { topic: 'ratchets', at: new Date(5) };
    const options = { worker: 'me', workflow: 'crawl', tags: { tenant: 'acme' }, metadata };
    const claim = await checkpointer.claim(run, options);
    expect(claim.run).toBe(run);
    expect(claim.state).toBe(undefined);
    expect(claim.version).toBe(0);
    expect(claim.events).toEqual([]);
    expect(claim.fence).toBeGreaterThan(0);
    const { createdAt, updatedAt, ...info } = (await checkpointer.info(run)) ?? {};
    expect(info).toEqual({
      run,
      workflow: 'crawl',
      status: 'running',
      worker: 'me',
      fence: claim.fence,
      seq: claim.seq,
      version: 0,
      tags: { tenant: 'acme' },
      metadata,
      output: undefined,
    });
    expect(updatedAt?.getTime()).toBeGreaterThanOrEqual(createdAt?.getTime() ?? Infinity);
  });

  test('a later claim goes on where the one before was', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const first = await checkpointer.claim(run);
    await first.saveEvent({ type: 'a', data: 1 });
    await first.saveSnapshot({ n: 1 });
    await first.saveEvents([{ type: 'b', data: 2 }, { type: 'c' }]);
    const second = await other.claim(run);
    expect(second.fence).toBeGreaterThan(first.fence);
    expect(second.state).toEqual({ n: 1 });
    expect(second.version).toBe(1);
    expect(second.events.map(({ type, data }) => [type, data])).toEqual([
      ['b', 2],
      ['c', undefined],
    ]);
    expect(await second.saveEvent({ type: 'd' })).toBe(second.seq);
  });

  test('the log says who claimed, and when', async ({ checkpointer, expect }) => {
    const run = newRun();
    await checkpointer.claim(run, { worker: 'one' });
    const { fence } = await checkpointer.claim(run, { worker: 'two' });
    const events = await eventsOf(checkpointer, run);
    expect(events.map(({ type, seq }) => [seq, type])).toEqual([
      [1, 'run.created'],
      [2, 'run.claimed'],
      [3, 'run.claimed'],
    ]);
    expect(events[2]).toMatchObject({ data: { worker: 'two' }, fence });
  });

  test('of many claims at once the newest wins, and only that one writes', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? checkpointer : other).claim(run)),
    );
    const newest = Math.max(...claims.map(({ fence }) => fence));
    expect(new Set(claims.map(({ fence }) => fence)).size).toBe(8);
    const writes = claims.map(async (claim) =>
      claim.saveEvent({ type: 'mine', data: claim.fence }).then(
        () => 'saved',
        (error: unknown) => (error as { code?: string }).code,
      ),
    );
    for (const [i, outcome] of (await Promise.all(writes)).entries()) {
      expect(outcome).toBe(claims[i]?.fence === newest ? 'saved' : 'PAWL_FENCED');
    }
    const events = await eventsOf(checkpointer, run);
    expect(events.filter(({ type }) => type === 'mine').map(({ data }) => data)).toEqual([newest]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  });
}

function refusing(test: CheckpointerTest): void {
  test('whatever a stale claim writes is refused, and nothing is written', async (opened) => {
    const { checkpointer, other, expect } = opened;
    for (const [what, write] of everyWrite) {
      const run = newRun();
      const stale = await checkpointer.claim(run);
      await stale.saveSnapshot({ n: 1 }, { checkpoint: { label: 'before' } });
      const { fence } = await other.claim(run);
      const before = await everything(checkpointer, run);
      const error = await failure(write(stale));
      expect(error, what).toMatchObject({ code: 'PAWL_FENCED', run, current: fence });
      expect(await everything(checkpointer, run), what).toEqual(before);
      expect((await failure(write(stale))).code, what).toBe('PAWL_FENCED');
    }
  });

  test('a finished run is not claimed again', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveEvent({ type: 'a' });
    await claim.finish({ pages: 3 });
    const info = await other.info(run);
    expect(info).toMatchObject({ status: 'completed', output: { pages: 3 }, worker: undefined });
    expect((await eventsOf(other, run)).at(-1)?.type).toBe('run.completed');
    expect((await failure(other.claim(run))).code).toBe('PAWL_RUN_ENDED');
  });

  test('a claim that is over writes nothing more', async ({ checkpointer, expect }) => {
    for (const end of ['finish', 'release'] as const) {
      const claim = await checkpointer.claim(newRun());
      await claim[end]();
      for (const [what, write] of everyWrite) {
        expect((await failure(write(claim))).code, what).toBe('PAWL_CLOSED');
      }
    }
  });

  test('a released run is free, and claimed again', async ({ checkpointer, other, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot([1, 2]);
    await claim[Symbol.asyncDispose]();
    expect(await other.info(run)).toMatchObject({ status: 'queued', worker: undefined });
    expect((await other.claim(run)).state).toEqual([1, 2]);
    // Disposing of a claim that was lost is no error.
    await claim[Symbol.asyncDispose]();
  });

  test('a run keeps the workflow, tags and metadata it began with', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const workflow = newWorkflow();
    await checkpointer.claim(run, { workflow, tags: { a: 'b' }, metadata: 1 });
    expect((await failure(checkpointer.claim(run, { workflow: 'another' }))).code).toBe(
      'PAWL_RUN_EXISTS',
    );
    await checkpointer.claim(run, { tags: { c: 'd' }, metadata: 2 });
    expect(await checkpointer.info(run)).toMatchObject({ workflow, tags: { a: 'b' }, metadata: 1 });
  });

  test('ids and names that do not fit are refused', async ({ checkpointer, expect }) => {
    for (const run of ['', 'a/b', '../up', 'x'.repeat(129)]) {
      expect((await failure(checkpointer.claim(run))).code, run).toBe('PAWL_INVALID');
    }
    expect((await failure(checkpointer.claim(newRun(), { workflow: 'a b' }))).code).toBe(
      'PAWL_INVALID',
    );
  });

  test('ids of dots are ids like any other', async ({ checkpointer, expect }) => {
    for (const run of ['..', '.', '.new']) {
      const claim = await checkpointer.claim(run);
      await claim.saveSnapshot(run);
      expect((await checkpointer.loadLatest(run))?.state).toBe(run);
      const { runs } = await checkpointer.listRuns({ limit: 500 });
      expect(runs.some((one) => one.run === run)).toBe(true);
      expect(await checkpointer.deleteRun(run)).toBe(true);
    }
  });
}

export const claimsTheme: CheckpointerTheme = { name: 'claims', parts: [taking, refusing] };
