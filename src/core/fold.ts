/**
 * The fold: what a run's events add up to.
 *
 * Pure in the sense that counts: the same snapshot and events always give the same result, on any machine, at any time.
 * Gaps and disorder are refused, never smoothed over: a log with a hole is corrupt.
 *
 * The result has two parts. The *state* belongs to the workflow: its reducers change it and must return new objects for
 * what they change; unchanged top-level fields keep their identity, which is how a snapshot knows what to write. The
 * *memory* belongs to pawl: what is needed to find the way back into a handler. Its entries are named as the fields of a
 * snapshot are, so that a snapshot saves and restores them without knowing what they mean:
 *
 *   step:<name>     StepResult: a step, a wait or a recorded value, by the name it has in its run
 *   timer:<name>    number: when a wait is over, on the store's clock
 *   signal:<name>   ReceivedSignal[]: received and not yet taken
 *   attached:<id>   true: a child run that ends when this one is cancelled or fails
 *   child:<id>      ChildEnd: a child run has ended, and nobody has looked yet
 *   effect:<name>   EffectData: an effect was begun, and whether it happened is not known
 *   graph:…         where a graph stands: see `graph.ts`
 *   run:cancel      CancelRequest
 *   run:attempts    number: attempts of the whole run that have failed
 */
import { CorruptionError, DefinitionError, type ErrorRecord } from './errors.ts';
import type {
  CancelRequest,
  ChildEnd,
  ChildStart,
  EffectData,
  RetriedData,
  RefusedSignalData,
  SignalData,
  StateSetData,
  StepCompletedData,
  StepFailedData,
  TracedData,
  TimerData,
} from './event.ts';
import { rememberedOfGraphs } from './graph.ts';

export type State = Readonly<Record<string, unknown>>;

/** What is known of a step. */
export type StepResult =
  | { readonly status: 'completed'; readonly result: Uint8Array }
  | { readonly status: 'failed'; readonly error: ErrorRecord; readonly attempts: number }
  /** Not finished: attempts have failed and more are to come. */
  | { readonly status: 'retrying'; readonly attempts: number };

/** A signal, and its place among all that came, whatever their names are. */
export interface ReceivedSignal extends SignalData {
  readonly order: number;
}

/** A run's events up to `seq`, folded. */
export interface Folded {
  readonly seq: number;
  readonly state: State;
  readonly memory: ReadonlyMap<string, unknown>;
}

/** The part of an event that the fold looks at; `data` is decoded. */
export interface FoldEvent {
  readonly type: string;
  readonly data: unknown;
}

export type Reducers = Readonly<Record<string, (state: State, data: unknown) => unknown>>;

/** Between the name of a step and the name of a step inside it; not allowed in names. */
export const nesting = ' › ';

/** Names of the steps around a step, the outermost first. */
export function outerNames(name: string): string[] {
  const outer: string[] = [];
  for (let at = name.indexOf(nesting); at > 0; at = name.indexOf(nesting, at + 1)) {
    outer.push(name.slice(0, at));
  }
  return outer;
}

/** Folds events one after the other, holding the result of all so far. */
export class Fold implements Folded {
  seq: number;
  state: State;
  readonly #memory: Map<string, unknown>;
  /** Fields of what is inside of a step that has not completed, by the name of each step around it. */
  readonly #inner = new Map<string, Set<string>>();
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
    this.#memory = new Map(start.memory);
    for (const field of this.#memory.keys()) this.#noteInner(field);
  }

  get memory(): ReadonlyMap<string, unknown> {
    return this.#memory;
  }

  step(name: string): StepResult | undefined {
    return this.#memory.get(`step:${name}`) as StepResult | undefined;
  }

  timer(name: string): number | undefined {
    return this.#memory.get(`timer:${name}`) as number | undefined;
  }

