// Goal: the checkpointer over a run store, and the engine over the same one, keep off each other; a save is stored once
// whatever becomes of its answer.
import { expect, test } from 'vitest';
import { defineWorkflow, UnavailableError } from 'pawl';
import type { CommitParams } from '../../../../src/core/store.ts';
import { memoryPawl } from '../../../support/memory.ts';

const crawl = defineWorkflow({ name: 'crawl', run: () => Promise.resolve('of the workflow') });

test('a workflow’s run is not taken, shown or deleted by the checkpointer', async () => {
  const { pawl } = memoryPawl();
  const { checkpointer } = pawl;
  await using _ = pawl;
  await pawl.start(crawl, undefined, { id: 'mine' });
  const taken = { code: 'PAWL_RUN_EXISTS', run: 'mine' };
  await expect(checkpointer.claim('mine')).rejects.toMatchObject(taken);
  await expect(checkpointer.claim('mine', { workflow: 'crawl' })).rejects.toMatchObject(taken);
  await expect(checkpointer.deleteRun('mine')).rejects.toMatchObject(taken);
  expect(await checkpointer.loadLatest('mine')).toBe(undefined);
  expect(await checkpointer.info('mine')).toBe(undefined);
  expect((await checkpointer.listRuns()).runs).toEqual([]);
  for await (const event of checkpointer.listEvents('mine')) expect(event).toBe(undefined);
  pawl.worker({ workflows: [crawl] });
  expect(await pawl.run('mine').result()).toBe('of the workflow');
});

test('a loop’s run is not taken by a workflow, not even by one of its name', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const claim = await pawl.checkpointer.claim('loop', { workflow: 'crawl' });
  const taken = { code: 'PAWL_RUN_EXISTS' };
  await expect(pawl.start(crawl, undefined, { id: 'loop' })).rejects.toMatchObject(taken);
  await claim.release();
  await expect(pawl.start(crawl, undefined, { id: 'loop' })).rejects.toMatchObject(taken);
  expect((await pawl.list({ workflow: 'crawl' })).runs).toEqual([]);
  expect(store.nextDueAt(0)).toBe(undefined);
  await pawl.checkpointer.claim('loop');
  await expect(pawl.delete('loop')).rejects.toMatchObject({ code: 'PAWL_RUN_ACTIVE' });
});

test('a finished loop is a result for whoever waits', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const claim = await pawl.checkpointer.claim('loop');
  const result = pawl.run('loop').result();
  await claim.finish({ pages: 3 });
  expect(await result).toEqual({ pages: 3 });
});

test('a save whose answer was lost is sent again, and stored once', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const claim = await pawl.checkpointer.claim('loop');
  const commit = store.commit.bind(store);
  let lost = 0;
  store.commit = async (params) => {
    const outcome = await commit(params);
    lost += 1;
    if (lost % 2 === 1) throw new UnavailableError('commit', 'unknown');
    return outcome;
  };
  expect(await claim.saveEvents([{ type: 'a' }, { type: 'b' }])).toEqual([3, 4]);
  expect((await claim.saveSnapshot({ n: 1 }, { checkpoint: {} })).version).toBe(1);
  expect(lost).toBe(4);
  expect(await pawl.checkpointer.counts('loop')).toEqual({
    events: 5,
    snapshots: 1,
    checkpoints: 1,
  });
});

test('a store that lost what it had acknowledged is noticed', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const claim = await pawl.checkpointer.claim('loop');
  const commit = store.commit.bind(store);
  store.commit = (params) => commit({ ...params, expectedSeq: params.expectedSeq + 5 });
  const rewound = { code: 'PAWL_REWOUND', run: 'loop' };
  await expect(claim.saveEvent({ type: 'a' })).rejects.toMatchObject(rewound);
  store.commit = commit;
  await expect(claim.saveEvent({ type: 'a' })).rejects.toMatchObject(rewound);
  expect(await (await pawl.checkpointer.claim('loop')).saveEvent({ type: 'a' })).toBe(4);
});

test('only the fields of the state that changed travel', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const sent: CommitParams[] = [];
  const commit = store.commit.bind(store);
  store.commit = (params) => {
    sent.push(params);
    return commit(params);
  };
  const claim = await pawl.checkpointer.claim('loop');
  const large = 'x'.repeat(100_000);
  const state = { large, list: [1], gone: true };
  await claim.saveSnapshot(state);
  state.list.push(2);
  await claim.saveSnapshot({ large, list: state.list });
  const next = await pawl.checkpointer.claim('loop');
  await next.saveSnapshot({ large, list: [1, 2, 3] });
  await next.saveSnapshot([1]);
  expect(sent.map(({ snapshot }) => [...(snapshot?.set.keys() ?? [])])).toEqual([
    ['state:large', 'state:list', 'state:gone'],
    ['state:list'],
    ['state:list'],
    ['state'],
  ]);
  expect(sent.map(({ snapshot }) => snapshot?.remove)).toEqual([
    [],
    ['state:gone'],
    [],
    ['state:large', 'state:list'],
  ]);
});

test('a paused loop is not claimed until it is resumed', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const claim = await pawl.checkpointer.claim('loop');
  await claim.release();
  await pawl.run('loop').pause();
  await expect(pawl.checkpointer.claim('loop')).rejects.toMatchObject({ code: 'PAWL_RUN_ACTIVE' });
  await pawl.run('loop').resume();
  expect((await pawl.checkpointer.claim('loop')).seq).toBeGreaterThan(2);
});
