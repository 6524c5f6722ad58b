import { type RunStatus, type RunSummary, toSummary } from '../../core/run.ts';
import type { ListParams } from '../../core/lists.ts';
import type { RunStore } from '../../core/store.ts';
import { rounds } from '../eventually.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  farMs,
  held,
  interruption,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

/** A workflow that no other test has runs of. */
function ownWorkflow(): string {
  return newId('w').slice(0, 30);
}

/** All pages. */
async function listAll(store: RunStore, params: Partial<ListParams>): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  let cursor: string | undefined;
  for (const _ of rounds('listing')) {
    const page = await store.lists.runs({ limit: 500, ...params, ...(cursor && { cursor }) });
    runs.push(...page.runs);
    ({ cursor } = page);
    if (cursor === undefined) break;
  }
  return runs;
}

async function idsOf(store: RunStore, params: Partial<ListParams>): Promise<string[]> {
  return (await listAll(store, params)).map(({ id }) => id);
}

function orders(test: RunStoreTest): void {
  test('the newest run comes first', async ({ store, advance, expect }) => {
    const workflow = ownWorkflow();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.unshift(await created(store, { workflow }));
      await advance(3);
    }
    expect(await idsOf(store, { workflow })).toEqual(ids);
    const mine = (await idsOf(store, {})).filter((id) => ids.includes(id));
    expect(mine).toEqual(ids);
  });

  test('a run keeps its place when its status changes', async (opened) => {
    const { store, advance, expect } = opened;
    const workflow = ownWorkflow();
    const first = await created(store, { workflow });
    await advance(3);
    const second = await created(store, { workflow });
    for (const run of [second, first]) {
      await advance(3);
      await claimed(store, run);
    }
    expect(await idsOf(store, { workflow, status: 'running' })).toEqual([second, first]);
    await advance(3);
    const third = await created(store, { workflow });
    await claimed(store, third);
    expect(await idsOf(store, { workflow, status: 'running' })).toEqual([third, second, first]);
  });

  test('a list has the records as they are now', async ({ store, expect }) => {
    const workflow = ownWorkflow();
    const { id, worker } = await held(store, { create: { workflow, tags: { a: 'b' } } });
    const check = async (): Promise<void> => {
      const record = await store.record(id);
      const listed = await listAll(store, { workflow });
      expect(plain(listed)).toEqual(plain(record && [toSummary(record)]));
    };
    await check();
    await store.fleet.interrupt(interruption(worker));
    await check();
    const { ownership } = await claimed(store, id);
    const { seq = 0 } = (await store.record(id)) ?? {};
    const release = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
    await committed(store, ownership, { expectedSeq: seq, release });
    await check();
    expect((await listAll(store, { workflow }))[0]?.hasOutput).toBe(true);
  });

  test('runs made at the same time are all listed, on one page each', async ({ store, expect }) => {
    const workflow = ownWorkflow();
    const all = await Promise.all(Array.from({ length: 25 }, () => created(store, { workflow })));
    for (const limit of [1, 2, 7, 25, 100]) {
      const listed = await listAll(store, { workflow, limit });
      expect(listed.map(({ id }) => id).sort(), `limit ${limit}`).toEqual([...all].sort());
      const times = listed.map(({ createdAt }) => createdAt);
      expect(times).toEqual([...times].sort((a, b) => b - a));
    }
  });
}

function pages(test: RunStoreTest): void {
  test('a page has as many runs as asked for, and the last one has no cursor', async (opened) => {
    const { store, expect } = opened;
    const workflow = ownWorkflow();
    for (let i = 0; i < 5; i++) await created(store, { workflow });
    const first = await store.lists.runs({ workflow, limit: 3 });
    expect(first.runs.length).toBe(3);
    const { cursor } = first;
    if (cursor === undefined) throw new Error('there must be a second page');
    const second = await store.lists.runs({ workflow, limit: 3, cursor });
    expect(second.runs.length).toBe(2);
    expect(second.cursor).toBe(undefined);
    expect(await store.lists.runs({ workflow: ownWorkflow(), limit: 3 })).toEqual({
      runs: [],
      cursor: undefined,
    });
  });

  test('runs made between two pages shift nothing', async ({ store, advance, expect }) => {
    const workflow = ownWorkflow();
    const make = (): Promise<string> => created(store, { workflow });
    const old = await Promise.all(Array.from({ length: 12 }, make));
    await advance(2);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.lists.runs({ workflow, limit: 4, ...(cursor && { cursor }) });
      seen.push(...page.runs.map(({ id }) => id));
      await Promise.all([make(), make(), make()]);
      ({ cursor } = page);
    } while (cursor !== undefined && seen.length < 100);
    expect(seen.sort()).toEqual(old.sort());
  });

  test('a run deleted between two pages takes no other with it', async ({ store, expect }) => {
    const workflow = ownWorkflow();
    const all = await Promise.all(Array.from({ length: 9 }, () => created(store, { workflow })));
    const first = await store.lists.runs({ workflow, limit: 4 });
    for (const { id } of first.runs) await store.delete(id);
    const { cursor } = first;
    if (cursor === undefined) throw new Error('there must be a second page');
    const rest = await store.lists.runs({ workflow, limit: 100, cursor });
    const seen = [...first.runs, ...rest.runs].map(({ id }) => id);
    expect(seen.sort()).toEqual(all.sort());
  });

  test('a cursor that no page has returned is refused as PAWL_INVALID', async (opened) => {
    const { store, expect } = opened;
    for (const cursor of ['nonsense', 'a:b', '', '12']) {
      const refused = await store.lists.runs({ limit: 3, cursor }).catch((error: unknown) => error);
      expect(refused, `cursor "${cursor}"`).toMatchObject({ code: 'PAWL_INVALID' });
    }
  });
}

