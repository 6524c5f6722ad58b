import type { RunSummary } from '../../core/run.ts';
import type { RunQuery } from '../../core/run-query.ts';
import type { ListParams } from '../../core/lists.ts';
import type { RunStore } from '../../core/store.ts';
import { rounds } from '../eventually.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  farMs,
  newId,
  type RunStoreTest,
  type RunStoreTheme,
  parking,
} from './opened.ts';

/** All pages; each must be no longer than was asked for. */
async function search(
  store: RunStore,
  query: RunQuery,
  { limit = 500, between }: { limit?: number; between?: () => Promise<void> } = {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (const _ of rounds('listing')) {
    const params: ListParams = { ...query, limit, ...(cursor === undefined ? {} : { cursor }) };
    const page = await store.lists.runs(params);
    if (page.runs.length > limit) throw new Error(`a page of ${limit} has ${page.runs.length}`);
    ids.push(...page.runs.map(({ id }) => id));
    ({ cursor } = page);
    if (cursor === undefined) break;
    await between?.();
  }
  return ids;
}

function conditions(test: RunStoreTest): void {
  test('several statuses are listed as one list, the newest run first', async (opened) => {
    const { store, advance, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const runs: string[] = [];
    for (let i = 0; i < 6; i++) {
      runs.unshift(await created(store, { workflow }));
      await advance(2);
    }
    const [f = '', , d = '', , b = ''] = runs;
    for (const run of [d, b, f]) {
      const { ownership } = await claimed(store, run);
      if (run === b) continue;
      const release = { status: 'failed', error: bytes('error'), keepMs: farMs } as const;
      await committed(store, ownership, { release });
    }
    for (const limit of [1, 2, 500]) {
      const found = await search(store, { workflow, status: ['running', 'failed'] }, { limit });
      expect(found, `limit ${limit}`).toEqual([f, d, b]);
      expect(await search(store, { workflow, status: ['failed'] }, { limit })).toEqual([f, d]);
    }
    expect(await search(store, { workflow, status: ['queued', 'failed', 'running'] })).toEqual(
      runs,
    );
    expect(await search(store, { workflow, status: ['queued', 'queued'] })).toHaveLength(3);
    expect(await search(store, { workflow, status: [] })).toEqual([]);
  });

  test('ids are found by how they begin', async ({ store, advance, expect }) => {
    const base = newId('p');
    const ids = ['a', 'a-1', 'a-2', 'ab', 'b'].map((end) => `${base}.${end}`);
    // Not in the order of ids: the list is in that of creation.
    for (const end of [3, 0, 4, 1, 2]) {
      await created(store, { run: ids[end] ?? '' });
      await advance(2);
    }
    const [a, a1, a2, ab, b] = ids;
    expect(await search(store, { idPrefix: `${base}.a` })).toEqual([a2, a1, a, ab]);
    expect(await search(store, { idPrefix: `${base}.a-` }, { limit: 1 })).toEqual([a2, a1]);
    expect(await search(store, { idPrefix: base }, { limit: 2 })).toEqual([a2, a1, b, a, ab]);
    expect(await search(store, { idPrefix: `${base}.c` })).toEqual([]);
    await store.delete(a1 ?? '');
    expect(await search(store, { idPrefix: `${base}.a-` })).toEqual([a2]);
  });

  test('the runs of a worker are those it holds now', async ({ store, advance, expect }) => {
    const worker = newId('worker');
    const [first, second, other] = [
      await created(store),
      await created(store),
      await created(store),
    ];
    await advance(2);
    const third = await created(store);
    const { ownership } = await claimed(store, first, { worker });
    await claimed(store, second, { worker });
    await claimed(store, third, { worker });
    await claimed(store, other);
    expect(new Set(await search(store, { worker }))).toEqual(new Set([first, second, third]));
    expect((await search(store, { worker, status: 'running' }, { limit: 1 }))[0]).toBe(third);
    expect(await search(store, { worker, status: 'queued' })).toEqual([]);
    await committed(store, ownership, { release: { status: 'queued', resendMs: farMs } });
    expect(new Set(await search(store, { worker }))).toEqual(new Set([second, third]));
    expect(await search(store, { worker: newId('worker') })).toEqual([]);
  });

  test('a range of time holds its first moment and not its last', async (opened) => {
    const { store, advance, expect } = opened;
    const workflow = newId('w').slice(0, 30);
    const runs: RunSummary[] = [];
    for (let i = 0; i < 4; i++) {
      await created(store, { workflow });
      await advance(3);
    }
    runs.push(...(await store.lists.runs({ workflow, limit: 4 })).runs);
    const [d, c, b, a] = runs.map(({ id }) => id);
    const at = (i: number): number => runs[i]?.createdAt ?? 0;
    expect(await search(store, { workflow, since: at(2) })).toEqual([d, c, b]);
    expect(await search(store, { workflow, until: at(2) })).toEqual([a]);
    expect(await search(store, { workflow, until: at(2) + 1 })).toEqual([b, a]);
    expect(await search(store, { workflow, since: at(2), until: at(0) }, { limit: 1 })).toEqual([
      c,
      b,
    ]);
    expect(await search(store, { workflow, since: at(0) + 1 })).toEqual([]);
    expect(await search(store, { workflow, since: at(1), until: at(1) })).toEqual([]);
  });

  test('a status, or a time, that there is not, is refused as PAWL_INVALID', async (opened) => {
    const { store, expect } = opened;
    for (const query of [
      { status: 'lost' },
      { status: ['queued', 'x:y'] },
      { since: 1.5 },
      { until: NaN },
    ]) {
      const params = { ...query, limit: 1 } as unknown as ListParams;
      const refused = await store.lists.runs(params).catch((error: unknown) => error);
      expect(refused, JSON.stringify(query)).toMatchObject({ code: 'PAWL_INVALID' });
    }
  });
}

/** Numbers below `n` that look random, and are the same in every run of the suite. */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

interface World {
  readonly base: string;
  readonly workflows: readonly string[];
  readonly workers: readonly string[];
}

/** Runs of all kinds: what is true of each is read from its record afterwards. */
async function populate(
  store: RunStore,
  size: number,
  pick: (n: number) => number,
): Promise<World> {
  const base = newId('s');
  const workflows = ['a', 'b', 'c'].map((name) => `${name}${base}`.slice(0, 40));
  const workers = ['x', 'y'].map((name) => `${name}-${base}`);
  for (let i = 0; i < size; i++) {
    const run = `${base}.${pick(3)}.${pick(4)}.${i}`;
    const tags = { group: base, ...(pick(2) === 0 ? { k: `v${pick(3)}` } : {}) };
    await created(store, { run, workflow: workflows[pick(3)] ?? '', tags });
    if (pick(3) === 0) continue;
    const { ownership } = await claimed(store, run, { worker: workers[pick(2)] ?? '' });
    const kind = pick(5);
    const error = bytes('error');
    if (kind === 1) await committed(store, ownership, { release: parking() });
    if (kind === 2) {
      await committed(store, ownership, { release: { status: 'failed', error, keepMs: farMs } });
    }
    if (kind === 3) {
      await committed(store, ownership, { release: { status: 'quarantined', error } });
    }
  }
  return { base, workflows, workers };
}

function randomQuery(
  world: World,
  all: readonly RunSummary[],
  pick: (n: number) => number,
): RunQuery {
  const statuses = ['queued', 'running', 'waiting', 'failed', 'quarantined', 'completed'] as const;
  const time = (): number => (all[pick(all.length)]?.createdAt ?? 0) + pick(3) - 1;
  const some = (share: number): boolean => pick(share) === 0;
  const [workflow = '', worker = '', prefix = ''] = [
    world.workflows[pick(3)],
    world.workers[pick(2)],
    [`${world.base}.1`, `${world.base}.2.0`, `${world.base}.0.3.1`][pick(3)],
  ];
  const status = some(2) ? statuses.filter(() => some(2)) : statuses[pick(6)];
  return {
    ...(some(2) && status !== undefined ? { status } : {}),
    ...(some(3) ? { workflow } : {}),
    tag: some(3) ? `k=v${pick(3)}` : `group=${world.base}`,
    ...(some(4) ? { worker } : {}),
    // Always something that keeps the runs of others out.
    idPrefix: some(2) ? prefix : world.base,
    ...(some(3) ? { since: time() } : {}),
    ...(some(3) ? { until: time() } : {}),
  };
}

/** What a query means, said once more and in another way. */
function plainFilter(all: readonly RunSummary[], query: RunQuery): string[] {
  let left = [...all];
  if (query.status !== undefined) {
    const wanted = new Set<string>([query.status].flat());
    left = left.filter(({ status }) => wanted.has(status));
  }
  if (query.workflow !== undefined) left = left.filter((run) => run.workflow === query.workflow);
  if (query.tag !== undefined) {
    left = left.filter((run) =>
      Object.entries(run.tags).some(([key, value]) => `${key}=${value}` === query.tag),
    );
  }
  if (query.worker !== undefined) left = left.filter((run) => run.worker === query.worker);
  const { idPrefix = '', since = 0, until = Infinity } = query;
  return left
    .filter(({ id }) => id.slice(0, idPrefix.length) === idPrefix)
    .filter(({ createdAt }) => since <= createdAt && createdAt < until)
    .map(({ id }) => id);
}

function combinations(test: RunStoreTest): void {
  test('every combination of conditions finds what a filter of all records finds', async (opened) => {
    const { store, expect } = opened;
    const pick = numbers(20_260_801);
    const world = await populate(store, 60, pick);
    const all = (await store.lists.runs({ idPrefix: world.base, limit: 500 })).runs;
    expect(all.length).toBe(60);
    let found = 0;
    for (let i = 0; i < 150; i++) {
      const query = randomQuery(world, all, pick);
      const limit = [1, 3, 7, 50][pick(4)] ?? 1;
      const expected = plainFilter(all, query);
      found += expected.length > 0 ? 1 : 0;
      expect(await search(store, query, { limit }), JSON.stringify(query)).toEqual(expected);
    }
    expect(found).toBeGreaterThan(50);
  });

  test('while runs come, go and change, those that stay are each shown once', async (opened) => {
    const { store, expect } = opened;
    const pick = numbers(7);
    const base = newId('s');
    const make = async (i: number): Promise<string> =>
      created(store, { run: `${base}.${pick(1000)}.${i}`, tags: { k: base } });
    const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => make(i)));
    const staying = new Set(ids.filter((_, i) => i % 4 !== 0));
    const leaving = ids.filter((id) => !staying.has(id));
    const changing = [...staying];
    let made = 100;
    const between = async (): Promise<void> => {
      const gone = leaving.splice(pick(leaving.length), 1)[0];
      if (gone !== undefined) await store.delete(gone);
      if (made < 110) await make(made++);
      const run = changing.splice(pick(changing.length), 1)[0];
      if (run !== undefined) await claimed(store, run);
    };
    const queries: RunQuery[] = [
      { idPrefix: base },
      { tag: `k=${base}`, status: ['queued', 'running'] },
    ];
    for (const query of queries) {
      const seen = await search(store, query, { limit: 3, between });
      expect(new Set(seen).size).toBe(seen.length);
      expect([...staying].filter((id) => !seen.includes(id))).toEqual([]);
    }
  });
}

export const searchTheme: RunStoreTheme = { name: 'search', parts: [conditions, combinations] };
