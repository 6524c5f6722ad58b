/**
 * Changes of the state that a handler asks for again.
 *
 * A handler that is called again passes each `ctx.set` that it has passed before. Written again, the state would go back to
 * what it was there: shipped, then paid, then shipped. So a `state.set` has a mark in the log, made of its patch. One with
 * the same mark is taken for a repetition when the log has it behind the last result that the handler was given:
 *
 *   called ── no such mark ─────────────────────────────▶ written
 *     │
 *     └─ mark found ── the state has these values ──────▶ passed over: writing it would change nothing
 *             │
 *             └─ it has others ─▶ in doubt ──▶ the handler is given a later result of the log: passed over
 *                                    └──────▶ a new one, or nothing for a while: written, in its order
 *
 * The doubt is about handlers that ask the state where they are, and so come to an earlier place with new work. While it
 * lasts the handler sees the state with its patch. It ends with the next result, or after a moment of patience.
 *
 * The moment may be too short for a handler that does something plain for longer. When a later result of the log shows that,
 * what was written is taken back: its fields become what they were, unless somebody has changed them since.
 *
 * A crash while it lasts leaves the log as it was; whoever is called next comes by again. What is written is written with
 * its mark, by the log writer. Nothing else is stored here.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { detach } from '../../core/detached.ts';
import type { Fold, State } from '../../core/fold.ts';
import type { Limits } from '../../core/limits.ts';
import { passedSets } from '../../core/passed-sets.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { Deliveries } from './deliveries.ts';
import type { LogWriter } from './log-writer.ts';
import { setWrite, type SetWrite, stepSetWrite, type Write } from './writes.ts';

/** Longer than a local file or a query takes: a handler may do something plain between a change and its next step. */
const patienceMs = 50;

interface Doubtful {
  /** Where the log has it. */
  readonly seq: number;
  readonly write: SetWrite;
}

export interface PassedSetsParts {
  readonly workflow: AnyWorkflow;
  readonly limits: Limits;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly deliveries: Deliveries;
  readonly clock: Pick<Clock, 'soon'>;
}

export class PassedSets {
  readonly #parts: PassedSetsParts;
  /** By mark, the seqs at which the log has it and the handler has not come by; lowest first. */
  readonly #left = new Map<string, number[]>();
  #doubtful: Doubtful[] = [];
  /** The state with what is in doubt. */
  #shown: { readonly of: State; readonly state: State } | undefined;
  /** The last result that the handler was given. */
  #last = 0;
  /** The last known one, and the one before it. */
  #given = 0;
  #givenBefore = 0;
  /** Where the log ended when the execution began: what is behind it is new. */
  readonly #end: number;
  #stopPatience: (() => void) | undefined;
  /** It has changed the state under this claim. */
  #hasWritten = false;
  /** What was written in doubt, with the state before. */
  #guesses: { readonly seq: number; readonly patch: State; readonly before: State }[] = [];

  constructor(parts: PassedSetsParts) {
    this.#parts = parts;
    this.#end = parts.fold.seq;
    for (const [seq, mark] of passedSets(parts.fold.bookkeeping)) {
      const seqs = this.#left.get(mark);
      if (seqs === undefined) this.#left.set(mark, [seq]);
      else seqs.push(seq);
    }
  }

