/**
 * Judges a history of concurrent operations: is there an order in which they could have happened one at a time, each at
 * some moment between its call and its return, so that every answer is the one a sequential model gives?
 *
 * The search is that of Wing and Gong: among the operations not yet placed, one can be the next only if it was called
 * before any other of them had returned. Each such candidate is tried; if the model accepts its answer the search goes on
 * from the state behind it, else it steps back. Lowe's addition keeps it short: a set of placed operations together with
 * a state is visited once, however many orders lead to it.
 *
 * An operation whose answer was lost is *optional*: it may have happened at any moment from its call on, or never. It may
 * also end: then it has happened by that moment, or never will.
 */

export interface Operation<Input, Answer> {
  readonly input: Input;
  /** A logical time; every call and return of a history has one of its own. */
  readonly call: number;
  /** When the answer came; of an operation without an answer Infinity, unless it cannot happen after some moment. */
  readonly return: number;
  /** Undefined: nobody knows. The model must then accept any. */
  readonly answer: Answer | undefined;
  /** May never have happened. */
  readonly optional: boolean;
}

/** A thing that does one operation at a time. States are values: a step makes a new one. */
export interface Model<State, Input, Answer> {
  readonly initial: State;
  /** The state behind the operation, or undefined when the answer is not one the model could give. */
  step(state: State, input: Input, answer: Answer | undefined): State | undefined;
  /** The same text for states that behave alike. */
  key(state: State): string;
}

export type Verdict<Input, Answer> =
  | { readonly linearizable: true }
  | {
      readonly linearizable: false;
      /** The longest order that was found, and the operations that could not follow it. */
      readonly placed: readonly Operation<Input, Answer>[];
      readonly stuck: readonly Operation<Input, Answer>[];
    };

/** Beyond this many visits a history is not judged, but refused: make it shorter. */
const visitsMax = 2_000_000;

/** A history with so many calls at once that to try all orders takes too long; nothing is known of it. */
export class EntangledError extends Error {}

export function checkHistory<State, Input, Answer>(
  model: Model<State, Input, Answer>,
  history: readonly Operation<Input, Answer>[],
): Verdict<Input, Answer> {
  return new Search(model, history).run();
}

interface Visit<State> {
  readonly state: State;
  readonly key: string;
  /** Indexes of operations that may be tried from here. */
  readonly candidates: readonly number[];
  /** The candidate tried last, as an index of `candidates`. */
  tried: number;
  /** The latest call of all that is placed. */
  readonly latestCall: number;
}

class Search<State, Input, Answer> {
  readonly #model: Model<State, Input, Answer>;
  readonly #operations: readonly Operation<Input, Answer>[];
  readonly #isPlaced: boolean[];
  readonly #seen = new Set<string>();
  #requiredLeft: number;

  constructor(model: Model<State, Input, Answer>, history: readonly Operation<Input, Answer>[]) {
    this.#model = model;
    this.#operations = [...history].sort((a, b) => a.call - b.call);
    this.#isPlaced = this.#operations.map(() => false);
    this.#requiredLeft = history.filter(({ optional }) => !optional).length;
  }

  run(): Verdict<Input, Answer> {
    const { initial } = this.#model;
    const path: Visit<State>[] = [this.#visit(initial, this.#model.key(initial), -1)];
    const order: number[] = [];
    let longest: number[] = [];
    let stuck = path[0]?.candidates ?? [];
    for (let visits = 0; visits < visitsMax; visits++) {
      if (this.#requiredLeft === 0) return { linearizable: true };
      const here = path.at(-1);
      if (here === undefined) {
        const at = (i: number): Operation<Input, Answer> => this.#at(i);
        return { linearizable: false, placed: longest.map(at), stuck: stuck.map(at) };
      }
      const next = this.#advance(here);
      if (next === undefined) {
        path.pop();
        const last = order.pop();
        if (last !== undefined) this.#place(last, false);
        continue;
      }
      order.push(next.operation);
      path.push(next.visit);
      if (order.length > longest.length) {
        longest = [...order];
        stuck = next.visit.candidates;
      }
    }
    throw new EntangledError(`The history cannot be judged in ${visitsMax} steps.`);
  }

  /** Places the next candidate that fits and leads to something new. */
  #advance(here: Visit<State>): { operation: number; visit: Visit<State> } | undefined {
    while (here.tried + 1 < here.candidates.length) {
      here.tried += 1;
      const operation = here.candidates[here.tried] ?? 0;
      const { input, answer, call, optional } = this.#at(operation);
      const state = this.#model.step(here.state, input, answer);
      if (state === undefined) continue;
      const stateKey = this.#model.key(state);
      // It would change nothing now: as well it may not have happened yet.
      if (optional && stateKey === here.key) continue;
      this.#place(operation, true);
      const key = `${this.#placedKey()}|${stateKey}`;
      if (!this.#seen.has(key)) {
        this.#seen.add(key);
        const latestCall = Math.max(here.latestCall, call);
        return { operation, visit: this.#visit(state, stateKey, latestCall) };
      }
      this.#place(operation, false);
    }
    return undefined;
  }

  #visit(state: State, key: string, latestCall: number): Visit<State> {
    let earliestReturn = Infinity;
    const required: number[] = [];
    const optional: number[] = [];
    for (const [i, operation] of this.#operations.entries()) {
      // Sorted by call: whatever follows was called after one that is not placed had returned.
      if (operation.call > earliestReturn) break;
      if (this.#isPlaced[i] === true) continue;
      if (!operation.optional) {
        required.push(i);
        earliestReturn = Math.min(earliestReturn, operation.return);
      } else if (operation.return > latestCall) {
        optional.push(i);
      }
    }
    // What must have happened first: most histories are judged without any guess.
    return { state, key, candidates: [...required, ...optional], tried: -1, latestCall };
  }

  #place(operation: number, placed: boolean): void {
    this.#isPlaced[operation] = placed;
    if (!this.#at(operation).optional) this.#requiredLeft += placed ? -1 : 1;
  }

  /** All up to some operation are placed, so the rest tells the sets apart. */
  #placedKey(): string {
    const first = this.#isPlaced.indexOf(false);
    const rest: number[] = [];
    for (let i = first + 1; i < this.#isPlaced.length; i++) if (this.#isPlaced[i]) rest.push(i);
    return `${first}:${rest.join(',')}`;
  }

  #at(index: number): Operation<Input, Answer> {
    const operation = this.#operations[index];
    if (operation === undefined) throw new RangeError(`no operation ${index}`);
    return operation;
  }
}
