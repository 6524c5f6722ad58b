/**
 * Random loops of one's own over a checkpointer, against a model that keeps whole copies: saves of a state that is changed
 * in place, patches, events, conditions that do not hold, claims that were replaced, and calls that overlap.
 */
import fc from 'fast-check';
import { PawlError } from '../../../src/index.ts';
import type { Checkpointer, Claim, SavedSnapshot } from '../../../src/core/checkpointer.ts';

type State = Record<string, unknown>;
type Change =
  | { readonly kind: 'set'; readonly field: string; readonly value: unknown }
  | { readonly kind: 'deepen'; readonly field: string; readonly value: unknown }
  | { readonly kind: 'freeze'; readonly field: string }
  | { readonly kind: 'drop'; readonly field: string }
  | { readonly kind: 'whole'; readonly value: unknown };

export type LoopMove =
  | { readonly kind: 'claim'; readonly by: number }
  | { readonly kind: 'change'; readonly changes: readonly Change[] }
  | {
      readonly kind: 'save' | 'patch';
      /** How many claims ago. 0: the one that may write. */
      readonly claim: number;
      readonly fields: readonly string[];
      /** True: under the condition that holds. False: under one that does not. */
      readonly condition: boolean | undefined;
      readonly isKept: boolean;
      readonly isAwaited: boolean;
    }
  | { readonly kind: 'emit'; readonly claim: number; readonly values: readonly unknown[] }
  | { readonly kind: 'load' };

const fields = ['a', 'b', 'c', 'state:n', '__proto', ''];
const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.constantFrom(null, undefined, Number.NaN, -0),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 20 }),
);
const value = fc.oneof(
  { weight: 3, arbitrary: leaf },
  fc.array(leaf, { maxLength: 4 }),
  fc.dictionary(fc.constantFrom('x', 'y', 'z'), leaf, { noNullPrototype: true }),
  fc.array(leaf, { maxLength: 3 }).map((list) => new Set(list)),
  fc.array(fc.tuple(fc.string(), leaf), { maxLength: 3 }).map((list) => new Map(list)),
);
const field = fc.constantFrom(...fields);
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), field, value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deepen' as const), field, value: leaf }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('freeze' as const), field }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), field }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('whole' as const), value }) },
);
const claim = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 2 }));
const saving = {
  claim,
  fields: fc.uniqueArray(field, { minLength: 1, maxLength: 3 }),
  condition: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.boolean()),
  isKept: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  isAwaited: fc.boolean(),
};
const anyMove: fc.Arbitrary<LoopMove> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('claim' as const), by: fc.nat(1) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      changes: fc.array(anyChange, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('save' as const), ...saving }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('patch' as const), ...saving }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('emit' as const),
      claim,
      values: fc.array(value, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('load' as const) }) },
);
export const loops = fc.array(anyMove, { minLength: 5, maxLength: 40 });

interface Model {
  state: unknown;
  version: number;
  events: unknown[];
  readonly kept: { id: string; state: unknown }[];
}

const isFields = (state: unknown): state is State =>
  typeof state === 'object' &&
  state !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(state) as null);

/** Deep copies that keep what is undefined; the state of a loop holds nothing that cannot be copied so. */
const copy = <T>(one: T): T => structuredClone(one);

type Equal = (found: unknown, wanted: unknown, what: string) => void;
type Save = Extract<LoopMove, { kind: 'save' | 'patch' }>;

/** One loop on two checkpointers over the same store. */
export class LoopPlay {
  /** What was met, for those who want all of it. */
  readonly met = new Set<string>();
  readonly #run: string;
  readonly #checkpointers: readonly [Checkpointer, Checkpointer];
  readonly #equal: Equal;
  readonly #model: Model = { state: undefined, version: 0, events: [], kept: [] };
  readonly #pending: Promise<void>[] = [];
  /** The newest first. */
  #claims: Claim[] = [];
  /** What the loop has at hand, and changes. */
  #state: unknown;

  constructor(run: string, checkpointers: readonly [Checkpointer, Checkpointer], equal: Equal) {
    this.#run = run;
    this.#checkpointers = checkpointers;
    this.#equal = equal;
  }

  /** @throws what `equal` throws where the loop and the model differ. */
  async play(moves: readonly LoopMove[]): Promise<void> {
    await this.#claim(0);
    for (const move of moves) {
      if (move.kind === 'claim') await this.#claim(move.by);
      else if (move.kind === 'change') this.#change(move.changes);
      else if (move.kind === 'load') await this.#load();
      else if (move.kind === 'emit') await this.#emit(move.claim, move.values);
      else await this.#save(move);
    }
    await this.#load();
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
  }

