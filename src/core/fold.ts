/**
 * The fold: what a run's events add up to.
 *
 * Pure in the sense that counts: the same snapshot and events always give the same result, on any machine, at any time.
 * Gaps and disorder are refused, never smoothed over: a log with a hole is corrupt.
 *
 * The result has two parts. The *state* belongs to the workflow: its reducers change it and must return new objects for
 * what they change; unchanged top-level fields keep their identity, which is how a snapshot knows what to write. The
 * *bookkeeping* belongs to pawl: what is needed to find the way back into a handler. Its entries are named as the
 * fields of a snapshot are, so that a snapshot saves and restores them without knowing what they mean:
 *
 *   step:<name>     StepResult: a step, a wait or a recorded value, by the name it has in its run
 *   timer:<name>    number: when a wait is over, on the store's clock
 *   signal:<name>   ReceivedSignal[]: received and not yet taken
 *   child:<name>    Child: a run that this one has started, or is about to, by the name it has here
 *   effect:<name>   EffectData: an effect was begun, and whether it happened is not known
 *   graph:…         where a graph stands: see `graph.ts`
 *   undo:…          what is to be undone: see `undo.ts`
 *   sets:…          changes of the state that its handler asked for: see `passed-sets.ts`
 *   items:, page:   results of many items under one name: see `items.ts`
 *   run:cancel      CancelRequest
 *   run:input       Uint8Array: what the handler is called with, since somebody has let the run go on with it
 *   run:answers     replies that may still be needed: see `kept-replies.ts`
 *   run:attempts    number: attempts of the whole run that have failed
 *   run:redone      true: the run was tried again once, and what had failed before is done anew
 */
import { CorruptionError } from './errors.ts';
import type {
  CancelRequest,
  ItemMark,
  OperatorResumedData,
  RetriedData,
  RefusedSignalData,
  SignalData,
  StateSetData,
  StepCompletedData,
  StepFailedData,
  StepRetriedData,
  StepsForgottenData,
  TracedData,
  TimerData,
  WithdrawnData,
} from './event.ts';
import { deepFreeze, WatchedBytes } from './frozen.ts';
import type { Child, EffectState, ReceivedSignal, StepResult } from './bookkeeping.ts';
import { childPrefix, rememberedOfChildren } from './children.ts';
import { rememberedOfEffects } from './effects.ts';
import { rememberedOfGraphs } from './graph.ts';
import { forgetPassed, notePassed } from './passed-sets.ts';
import {
  forgetFailedItems,
  forgetItems,
  type ItemResult,
  itemsState,
  rememberItem,
} from './items.ts';
import { keepReply } from './kept-replies.ts';
import { checkState } from './reduced-state.ts';
import { isUndo, keepForUndo, noteUndo, rememberedOfUndo, undoing } from './undo.ts';

export type State = Readonly<Record<string, unknown>>;

export type { Child, EffectState, ReceivedSignal, StepResult } from './bookkeeping.ts';

/** A run's events up to `seq`, folded. */
export interface Folded {
  readonly seq: number;
  readonly state: State;
  readonly bookkeeping: ReadonlyMap<string, unknown>;
}

/** The part of an event that the fold looks at; `data` is decoded. */
export interface FoldEvent {
  readonly type: string;
  readonly data: unknown;
}

export type Reducers = Readonly<Record<string, (state: State, data: unknown) => unknown>>;

export interface FoldOptions {
  readonly reducers: Reducers;
  readonly origin: string;
  /**
   * How the state is kept from being changed in place. `bytes`: it is frozen, and bytes are compared with what they were;
   * `frozen`: it is frozen, and single bytes could be changed; `none`: not at all.
   */
  readonly guard: 'bytes' | 'frozen' | 'none';
  /** Refuses what a reducer has made of the state, by throwing. Asked for new events, not for those of the log. */
  readonly check?: ((after: State, before: State, type: string) => void) | undefined;
}

/** Between the name of a step and the name of a step inside it; not allowed in names. */
export const nesting = ' › ';

const nothing: readonly string[] = [];

