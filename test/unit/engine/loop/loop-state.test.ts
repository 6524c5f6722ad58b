// Goal: what a save sends makes of what is stored exactly the state of that moment, whatever was changed in between, and
// whichever of the states in between were stored.
import { expect, test } from 'vitest';
import { LoopState, packFields, unpackState } from '../../../../src/engine/loop/loop-state.ts';
import { randomOf } from '../../../programs/program.ts';

const limit = 10_000;

/** What a store makes of the changes. */
class Stored {
  readonly #fields = new Map<string, Uint8Array>();
  #state = LoopState.of(undefined);

  get state(): LoopState {
    return this.#state;
  }

  save(next: LoopState): number {
    const { set, remove, full } = this.#state.changesTo(next);
    if (full) this.#fields.clear();
    for (const [field, bytes] of set) this.#fields.set(field, bytes);
    for (const field of remove) expect(this.#fields.delete(field), field).toBe(true);
    this.#state = next;
    return set.size + remove.length;
  }

  get value(): unknown {
    const at = 0;
    const snapshot = { fields: this.#fields, seq: 0, version: 1, schema: 0, at };
    return unpackState(snapshot, 'run');
  }
}

const keys = 'a b c d e f g h i j state'.split(' ');
const values = [
  () => 1,
  () => 'text',
  () => undefined,
  () => 0,
  () => Number.NaN,
  () => [1],
  () => Object.freeze([1]),
  () => Object.freeze({ list: [1] }),
  () => Object.freeze({ deep: Object.freeze([2]) }),
  () => new Date(5),
];

test('random saves, patches and changes in place', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const stored = new Stored();
    let packed = LoopState.of(undefined);
    let state: Record<string, unknown> = {};
    let saved: unknown;
    for (let turn = 0; turn < 30; turn++) {
      const chance = random();
      const lists = Object.values(state).filter((value) => Array.isArray(value));
      if (chance < 0.4) state[pick(keys)] = pick(values)();
      else if (chance < 0.5) delete state[pick(keys)];
      else if (chance < 0.6) state = Object.fromEntries(Object.entries(state).toReversed());
      else if (chance < 0.7) for (const list of lists) if (!Object.isFrozen(list)) list.push(turn);
      if (chance > 0.85) {
        const patch = { [pick(keys)]: pick(values)(), [pick(keys)]: pick(values)() };
        packed = stored.state.patched(packFields(patch, limit), limit);
        stored.save(packed);
        saved = { ...(saved as object | undefined), ...structuredClone(patch) };
        state = structuredClone(saved) as typeof state;
      } else {
        packed = packed.followedBy(state, limit);
        // Some saves never arrive.
        if (random() < 0.3) continue;
        stored.save(packed);
        saved = structuredClone(state);
      }
      expect(stored.value, `seed ${seed}, turn ${turn}`).toEqual(saved);
    }
  }
});

test('what cannot change is not encoded again', () => {
  let encodings = 0;
  const frozen = Object.freeze({ deep: Object.freeze([1, 2]) });
  const counted = {
    get read(): number {
      encodings += 1;
      return 1;
    },
  };
  const stored = new Stored();
  const first = LoopState.of(undefined).followedBy({ n: 1, text: 'x', frozen, counted }, limit);
  expect(stored.save(first)).toBe(4);
  const next = first.followedBy({ n: 1, text: 'x', frozen, counted }, limit);
  expect(stored.save(next)).toBe(0);
  expect(encodings).toBe(2);
  expect(stored.save(next.followedBy({ n: 2, text: 'x', frozen, counted }, limit))).toBe(1);
});

test('a state that is too large is refused, also when a patch makes it so', () => {
  const state = LoopState.of(undefined).followedBy({ a: 'x'.repeat(60) }, 100);
  expect(() => state.followedBy({ a: 'x'.repeat(60), b: 'x'.repeat(60) }, 100)).toThrow(
    expect.objectContaining({ code: 'PAWL_LIMIT' }),
  );
  expect(() => state.patched(packFields({ b: 'x'.repeat(60) }, 100), 100)).toThrow(
    expect.objectContaining({ code: 'PAWL_LIMIT' }),
  );
});

test('a save that changes every field of a wide state says so, and names no field that is gone', () => {
  const filled = (value: number, width = 8): object =>
    Object.fromEntries(Array.from({ length: width }, (_, i) => [`k${i}`, value]));
  const first = LoopState.of(undefined).followedBy(filled(1, 9), limit);
  expect(LoopState.of(undefined).changesTo(first).full).toBe(true);
  const next = first.followedBy(filled(2), limit);
  const { set, remove, full } = first.changesTo(next);
  expect([set.size, remove, full]).toEqual([8, [], true]);
  expect(next.changesTo(next.followedBy({ ...filled(2), k0: 3 }, limit)).full).toBe(false);
  const narrow = next.followedBy(filled(4, 7), limit);
  const changes = next.changesTo(narrow);
  expect([changes.set.size, changes.remove, changes.full]).toEqual([7, ['state:k7'], false]);
});

test('fields that stay keep little alive of the saves that they came by', () => {
  const stored = new Stored();
  const state = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, '']));
  let packed = stored.state;
  for (let turn = 0; turn < 400; turn++) {
    // Each save leaves more of the fields as they were, down to nine that change.
    for (let i = 39 - (turn % 32); i >= 0; i--) state[`k${i}`] = `${turn} `.repeat(100);
    packed = packed.followedBy(state, 100_000);
    stored.save(packed);
    const { set } = LoopState.of(undefined).changesTo(packed);
    const buffers = new Set([...set.values()].map(({ buffer }) => buffer));
    const alive = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(alive).toBeLessThan(6 * packed.bytes);
  }
  expect(stored.value).toEqual(state);
});
