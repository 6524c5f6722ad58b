/**
 * The fold: what a run's events add up to.
 *
 * Pure in the sense that counts: the same snapshot and events always give the same result, on any machine, at any time.
 * Reducers must return new objects for what they change; unchanged top-level fields keep their identity, which is how a
 * snapshot knows what to write. Gaps and disorder are refused, never smoothed over: a log with a hole is corrupt.
 */
import { CorruptionError, DefinitionError, type ErrorRecord } from './errors.ts';
import type { StateSetData, StepCompletedData, StepFailedData } from './event.ts';

export type State = Readonly<Record<string, unknown>>;

/** What is known of a step. */
export type StepResult =
  | { readonly status: 'completed'; readonly result: Uint8Array }
  | { readonly status: 'failed'; readonly error: ErrorRecord; readonly attempts: number }
  /** Not finished: attempts have failed and more are to come. */
  | { readonly status: 'retrying'; readonly attempts: number };

/** A run's events up to `seq`, folded. */
export interface Folded {
  readonly seq: number;
  readonly state: State;
  readonly steps: ReadonlyMap<string, StepResult>;
}

/** The part of an event that the fold looks at; `data` is decoded. */
export interface FoldEvent {
  readonly type: string;
  readonly data: unknown;
}

export type Reducers = Readonly<Record<string, (state: State, data: unknown) => unknown>>;

/** Folds events one after the other, holding the result of all so far. */
export class Fold implements Folded {
  seq: number;
  state: State;
  readonly steps: Map<string, StepResult>;
  readonly #touched = new Set<string>();
  readonly #reducers: Reducers;
  readonly #freeze: boolean;
  readonly #origin: string;

  constructor(
    start: Folded,
    options: { readonly reducers: Reducers; readonly origin: string; readonly freeze: boolean },
  ) {
    this.#reducers = options.reducers;
    this.#freeze = options.freeze;
    this.#origin = options.origin;
    this.seq = start.seq;
    this.state = options.freeze ? deepFreeze(start.state) : start.state;
    this.steps = new Map(start.steps);
  }

  /**
   * Takes a stored event, which must be the next one.
   * @throws CorruptionError when it is not.
   */
  replay(event: FoldEvent & { readonly seq: number }): void {
    if (event.seq !== this.seq + 1) {
      throw new CorruptionError(
        { key: this.#origin, seq: event.seq },
        `follows seq ${this.seq}: events are missing or out of order`,
      );
    }
    this.apply(event);
  }

  /**
   * Takes the next event. When the reducer throws, nothing has changed.
   * @throws DefinitionError when the reducer does not return an object.
   */
  apply(event: FoldEvent): void {
    switch (event.type) {
      case 'step.completed': {
        const { name, result } = event.data as StepCompletedData;
        this.#touch(name, { status: 'completed', result });
        break;
      }
      case 'step.retried': {
        const { name, attempts } = event.data as StepFailedData;
        this.#touch(name, { status: 'retrying', attempts });
        break;
      }
      case 'step.failed': {
        const { name, error, attempts } = event.data as StepFailedData;
        this.#touch(name, { status: 'failed', error, attempts });
        break;
      }
      case 'state.set':
        this.#change({ ...this.state, ...(event.data as StateSetData).patch });
        break;
      default: {
        const reducer = Object.hasOwn(this.#reducers, event.type)
          ? this.#reducers[event.type]
          : undefined;
        if (reducer !== undefined)
          this.#change(checkState(reducer(this.state, event.data), event.type));
      }
    }
    this.seq += 1;
  }

  /** Names of the steps that changed since `forgetTouchedSteps`, so that a snapshot need not look at all of them. */
  get touchedSteps(): Iterable<string> {
    return this.#touched;
  }

  forgetTouchedSteps(): void {
    this.#touched.clear();
  }

  #touch(name: string, step: StepResult): void {
    this.steps.set(name, step);
    this.#touched.add(name);
  }

  #change(state: State): void {
    this.state = this.#freeze ? deepFreeze(state) : state;
  }
}

function checkState(state: unknown, type: string): State {
  if (typeof state === 'object' && state !== null && !Array.isArray(state)) return state as State;
  throw new DefinitionError(
    `The reducer of "${type}" returned ${Array.isArray(state) ? 'an array' : String(state)}: it must return the new state, an object.`,
  );
}

/** Freezes what is not frozen yet, so that changing the state by hand fails at the line that does it. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  // The elements of typed arrays cannot be frozen.
  if (ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
  return value;
}