/** Names of the steps around a step, the outermost first. */
export function outerNames(name: string): readonly string[] {
  // Nearly every step is inside of none.
  if (!name.includes(nesting)) return nothing;
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
  readonly #bookkeeping: Map<string, unknown>;
  /** Fields of what is inside of a step that has not completed, by the name of each step around it. */
  readonly #inner = new Map<string, Set<string>>();
  readonly #touched = new Set<string>();
  /** Names of children, by the ids of their runs. */
  readonly #children = new Map<string, string>();
  /** While events are applied that may be refused: what each changed field was before. */
  #before: Map<string, unknown> | undefined;
  readonly #options: FoldOptions;
  readonly #bytes: WatchedBytes | undefined;

  constructor(start: Folded, options: FoldOptions) {
    this.#options = options;
    this.#bytes = options.guard === 'bytes' ? new WatchedBytes(options.origin) : undefined;
    this.seq = start.seq;
    this.state = this.#guarded(start.state);
    this.#bookkeeping = new Map(start.bookkeeping);
    for (const [field, value] of this.#bookkeeping) {
      this.#noteInner(field);
      if (field.startsWith(childPrefix)) this.#noteChild(field, value as Child);
    }
  }

  get bookkeeping(): ReadonlyMap<string, unknown> {
    return this.#bookkeeping;
  }

  step(name: string): StepResult | undefined {
    return this.#bookkeeping.get(`step:${name}`) as StepResult | undefined;
  }

  /** Names of completed steps that begin so, without those inside of others that have not completed. */
  completedSteps(prefix: string): string[] {
    const begin = `step:${prefix}`;
    const names: string[] = [];
    for (const [field, value] of this.#bookkeeping) {
      if (!field.startsWith(begin) || (value as StepResult).status !== 'completed') continue;
      names.push(field.slice('step:'.length));
    }
    return names;
  }

  timer(name: string): number | undefined {
    return this.#bookkeeping.get(`timer:${name}`) as number | undefined;
  }

  signals(name: string): readonly ReceivedSignal[] {
    return (this.#bookkeeping.get(`signal:${name}`) as readonly ReceivedSignal[] | undefined) ?? [];
  }

  /** A child, by the name it has in this run. */
  child(name: string): Child | undefined {
    return this.#bookkeeping.get(childPrefix + name) as Child | undefined;
  }

  /** The name of the child that is this run of this birth. */
  childName(run: string, birth: string): string | undefined {
    const name = this.#children.get(run);
    return name !== undefined && this.child(name)?.birth === birth ? name : undefined;
  }

  /** Children that may be at work and end with this run, the ones that are about to be started included. */
  get attached(): readonly Child[] {
    return [...this.#children.values()].flatMap((name) => {
      const child = this.child(name);
      return child?.attached === true && child.end === undefined ? [child] : [];
    });
  }

  effect(name: string): EffectState | undefined {
    return this.#bookkeeping.get(`effect:${name}`) as EffectState | undefined;
  }

  /** Attempts of the whole run that have failed. */
  get attempts(): number {
    return (this.#bookkeeping.get('run:attempts') as number | undefined) ?? 0;
  }

  /** What the last execution, or the starter of the run, left of its trace. */
  get trace(): string | undefined {
    return this.#bookkeeping.get('run:trace') as string | undefined;
  }

  /** What the handler is called with in place of the run's first input, encoded. */
  get input(): Uint8Array | undefined {
    return this.#bookkeeping.get('run:input') as Uint8Array | undefined;
  }

  get cancel(): CancelRequest | undefined {
    return this.#bookkeeping.get('run:cancel') as CancelRequest | undefined;
  }

  /**
   * Takes a stored event, which must be the next one.
   * @throws CorruptionError when it is not.
   */
  replay(seq: number, event: FoldEvent): void {
    if (seq !== this.seq + 1) {
      throw new CorruptionError(
        { key: this.#options.origin, seq },
        `follows seq ${this.seq}: events are missing or out of order`,
      );
    }
    this.#take(event);
  }

  /**
   * Takes new events, all or none: when a reducer or the check throws, nothing has changed.
   * @throws DefinitionError when a reducer does not return a plain object; whatever a reducer throws, or the check.
   */
  applyAll(events: readonly FoldEvent[]): void {
    const { seq, state } = this;
    const before = new Map<string, unknown>();
    this.#before = before;
    try {
      for (const event of events) this.#take(event);
      // Between the events of one commit the run never stands, so what is there between them need not fit.
      this.#check(events, state);
    } catch (error) {
      this.#before = undefined;
      for (const [field, value] of before) this.remember(field, value);
      this.seq = seq;
      this.state = state;
      throw error;
    } finally {
      this.#before = undefined;
    }
  }

  /** As `applyAll`, with one event: only the check finds something to take back. */
  apply(event: FoldEvent): void {
    const { seq, state } = this;
    this.#take(event);
    if (this.state === state) return;
    try {
      this.#check([event], state);
    } catch (error) {
      this.seq = seq;
      this.state = state;
      throw error;
    }
  }

  #check(events: readonly FoldEvent[], before: State): void {
    const { reducers, check } = this.#options;
    if (check === undefined || this.state === before) return;
    const types = events.map(({ type }) => type).filter((type) => Object.hasOwn(reducers, type));
    if (types.length > 0) check(this.state, before, [...new Set(types)].join(', '));
  }

  /** Takes the next event. When the reducer throws, nothing has changed. */
  #take(event: FoldEvent): void {
    const { reducers } = this.#options;
    this.#bytes?.check();
    if (Object.hasOwn(remembered, event.type)) {
      remembered[event.type]?.(this, event.data);
    } else if (event.type === 'state.set') {
      const { patch, mark, follows = 0 } = event.data as StateSetData;
      this.patch(patch);
      if (mark !== undefined) notePassed(this, mark, follows);
    } else if (Object.hasOwn(reducers, event.type)) {
      const next = checkState(reducers[event.type]?.(this.state, event.data), event.type);
      this.#bytes?.check();
      this.#change(next);
    }
    this.seq += 1;
  }

  /** Remembers a value, or forgets it when it is undefined. */
  remember(field: string, value: unknown): void {
    if (value === undefined && !this.#bookkeeping.has(field)) return;
    if (this.#before !== undefined && !this.#before.has(field)) {
      this.#before.set(field, this.#bookkeeping.get(field));
    }
    if (field.startsWith(childPrefix)) this.#noteChild(field, value as Child | undefined);
    if (value === undefined) {
      this.#bookkeeping.delete(field);
      for (const outer of outerOf(field)) {
        const inner = this.#inner.get(outer);
        inner?.delete(field);
        if (inner?.size === 0) this.#inner.delete(outer);
      }
    } else {
      this.#bookkeeping.set(field, value);
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
    for (const field of inner) {
      // A child that is at work is still this run's.
      const isAtWork = field.startsWith(childPrefix) && this.#isAtWork(field);
      if (!isAtWork) this.remember(field, undefined);
    }
  }

  #isAtWork(field: string): boolean {
    return (this.#bookkeeping.get(field) as Child).end === undefined;
  }

  /** Forgets failures inside of a step that is tried again. */
  forgetFailuresInside(step: string): void {
    forgetFailedItems(this, this.#inner.get(step) ?? []);
    for (const field of this.#inner.get(step) ?? []) {
      const value = this.#bookkeeping.get(field);
      if (field.startsWith('step:') && (value as StepResult).status !== 'completed') {
        this.remember(field, undefined);
      }
    }
  }

  /** Entries of the bookkeeping that changed since `forgetTouched`, so that a snapshot need not look at all. */
  get touched(): Iterable<string> {
    return this.#touched;
  }

  forgetTouched(): void {
    this.#touched.clear();
  }

  #noteChild(field: string, child: Child | undefined): void {
    const name = field.slice(childPrefix.length);
    const before = this.child(name);
    if (before !== undefined) this.#children.delete(before.run);
    if (child !== undefined) this.#children.set(child.run, name);
  }

  #noteInner(field: string): void {
    for (const outer of outerOf(field)) {
      this.#inner.set(outer, (this.#inner.get(outer) ?? new Set()).add(field));
    }
  }

  #change(state: State): void {
    this.state = this.#guarded(state);
  }

  #guarded(state: State): State {
    if (this.#options.guard === 'none') return state;
    return this.#bytes?.freeze(state) ?? deepFreeze(state);
  }
}

