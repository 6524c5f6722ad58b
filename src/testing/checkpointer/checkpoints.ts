import { type CheckpointerTest, type CheckpointerTheme, failure, newRun } from './opened.ts';

function keeping(test: CheckpointerTest): void {
  test('a kept snapshot has a handle, and all that was said of it', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot({ n: 0 });
    const metadata = { loss: 0.5, at: new Date(7) };
    const keep = { node: 'train', label: 'epoch 5', metadata };
    const saved = await claim.saveSnapshot({ n: 1 }, { checkpoint: keep });
    const { checkpoint = '' } = saved;
    expect(saved).toEqual({ seq: claim.seq, version: 2, checkpoint });
    const [kept, ...more] = await other.checkpoints(run);
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ id: checkpoint, seq: claim.seq, version: 2, ...keep });
    expect(kept?.bytes).toBeGreaterThan(0);
    expect(kept?.at.toISOString()).toContain('T');
    expect(await other.loadCheckpoint(run, checkpoint)).toEqual({ n: 1 });
  });

  test('the log has a mark of each kept snapshot', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot({ n: 1 }, { checkpoint: { node: 'a', metadata: [1] } });
    for await (const event of checkpointer.listEvents(run, { since: claim.seq - 1 })) {
      expect(event).toMatchObject({ type: 'checkpoint.saved', data: { node: 'a', metadata: [1] } });
    }
    expect((await checkpointer.loadLatest(run))?.events).toEqual([]);
  });

  test('a kept snapshot stays as it was, whatever is saved later', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const states = [{ a: 1, b: [1] }, { a: 1, c: 2 }, [1, 2], { b: 3 }, {}, { a: 1 }];
    const handles: string[] = [];
    for (const [i, state] of states.entries()) {
      const { checkpoint = '' } = await claim.saveSnapshot(state, {
        checkpoint: { label: `${i}` },
      });
      handles.push(checkpoint);
      await claim.saveSnapshot({ between: i });
    }
    for (const [i, handle] of handles.entries()) {
      expect(await other.loadCheckpoint(run, handle), `state ${i}`).toEqual(states[i]);
    }
    expect(new Set(handles).size).toBe(states.length);
  });
}

function finding(test: CheckpointerTest): void {
  test('kept snapshots are listed newest first, by node and by label', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    for (const [n, node] of ['load', 'train', 'load', 'train', 'train'].entries()) {
      await claim.saveSnapshot({ n }, { checkpoint: { node, label: n < 3 ? 'early' : 'late' } });
    }
    const all = await other.checkpoints(run);
    expect(all.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
    const nodes = await other.checkpoints(run, { node: 'load' });
    expect(nodes.map(({ version }) => version)).toEqual([3, 1]);
    const both = await other.checkpoints(run, { node: 'train', label: 'late' });
    expect(both.map(({ version }) => version)).toEqual([5, 4]);
    const page = await other.checkpoints(run, { limit: 2 });
    const next = await other.checkpoints(run, { limit: 2, before: page.at(-1)?.id ?? '' });
    expect([...page, ...next]).toEqual(all.slice(0, 4));
    // The list of nodes, each with its newest checkpoint.
    const newest = new Map(all.toReversed().map(({ node, id }) => [node, id]));
    expect([...newest]).toEqual([
      ['load', all[2]?.id],
      ['train', all[0]?.id],
    ]);
  });

  test('the latest of all, of a node, of a label; none if absent', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    expect(await other.latestCheckpoint(run)).toBe(undefined);
    await claim.saveSnapshot({ n: 1 }, { checkpoint: { node: 'a', label: 'x' } });
    await claim.saveSnapshot({ n: 2 }, { checkpoint: { node: 'b' } });
    await claim.saveSnapshot({ n: 3 });
    expect((await other.latestCheckpoint(run))?.version).toBe(2);
    expect((await other.latestCheckpoint(run, { node: 'a' }))?.version).toBe(1);
    expect((await other.latestCheckpoint(run, { label: 'x' }))?.version).toBe(1);
    expect(await other.latestCheckpoint(run, { node: 'none' })).toBe(undefined);
    expect(await other.latestCheckpoint(run, { node: 'b', label: 'x' })).toBe(undefined);
  });

  test('a handle that is none is refused', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot({ n: 1 });
    const { checkpoint = '' } = await claim.saveSnapshot({ n: 2 }, { checkpoint: {} });
    for (const id of ['', '1-0', '9-0', '../../snapshot', 'x']) {
      expect((await failure(checkpointer.loadCheckpoint(run, id))).code, id).toBe('PAWL_INVALID');
    }
    const elsewhere = checkpointer.loadCheckpoint(newRun(), checkpoint);
    expect((await failure(elsewhere)).code).toBe('PAWL_INVALID');
  });
}

export const checkpointsTheme: CheckpointerTheme = {
  name: 'checkpoints',
  parts: [keeping, finding],
};