function filters(test: RunStoreTest): void {
  test('each status can be listed', async ({ store, expect }) => {
    const workflow = ownWorkflow();
    const queued = await created(store, { workflow });
    const running = await held(store, { create: { workflow } });
    const lost = await held(store, { create: { workflow } });
    await store.fleet.interrupt(interruption(lost.worker));
    const ids: Record<string, string> = { queued, running: running.id, interrupted: lost.id };
    for (const release of [
      parking(),
      { status: 'quarantined', error: bytes('error') },
      { status: 'completed', output: bytes('output'), keepMs: farMs },
      { status: 'failed', error: bytes('error'), keepMs: farMs },
      { status: 'cancelled', error: bytes('error'), keepMs: farMs },
    ] as const) {
      const { id, ownership } = await held(store, { create: { workflow } });
      await committed(store, ownership, { release });
      ids[release.status] = id;
    }
    for (const [name, id] of Object.entries(ids)) {
      const status = name as RunStatus;
      expect(await idsOf(store, { workflow, status }), status).toEqual([id]);
      const mine = (await idsOf(store, { status })).filter((one) =>
        Object.values(ids).includes(one),
      );
      expect(mine, status).toEqual([id]);
    }
  });

  test('workflow, tag and status narrow a list down, alone and together', async (opened) => {
    const { store, expect } = opened;
    const [workflow, other] = [ownWorkflow(), ownWorkflow()];
    const [key, value] = ['k', newId('v')];
    const runs: { id: string; workflow: string; tagged: boolean; running: boolean }[] = [];
    for (const name of [workflow, other]) {
      for (const tagged of [true, false]) {
        for (const running of [true, false, false]) {
          const tags: Record<string, string> = tagged ? { [key]: value, x: 'y' } : { [key]: 'z' };
          const id = await created(store, { workflow: name, tags });
          if (running) await claimed(store, id);
          runs.push({ id, workflow: name, tagged, running });
        }
      }
    }
    const all = runs.map(({ id }) => id);
    const check = async (
      params: Partial<ListParams>,
      fits: (run: (typeof runs)[number]) => boolean,
    ) => {
      const expected = runs.filter(fits).map(({ id }) => id);
      for (const limit of [2, 500]) {
        const found = (await idsOf(store, { ...params, limit })).filter((id) => all.includes(id));
        expect(found.sort(), JSON.stringify(params)).toEqual([...expected].sort());
      }
    };
    const tag = `${key}=${value}`;
    await check({ workflow }, (run) => run.workflow === workflow);
    await check({ tag }, (run) => run.tagged);
    await check({ workflow, tag }, (run) => run.workflow === workflow && run.tagged);
    const status = 'running';
    await check({ status, workflow }, (run) => run.running && run.workflow === workflow);
    await check({ status, tag }, (run) => run.running && run.tagged);
    await check(
      { status, tag, workflow },
      (run) => run.running && run.tagged && run.workflow === workflow,
    );
  });
}

function byTag(test: RunStoreTest): void {
  test('a page is filled although most runs do not fit', async ({ store, expect }) => {
    const workflow = ownWorkflow();
    const tags = { k: newId('v') };
    const fitting = [
      await created(store, { workflow, tags }),
      await created(store, { workflow, tags }),
    ];
    for (let i = 0; i < 9; i++) await created(store, { tags });
    const { runs } = await store.lists.runs({ workflow, tag: `k=${tags.k}`, limit: 2 });
    expect(runs.map(({ id }) => id).sort()).toEqual(fitting.sort());
  });

  test('a tag fits by key and whole value', async ({ store, expect }) => {
    const value = newId('v');
    const id = await created(store, { tags: { k: `${value}=x` } });
    expect(await idsOf(store, { tag: `k=${value}=x` })).toEqual([id]);
    for (const tag of [`k=${value}`, `k=${value}=`, `k=${value}=xx`, `j=${value}=x`]) {
      expect(await idsOf(store, { tag }), tag).toEqual([]);
    }
  });
}

function byParent(test: RunStoreTest): void {
  test('the children of a run are found, in pages, by their status as well, and not once they are gone', async (opened) => {
    const { store, expect } = opened;
    const [parent, other] = [newId('parent'), newId('parent')];
    const children: string[] = [];
    for (let i = 0; i < 5; i++) children.push(await created(store, { parent }));
    await created(store, { parent: other });
    await created(store);
    expect((await idsOf(store, { parent })).sort()).toEqual([...children].sort());
    const [first = '', second = ''] = children;
    await claimed(store, first);
    expect(await idsOf(store, { parent, status: 'running' })).toEqual([first]);
    const page = await store.lists.runs({ parent, limit: 2 });
    expect(page.runs).toHaveLength(2);
    expect(page.runs.every((run) => run.parent === parent)).toBe(true);
    await store.delete(second);
    expect(await idsOf(store, { parent })).not.toContain(second);
    for (const id of children.slice(2)) await store.delete(id);
    expect(await idsOf(store, { parent })).toEqual([first]);
  });

  test('what a child is attached to is kept', async ({ store, expect }) => {
    const run = await created(store, { parent: newId('parent'), attachedTo: 'birth' });
    expect((await store.record(run))?.attachedTo).toBe('birth');
  });
}

export const listTheme: RunStoreTheme = {
  name: 'list',
  parts: [orders, pages, filters, byTag, byParent],
};
