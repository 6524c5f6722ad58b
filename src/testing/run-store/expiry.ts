import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { Ownership, RunStore } from '../../core/store.ts';
import {
  bytes,
  committed,
  held,
  newId,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

type Fields = ReadonlyMap<string, Uint8Array>;

/** A run that is saved, kept and forgotten, and what its checkpoints must hold. */
class Kept {
  readonly run: string;
  readonly checkpoints = new Map<string, Fields>();
  readonly #store: RunStore;
  readonly #ownership: Ownership;
  #fields: Fields = new Map();
  #version = 0;

  constructor(store: RunStore, run: string, ownership: Ownership) {
    this.#store = store;
    this.run = run;
    this.#ownership = ownership;
  }

  /** Saves what changed (undefined removes a field); keeps it as so many checkpoints. */
  async save(change: Readonly<Record<string, string | undefined>>, keeps = 0): Promise<void> {
    const fields = new Map(this.#fields);
    const set = new Map<string, Uint8Array>();
    const remove: string[] = [];
    for (const [field, text] of Object.entries(change)) {
      if (text === undefined) {
        remove.push(field);
        fields.delete(field);
      } else {
        set.set(field, bytes(text));
        fields.set(field, bytes(text));
      }
    }
    const marks = Array.from({ length: keeps }, (): CheckpointMark => ({}));
    const keep = keeps === 0 ? {} : { checkpoints: { marks, bytes: 1 } };
    const snapshot = { schema: 1, set, remove, ...keep };
    await committed(this.#store, this.#ownership, { expectedSeq: 2, snapshot });
    this.#fields = fields;
    this.#version += 1;
    for (const n of marks.keys()) this.checkpoints.set(`${this.#version}-${n}`, fields);
  }

  async forget(ids: readonly string[]): Promise<number> {
    for (const id of ids) this.checkpoints.delete(id);
    return this.#store.archive.forget(this.run, ids);
  }

  /** What the store holds, and what it should hold. */
  async compared(): Promise<{ readonly found: unknown; readonly wanted: unknown }> {
    const found: Record<string, unknown> = {};
    for (const { id } of await this.#store.checkpoints({ run: this.run, limit: 100 })) {
      found[id] = sorted((await this.#store.recall(this.run, id))?.fields);
    }
    const entries = [...this.checkpoints].map(([id, fields]) => [id, sorted(fields)] as const);
    return { found, wanted: Object.fromEntries(entries) };
  }
}

function sorted(fields: Fields | undefined): unknown {
  return plain(new Map([...(fields ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

async function kept(store: RunStore): Promise<Kept> {
  const { id, ownership } = await held(store);
  return new Kept(store, id, ownership);
}

function forgotten(test: RunStoreTest): void {
  test('a checkpoint is forgotten by its id; the others hold what they held', async (opened) => {
    const { store, expect } = opened;
    const run = await kept(store);
    await run.save({ a: 'a1', b: 'b1', c: 'c1' }, 1);
    await run.save({ a: 'a2' }, 1);
    await run.save({ a: 'a3', b: undefined }, 1);
    await run.save({ a: 'a4', b: 'b4', c: 'c4' });
    expect(await run.forget(['2-0'])).toBe(1);
    const without = await run.compared();
    expect(without.found).toEqual(without.wanted);
    expect(await store.recall(run.run, '2-0')).toBe(undefined);
    expect(await run.forget(['2-0', '9-0', 'nonsense', ''])).toBe(0);
    // The oldest, then all.
    expect(await run.forget(['1-0'])).toBe(1);
    const last = await run.compared();
    expect(last.found).toEqual(last.wanted);
    expect(await run.forget(['3-0'])).toBe(1);
    expect(await store.checkpoints({ run: run.run, limit: 10 })).toEqual([]);
    expect(await store.archive.forget(newId('none'), ['1-0'])).toBe(0);
  });

  test('one of two checkpoints of a snapshot may go', async ({ store, expect }) => {
    const run = await kept(store);
    await run.save({ a: 'a1' }, 2);
    await run.save({ a: 'a2' });
    await run.forget(['1-0']);
    const { found, wanted } = await run.compared();
    expect(found).toEqual(wanted);
    expect(Object.keys(wanted as object)).toEqual(['1-1']);
  });

  test('what is kept after the newest checkpoint was forgotten is kept whole', async (opened) => {
    const { store, expect } = opened;
    const run = await kept(store);
    await run.save({ a: 'a1', b: 'b1' }, 1);
    await run.save({ a: 'a2' }, 1);
    await run.forget(['2-0']);
    await run.save({ a: 'a3', b: 'b3' });
    await run.save({ a: 'a4' }, 1);
    await run.save({ a: 'a5', b: undefined });
    const { found, wanted } = await run.compared();
    expect(found).toEqual(wanted);
    await run.forget(['1-0', '4-0']);
    await run.save({ a: 'a6' }, 1);
    await run.save({ a: 'a7' });
    const anew = await run.compared();
    expect(anew.found).toEqual(anew.wanted);
  });
}

const seeds = 6;
const movesPerSeed = 40;

function arbitrary(test: RunStoreTest): void {
  test('whatever is saved, kept and forgotten: each checkpoint that stays is what it was', async (opened) => {
    const { store, expect } = opened;
    for (let seed = 1; seed <= seeds; seed++) {
      const next = randomFrom(seed);
      const run = await kept(store);
      for (let move = 0; move < movesPerSeed; move++) {
        const ids = [...run.checkpoints.keys()];
        if (ids.length > 0 && next(4) === 0) {
          const gone = ids.filter(() => next(3) === 0);
          expect(await run.forget(gone), `seed ${seed}, move ${move}`).toBe(gone.length);
        } else {
          const change: Record<string, string | undefined> = {};
          for (const field of ['a', 'b', 'c:d', '7:e']) {
            const choice = next(4);
            if (choice === 0) change[field] = undefined;
            if (choice === 1) change[field] = next(5) === 0 ? '' : `${field} of ${move}`;
          }
          await run.save(change, [0, 0, 1, 2][next(4)] ?? 0);
        }
      }
      const { found, wanted } = await run.compared();
      expect(found, `seed ${seed}`).toEqual(wanted);
      await run.forget([...run.checkpoints.keys()]);
      expect(await store.checkpoints({ run: run.run, limit: 1 })).toEqual([]);
    }
  });
}

/** Whole numbers below a bound, the same ones for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // The numbers of the minimal standard generator of Park and Miller.
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * below);
  };
}

export const expiryTheme: RunStoreTheme = {
  name: 'expiry of checkpoints',
  parts: [forgotten, arbitrary],
};
