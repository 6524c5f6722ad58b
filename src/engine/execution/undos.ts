/**
 * What the handler of a run says of how its steps are undone, under one claim. While the run is undone it is called for that
 * only, and what it asks for that is new is held back: see `undoing.ts`. Nothing here is stored, so a crash leaves nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CancelRequest } from '../../core/event.ts';
import type { Doubt, HowToUndo } from '../definition/context.ts';
import { cancelError } from './cancellation.ts';

/** How a step is undone, as the handler has said it under this claim. */
export interface KnownUndo {
  readonly undo: HowToUndo<unknown>;
  /** Of an effect. */
  readonly onDoubt?: Doubt<unknown>;
  /** Calls a function where the handler has said so: with the `AsyncLocalStorage` that it had entered. */
  readonly there?: <T>(call: () => T) => T;
}

/** What handlers say of how their steps are undone. */
export class Undos {
  readonly #known = new Map<string, KnownUndo>();
  readonly #run: string;
  readonly #isUndoing: boolean;
  /** Resolves when the handler asks for nothing more, for the first time. */
  readonly isQuiet: Promise<void>;
  #onQuiet: () => void = () => undefined;
  #ofNodes: (step: string) => KnownUndo | undefined = () => undefined;
  #onKnown: () => void = () => undefined;
  #heldBack: ((reason: unknown) => void)[] = [];
  #isTold = false;

  /** `isUndoing`: what is said will be called. */
  constructor(run: string, isUndoing: boolean) {
    this.#run = run;
    this.#isUndoing = isUndoing;
    this.isQuiet = new Promise((resolve) => {
      this.#onQuiet = resolve;
    });
  }

  get(step: string): KnownUndo | undefined {
    return this.#known.get(step) ?? this.#ofNodes(step);
  }

  /** Visits of nodes need no handler to tell: their names say which node it was. */
  noteNodes(ofNode: (step: string) => KnownUndo | undefined): void {
    this.#ofNodes = ofNode;
    this.#onKnown();
  }

  note(step: string, known: KnownUndo): void {
    // Only while it is needed: a look at what was entered costs each step something.
    const there = this.#isUndoing ? { there: AsyncLocalStorage.snapshot() } : {};
    this.#known.set(step, { ...known, ...there });
    this.#onKnown();
  }

  /** For what is new: it begins only if the run is cancelled, and then as it did, by an error that says so. */
  holdBack<T>(): Promise<T> {
    return new Promise<T>((_, reject) => this.#heldBack.push(reject));
  }

  /**
   * The handler has been given all that it has asked for. True when it was told now that its run is cancelled, and may go
   * on from there.
   */
  quiet(cancel: CancelRequest | undefined): boolean {
    if (!this.#isUndoing) return false;
    const held = this.#heldBack.splice(0);
    if (this.#isTold || cancel === undefined || held.length === 0) {
      this.#onQuiet();
      return false;
    }
    this.#isTold = true;
    for (const reject of held) reject(cancelError(this.#run, cancel));
    return true;
  }

  /** Resolves when all of these are known. */
  knowAll(steps: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      this.#onKnown = () => {
        if (steps.every((step) => this.get(step) !== undefined)) resolve();
      };
      this.#onKnown();
    });
  }
}