  signals(name: string): readonly ReceivedSignal[] {
    return (this.#memory.get(`signal:${name}`) as readonly ReceivedSignal[] | undefined) ?? [];
  }

  child(id: string): ChildEnd | undefined {
    return this.#memory.get(`child:${id}`) as ChildEnd | undefined;
  }

  /** Ids of child runs that are at work and end with this one. */
  get attached(): readonly string[] {
    const prefix = 'attached:';
    return [...this.#memory.keys()].flatMap((field) =>
      field.startsWith(prefix) ? field.slice(prefix.length) : [],
    );
  }

  effect(name: string): EffectData | undefined {
    return this.#memory.get(`effect:${name}`) as EffectData | undefined;
  }

  /** Attempts of the whole run that have failed. */
  get attempts(): number {
    return (this.#memory.get('run:attempts') as number | undefined) ?? 0;
  }

  /** What the last execution, or whoever started the run, left of its trace. */
  get trace(): string | undefined {
    return this.#memory.get('run:trace') as string | undefined;
  }

  get cancel(): CancelRequest | undefined {
    return this.#memory.get('run:cancel') as CancelRequest | undefined;
  }

  /**
   * Takes a stored event, which must be the next one.
   * @throws CorruptionError when it is not.
   */
  replay(seq: number, event: FoldEvent): void {
    if (seq !== this.seq + 1) {
      throw new CorruptionError(
        { key: this.#origin, seq },
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
    if (Object.hasOwn(remembered, event.type)) {
      remembered[event.type]?.(this, event.data);
    } else if (event.type === 'state.set') {
      this.patch((event.data as StateSetData).patch);
    } else if (Object.hasOwn(this.#reducers, event.type)) {
      const next = this.#reducers[event.type]?.(this.state, event.data);
      this.#change(checkState(next, event.type));
    }
    this.seq += 1;
  }

  /** Remembers a value, or forgets it when it is undefined. */
  remember(field: string, value: unknown): void {
    if (value === undefined) {
      if (!this.#memory.delete(field)) return;
      for (const outer of outerOf(field)) {
        const inner = this.#inner.get(outer);
        inner?.delete(field);
        if (inner?.size === 0) this.#inner.delete(outer);
      }
    } else {
      this.#memory.set(field, value);
      this.#noteInner(field);
    }
    this.#touched.add(field);
  }

  /** Replaces top-level fields of the state. */
  patch(patch: State): void {
    this.#change({ ...this.state, ...patch });
  }

  /** Forgets what happened inside of a step that is over. */
  forgetInside(step: string): void {
    const inner = this.#inner.get(step);
    if (inner === undefined) return;
    for (const field of [...inner]) this.remember(field, undefined);
    this.#inner.delete(step);
  }

  /** Forgets failures inside of a step that is tried again. */
  forgetFailuresInside(step: string): void {
    for (const field of [...(this.#inner.get(step) ?? [])]) {
      const value = this.#memory.get(field);
      if (field.startsWith('step:') && (value as StepResult).status !== 'completed') {
        this.remember(field, undefined);
      }
    }
  }

  /** Entries of the memory that changed since `forgetTouched`, so that a snapshot need not look at all. */
  get touched(): Iterable<string> {
    return this.#touched;
  }

  forgetTouched(): void {
    this.#touched.clear();
  }

  #noteInner(field: string): void {
    for (const outer of outerOf(field)) {
      this.#inner.set(outer, (this.#inner.get(outer) ?? new Set()).add(field));
    }
  }

  #change(state: State): void {
    this.state = this.#freeze ? deepFreeze(state) : state;
  }
}

/** Names of the steps around what a field of the memory is about. */
function outerOf(field: string): readonly string[] {
  // Nearly every step is inside of none.
  if (!field.includes(nesting)) return nothing;
  const kind = field.indexOf(':');
  return kind > 0 && nested.has(field.slice(0, kind)) ? outerNames(field.slice(kind + 1)) : [];
}

const nested: ReadonlySet<string> = new Set(['step', 'timer', 'effect']);
const nothing: readonly string[] = [];

/** What pawl's own events do to the memory. */
const remembered: Readonly<Record<string, (fold: Fold, data: unknown) => void>> = {
  ...rememberedOfGraphs,
  'step.completed': (fold, data) => {
    const { name, result, took } = data as StepCompletedData;
    const completed: StepResult = { status: 'completed', result };
    fold.forgetInside(name);
    fold.remember(`step:${name}`, completed);
    fold.remember(`timer:${name}`, undefined);
    fold.remember(`effect:${name}`, undefined);
    for (const signal of took ?? []) {
      const [, ...left] = fold.signals(signal);
      fold.remember(`signal:${signal}`, left.length === 0 ? undefined : left);
    }
  },
  'step.retried': (fold, data) => {
    const { name, attempts } = data as StepFailedData;
    const retrying: StepResult = { status: 'retrying', attempts };
    fold.forgetFailuresInside(name);
    fold.remember(`step:${name}`, retrying);
    fold.remember(`effect:${name}`, undefined);
  },
  'step.failed': (fold, data) => {
    const { name, error, attempts } = data as StepFailedData;
    const failed: StepResult = { status: 'failed', error, attempts };
    fold.remember(`step:${name}`, failed);
    fold.remember(`effect:${name}`, undefined);
  },
  'timer.set': (fold, data) => {
    const { name, dueAt } = data as TimerData;
    fold.remember(`timer:${name}`, dueAt);
  },
  'signal.received': (fold, data) => {
    const signal = data as SignalData;
    const before = fold.signals(signal.name);
    // One that older code did not know comes again when it has been checked, and keeps its place.
    const order = before.find(({ id }) => id === signal.id)?.order ?? fold.seq;
    const all = [...before.filter(({ id }) => id !== signal.id), { ...signal, order }];
    fold.remember(
      `signal:${signal.name}`,
      all.sort((a, b) => a.order - b.order),
    );
  },
  'signal.refused': (fold, data) => {
    const { id, name } = data as RefusedSignalData;
    const left = fold.signals(name).filter((signal) => signal.id !== id);
    fold.remember(`signal:${name}`, left.length === 0 ? undefined : left);
  },
  'child.started': (fold, data) => {
    const start = data as ChildStart;
    if (start.attached) fold.remember(`attached:${start.run}`, true);
  },
  'child.ended': (fold, data) => {
    const end = data as ChildEnd;
    fold.remember(`attached:${end.run}`, undefined);
    fold.remember(`child:${end.run}`, end);
  },
  'effect.begun': (fold, data) => {
    const effect = data as EffectData;
    fold.remember(`effect:${effect.name}`, effect);
  },
  'run.created': (fold, data) => {
    const { trace } = (data ?? {}) as { readonly trace?: string };
    if (trace !== undefined) fold.remember('run:trace', trace);
  },
  'run.traced': (fold, data) => fold.remember('run:trace', (data as TracedData).trace),
  'run.cancelling': (fold, data) => fold.remember('run:cancel', data),
  'run.retried': (fold, data) => {
    fold.remember('run:attempts', (data as RetriedData).attempts);
    forgetFailures(fold);
  },
  'operator.retried': (fold) => {
    fold.remember('run:cancel', undefined);
    fold.remember('run:attempts', undefined);
    forgetFailures(fold);
  },
};

/** What failed is tried again. */
function forgetFailures(fold: Fold): void {
  for (const [field, value] of fold.memory) {
    if (field.startsWith('step:') && (value as StepResult).status !== 'completed') {
      fold.remember(field, undefined);
    }
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