  /** The state as the handler is to see it. */
  get state(): State {
    const { fold } = this.#parts;
    if (this.#doubtful.length === 0) return fold.state;
    if (this.#shown?.of !== fold.state) {
      const patches = this.#doubtful.map(({ write }) => write.patch);
      const state = Object.assign({}, fold.state, ...patches) as State;
      this.#shown = { of: fold.state, state };
    }
    return this.#shown.state;
  }

  /** Something may change the state, or a run may be let go of: true while that is not known. */
  get isInDoubt(): boolean {
    return this.#doubtful.length > 0;
  }

  /** Writes new values of the state, unless the log has them already. Resolves when they are there. */
  async set(patch: Record<string, unknown>): Promise<void> {
    const { workflow, limits, writer, deliveries } = this.#parts;
    const write = setWrite(workflow, limits, { state: this.state, follows: this.#last }, patch);
    const seq = this.#left.size === 0 ? undefined : this.#find(write.value.mark);
    // In doubt about one of its fields, it has to keep its place behind what is in doubt.
    const isBehind = this.#doubtful.some((one) => shares(one.write.patch, write.patch));
    if (this.#left.size > 0 && !this.#hasWritten && !isBehind && this.#has(write.patch)) return;
    if (seq === undefined) {
      if (isBehind) this.write();
      this.#hasWritten = true;
      await writer.submit([write]);
      return;
    }
    this.#doubtful.push({ seq, write });
    this.#shown = undefined;
    deliveries.schedule();
  }

  /** A result is handed to the handler. What it passed on the way to a known one, it has passed before. */
  given(seq: number): void {
    const isKnown = seq <= this.#end;
    this.#last = seq;
    // A new result says nothing of the way: what had failed is done anew before what is known.
    if (isKnown) {
      this.#givenBefore = this.#given;
      this.#given = Math.max(this.#given, seq);
    }
    if (isKnown && this.#guesses.length > 0) this.#takeBack(seq);
    if (!this.isInDoubt) return;
    if (isKnown) this.#settle(this.#doubtful.filter((one) => one.seq > seq));
    else this.write();
  }

  /** Everything was handed over, and the handler does something plain, or waits. */
  quiet(): void {
    if (this.isInDoubt)
      this.#stopPatience ??= this.#parts.clock.soon(patienceMs, () => this.write());
  }

  /** What is in doubt is new: it is written now, in its order, unless the state has come to all of it. */
  write(): void {
    if (!this.isInDoubt) return;
    const writes = this.#doubtful.map(({ write }) => write);
    const guesses = this.#doubtful;
    this.#settle([]);
    if (this.#has(Object.assign({}, ...writes.map((write) => write.patch)) as State)) return;
    const { state: before } = this.#parts.fold;
    this.#guesses.push(...guesses.map(({ seq, write: { patch } }) => ({ seq, patch, before })));
    this.#hasWritten = true;
    this.#submit(() => writes);
  }

  /** A later result of the log is given: what was written in doubt was a repetition. */
  #takeBack(given: number): void {
    const { fold, workflow, limits } = this.#parts;
    const wrong = this.#guesses.filter(({ seq }) => seq < given);
    this.#guesses = this.#guesses.filter(({ seq }) => seq >= given);
    const back: Record<string, unknown> = {};
    for (const { patch, before } of wrong) {
      for (const [field, value] of Object.entries(patch)) {
        const isUntouched = isDeepStrictEqual(fold.state[field], value);
        if (isUntouched && !Object.hasOwn(back, field)) back[field] = before[field];
      }
    }
    if (this.#has(back)) return;
    const on = { state: fold.state, before: [] };
    this.#submit(() => [stepSetWrite(workflow, limits, on, back)]);
  }

  /** The handler does not wait for it any more; a refusal is for what it does next. */
  #submit(writes: () => readonly Write[]): void {
    const { writer } = this.#parts;
    const submit = async (): Promise<unknown> => writer.submit(writes());
    detach(submit(), () => undefined);
  }

  /** The handler is left where it stands. */
  close(): void {
    this.#settle([]);
  }

  #settle(left: Doubtful[]): void {
    this.#doubtful = left;
    this.#shown = undefined;
    if (left.length > 0) return;
    this.#stopPatience?.();
    this.#stopPatience = undefined;
  }

  /**
   * The first place behind what the handler was given, and not before. It is passed once. The last result does not count: it
   * is handed over as soon as it is asked for, and what another branch asks for in the same turn comes after that. Where a
   * run was tried again, what had failed has its place in the log behind all that it came before: there a result tells of
   * no place.
   */
  #find(mark: string): number | undefined {
    const seqs = this.#left.get(mark) ?? [];
    const isRedone = this.#parts.fold.bookkeeping.has('run:redone');
    const at = seqs.findIndex((seq) => isRedone || seq > this.#givenBefore);
    return at < 0 ? undefined : seqs.splice(at, 1)[0];
  }

  /** The state has these values already. */
  #has(patch: State): boolean {
    const { state } = this.#parts.fold;
    return Object.entries(patch).every(([key, value]) => isDeepStrictEqual(state[key], value));
  }
}

function shares(a: State, b: State): boolean {
  return Object.keys(a).some((key) => Object.hasOwn(b, key));
}