/** Names of the steps around what a field of the bookkeeping is about. */
function outerOf(field: string): readonly string[] {
  if (!field.includes(nesting)) return nothing;
  const kind = field.indexOf(':');
  const isNested = kind > 0 && nested.has(field.slice(0, kind));
  return isNested ? outerNames(field.slice(kind + 1)) : nothing;
}

const nested: ReadonlySet<string> = new Set(['step', 'timer', 'effect', 'child', 'items', 'page']);

/** What pawl's own events do to the bookkeeping. */
const remembered: Readonly<Record<string, (fold: Fold, data: unknown) => void>> = {
  ...rememberedOfGraphs,
  ...rememberedOfChildren,
  ...rememberedOfEffects,
  ...rememberedOfUndo,
  'step.completed': (fold, data) => {
    const { name, result, took, item, hasUndo } = data as StepCompletedData;
    const completed: StepResult = { status: 'completed', result, seq: fold.seq + 1 };
    fold.forgetInside(name);
    if (item !== undefined) endItem(fold, name, item, result);
    else fold.remember(`step:${name}`, isUndo(name) ? undefined : completed);
    fold.remember(`timer:${name}`, undefined);
    fold.remember(`effect:${name}`, undefined);
    if (hasUndo === true || isUndo(name)) noteUndo(fold, name, data as StepCompletedData);
    for (const [signal, id] of took ?? []) {
      const left = fold.signals(signal).filter((one) => one.id !== id);
      fold.remember(`signal:${signal}`, left.length === 0 ? undefined : left);
    }
  },
  'step.retried': (fold, data) => {
    const { name, attempts, dueAt } = data as StepRetriedData;
    const retrying: StepResult = { status: 'retrying', attempts, dueAt };
    fold.forgetFailuresInside(name);
    fold.remember(`step:${name}`, retrying);
  },
  'step.failed': (fold, data) => {
    const { name, error, attempts, about, item } = data as StepFailedData;
    const failed = { error, attempts, ...(about === undefined ? {} : { about }) };
    const result: StepResult = { status: 'failed', ...failed, seq: fold.seq + 1 };
    if (item === undefined) fold.remember(`step:${name}`, result);
    else endItem(fold, name, item, failed);
    fold.remember(`timer:${name}`, undefined);
  },
  'step.forgotten': (fold, data) => {
    for (const name of (data as StepsForgottenData).names) {
      const step = fold.step(name);
      const over = step?.status === 'completed' ? step.seq : itemsState(fold.bookkeeping, name).seq;
      if (over > 0) forgetPassed(fold, over);
      const keepsItems = keepForUndo(fold, name);
      fold.forgetInside(name);
      fold.remember(`step:${name}`, undefined);
      if (!keepsItems) forgetItems(fold, name);
    }
  },
  'timer.set': (fold, data) => {
    const { name, dueAt } = data as TimerData;
    fold.remember(`timer:${name}`, dueAt);
  },
  'wait.withdrawn': (fold, data) => {
    fold.remember(`timer:${(data as WithdrawnData).name}`, undefined);
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
  'run.created': (fold, data) => {
    const { trace } = (data ?? {}) as { readonly trace?: string };
    if (trace !== undefined) fold.remember('run:trace', trace);
  },
  'run.answered': keepReply,
  'run.traced': (fold, data) => fold.remember('run:trace', (data as TracedData).trace),
  'run.cancelling': (fold, data) => fold.remember('run:cancel', data),
  'run.retried': (fold, data) => {
    fold.remember('run:attempts', (data as RetriedData).attempts);
    fold.remember('run:redone', true);
    forgetFailures(fold);
  },
  'operator.resumed': (fold, data) => {
    if (undoing(fold.bookkeeping) === undefined) rememberInput(fold, data);
  },
  'operator.retried': (fold, data) => {
    // What has ended it stays as it is, and so does the way that its handler took.
    if (undoing(fold.bookkeeping) !== undefined) return;
    rememberInput(fold, data);
    fold.remember('run:cancel', undefined);
    fold.remember('run:attempts', undefined);
    fold.remember('run:redone', true);
    forgetFailures(fold);
  },
};

/** One that was given before stays where none is given now. */
function rememberInput(fold: Fold, data: unknown): void {
  const { input } = (data ?? {}) as OperatorResumedData;
  if (input !== undefined) fold.remember('run:input', input);
}

/** Only its result is kept of an item that is over; a name of a child's end is that of the child's field. */
function endItem(fold: Fold, name: string, item: ItemMark, result: ItemResult): void {
  fold.remember(`step:${name}`, undefined);
  if (name.startsWith(childPrefix)) fold.remember(name, undefined);
  rememberItem(fold, item, result);
}

/** What failed is tried again. */
function forgetFailures(fold: Fold): void {
  forgetFailedItems(fold, fold.bookkeeping.keys());
  for (const [field, value] of fold.bookkeeping) {
    if (field.startsWith('step:') && (value as StepResult).status !== 'completed') {
      fold.remember(field, undefined);
    } else if (field.startsWith(childPrefix)) {
      const { end, ...child } = value as Child;
      // It may have been resumed as well: how it ended is looked up again. One that was deleted is started anew.
      if (end?.status === 'deleted') fold.remember(field, undefined);
      else if (end !== undefined && end.status !== 'completed') fold.remember(field, child);
    }
  }
}