  async #claim(by: number): Promise<void> {
    await this.#settled();
    const claimed = await this.#checkpointers[by]?.claim(this.#run);
    if (claimed === undefined) throw new Error(`there is no checkpointer ${by}`);
    this.#equal(claimed.state, this.#model.state, 'the state of a claim');
    this.#claims = [claimed, ...this.#claims].slice(0, 3);
    this.#state = claimed.state ?? { a: 1 };
  }

  #change(changes: readonly Change[]): void {
    for (const change of changes) this.#state = changed(this.#state, change);
  }

  async #load(): Promise<void> {
    await this.#settled();
    const [, other] = this.#checkpointers;
    const { state, version, events, kept } = this.#model;
    const loaded = await other.loadLatest(this.#run);
    const found = loaded?.events.map(({ data }) => data);
    this.#equal(loaded?.state, state, 'the state');
    this.#equal(loaded?.version, version, 'the version');
    this.#equal(found, events, 'the events');
    for (const { id, state: wanted } of kept) {
      this.#equal(await other.loadCheckpoint(this.#run, id), wanted, 'a checkpoint');
    }
    this.met.add('load');
  }

  async #emit(claimsAgo: number, values: readonly unknown[]): Promise<void> {
    const writer = this.#claims[claimsAgo];
    if (writer === undefined) return;
    await this.#settled();
    const code = await codeOf(writer.saveEvents(values.map((data) => ({ type: 'e', data }))));
    this.#equal(code, claimsAgo === 0 ? 'done' : 'PAWL_FENCED', 'an event');
    if (claimsAgo === 0) this.#model.events.push(...copy(values));
    this.met.add(`emit ${code}`);
  }

  async #save(move: Save): Promise<void> {
    const writer = this.#claims[move.claim];
    if (writer === undefined) return;
    if (move.claim > 0) await this.#settled();
    const wrong = this.#wrongWith(move);
    const { version } = this.#model;
    const options = {
      ...(move.condition !== undefined && { version: version + (move.condition ? 0 : 3) }),
      ...(move.isKept && { checkpoint: {} }),
    };
    const part = this.#part(move.fields);
    const saved =
      move.kind === 'patch'
        ? writer.patch(part, options)
        : writer.saveSnapshot(this.#state, options);
    if (wrong.length === 0) this.#note(move.kind === 'patch' ? part : undefined);
    const wanted = copy({ state: this.#model.state, version: this.#model.version });
    this.#pending.push(this.#ended(move.kind, { saved, wrong, wanted }));
    if (move.isAwaited) await this.#settled();
  }

  /** Where several things are wrong, one of them is said. An old claim may find it by what it knows itself. */
  #wrongWith({ kind, claim: claimsAgo, condition }: Save): readonly string[] {
    const { state, version } = this.#model;
    if (claimsAgo > 0) return ['PAWL_FENCED', 'PAWL_CONFLICT', 'PAWL_INVALID'];
    const fits = kind === 'save' || version === 0 || isFields(state);
    return [...(fits ? [] : ['PAWL_INVALID']), ...(condition === false ? ['PAWL_CONFLICT'] : [])];
  }

  #part(names: readonly string[]): State {
    const state = this.#state;
    if (!isFields(state)) return { a: state };
    return Object.fromEntries(Object.entries(state).filter(([name]) => names.includes(name)));
  }

  /** What is saved now is what the state is now, also when the store has it later. */
  #note(patch: State | undefined): void {
    const model = this.#model;
    const before = isFields(model.state) ? model.state : {};
    model.state = copy(patch === undefined ? this.#state : { ...before, ...patch });
    model.version += 1;
    model.events = [];
  }

  async #ended(
    kind: 'save' | 'patch',
    about: {
      readonly saved: Promise<SavedSnapshot>;
      readonly wrong: readonly string[];
      readonly wanted: { readonly state: unknown; readonly version: number };
    },
  ): Promise<void> {
    const { saved, wrong, wanted } = about;
    const code = await codeOf(saved);
    this.met.add(`${kind} ${code}`);
    const allowed = wrong.length === 0 ? ['done'] : wrong;
    this.#equal(allowed.includes(code) ? code : allowed.join(' or '), code, `a ${kind}`);
    if (code !== 'done') return;
    const { version, checkpoint } = await saved;
    this.#equal(version, wanted.version, 'the version of a save');
    if (checkpoint !== undefined) this.#model.kept.push({ id: checkpoint, state: wanted.state });
  }
}

async function codeOf(saved: Promise<unknown>): Promise<string> {
  try {
    await saved;
    return 'done';
  } catch (error) {
    if (PawlError.is(error)) return error.code;
    throw error;
  }
}

function changed(state: unknown, what: Change): unknown {
  if (what.kind === 'whole') return copy(what.value);
  if (!isFields(state))
    return { [what.kind === 'freeze' ? 'a' : what.field]: 'value' in what ? copy(what.value) : 1 };
  switch (what.kind) {
    case 'set':
      state[what.field] = copy(what.value);
      break;
    case 'drop':
      delete state[what.field];
      break;
    case 'freeze':
      freeze(state[what.field]);
      break;
    case 'deepen': {
      const held = state[what.field];
      if (typeof held !== 'object' || held === null || Object.isFrozen(held)) break;
      // In place: whoever keeps the object, and not its copy, does not see it.
      if (Array.isArray(held)) held.push(copy(what.value));
      else if (held instanceof Set) held.add(copy(what.value));
      else if (held instanceof Map) held.set('more', copy(what.value));
      else if (held instanceof Date) held.setTime(held.getTime() + 1);
      else if (held instanceof Uint8Array) held.fill(7);
      else (held as State)['more'] = copy(what.value);
      break;
    }
  }
  return state;
}

function freeze(held: unknown): void {
  if (typeof held !== 'object' || held === null || ArrayBuffer.isView(held)) return;
  Object.freeze(held);
  for (const inner of Object.values(held)) freeze(inner);
}
