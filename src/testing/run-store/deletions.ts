import type { DeletionRecord } from '../../core/deletions.ts';
import type { RunStore } from '../../core/store.ts';
import { rounds } from '../eventually.ts';
import {
  bytes,
  created,
  held,
  hex,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

/** The deletions of a workflow, from all pages; each must be no longer than was asked for. */
async function deletionsOf(
  store: RunStore,
  workflow: string,
  limit = 500,
): Promise<DeletionRecord[]> {
  const found: DeletionRecord[] = [];
  let cursor: string | undefined;
  for (const _ of rounds('listing deletions')) {
    const page = await store.lists.deletions({
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (page.deletions.length > limit) throw new Error('a page is too long');
    found.push(...page.deletions);
    ({ cursor } = page);
    if (cursor === undefined) break;
  }
  return found.filter((one) => one.workflow === workflow);
}

function kept(test: RunStoreTest): void {
  test('a deletion that was asked for is kept, the last one first', async (opened) => {
    const { store, advance, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const before = await store.observation.now();
    const runs: string[] = [];
    for (let i = 0; i < 7; i++) {
      const run = await created(store, { workflow });
      runs.unshift(run);
      expect(await store.delete(run, bytes(`why ${i}`))).toEqual({ outcome: 'deleted' });
      await advance(2);
    }
    for (const limit of [500, 3]) {
      const found = await deletionsOf(store, workflow, limit);
      expect(
        found.map(({ run }) => run),
        `limit ${limit}`,
      ).toEqual(runs);
      expect(found.map(({ data }) => hex(data))).toEqual(
        runs.map((_, i) => hex(bytes(`why ${6 - i}`))),
      );
      const times = found.map(({ at }) => at);
      expect(times).toEqual([...times].sort((a, b) => b - a));
      expect(Math.min(...times)).toBeGreaterThanOrEqual(before);
    }
  });

  test('many at the same time are each shown once, on pages of any length', async (opened) => {
    const { store, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const runs = await Promise.all(Array.from({ length: 12 }, () => created(store, { workflow })));
    await Promise.all(runs.map((run) => store.delete(run, bytes('why'))));
    for (const limit of [1, 5]) {
      const found = await deletionsOf(store, workflow, limit);
      expect(found.map(({ run }) => run).sort(), `limit ${limit}`).toEqual([...runs].sort());
    }
  });

  test('one that nobody asked for, or that was refused, or is repeated, is not kept', async (opened) => {
    const { store, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const [expired, asked] = [
      await created(store, { workflow }),
      await created(store, { workflow }),
    ];
    const { id } = await held(store, { create: { workflow } });
    await store.delete(expired);
    await store.delete(expired, bytes('too late'));
    expect((await store.delete(id, bytes('at work'))).outcome).toBe('active');
    await store.delete(asked, bytes('first'));
    await store.delete(asked, bytes('again'));
    const found = await deletionsOf(store, workflow);
    expect(found.map(({ run, data }) => [run, hex(data)])).toEqual([[asked, hex(bytes('first'))]]);
  });

  test('a cursor, or a limit, that does not fit is refused as PAWL_INVALID', async (opened) => {
    const { store, expect } = opened;
    const cursors = ['', 'x', '12:run', '1-2', '1-x:run'].map((cursor) => ({ limit: 3, cursor }));
    for (const query of [...cursors, { limit: 0 }, { limit: 501 }]) {
      const refused = await store.lists.deletions(query).catch((error: unknown) => error);
      expect(refused, JSON.stringify(query)).toMatchObject({ code: 'PAWL_INVALID' });
    }
  });

  test('the time is that at which runs are created', async ({ store, advance, expect }) => {
    const before = await store.observation.now();
    const { record } = await held(store);
    const after = await store.observation.now();
    expect(record.createdAt).toBeGreaterThanOrEqual(before);
    expect(record.createdAt).toBeLessThanOrEqual(after);
    await advance(5);
    expect(await store.observation.now()).toBeGreaterThanOrEqual(after + 4);
  });
}

export const deletionsTheme: RunStoreTheme = { name: 'deletions', parts: [kept] };
