/**
 * What the handler of a run says of how its steps are undone, under one claim. While the run is undone it is called for that
 * only, and what it asks for that is new is held back: see `undoing.ts`. Nothing here is stored, so a crash leaves nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Duration } from '../../core/duration.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { Doubt } from '../definition/context.ts';
import type { HowToUndo, HowToUndoItem, UndoContext } from '../definition/undoable.ts';
import { cancelError } from './cancellation.ts';

/** How a step is undone, as the handler has said it. */
export interface SaidUndo {
  readonly undo: HowToUndo<unknown>;
  /** Of an effect. */
  readonly onDoubt?: Doubt<unknown>;
}

/** How the items of a map are undone, as the handler has said it. */
export interface SaidUndoOfItems {
  readonly undo: HowToUndoItem<unknown, unknown>;
  readonly items: readonly unknown[];
}

/** How a step, or each item of a map, is undone. */
export interface KnownUndo {
  readonly policy: { readonly retry?: RetryPolicy; readonly timeout?: Duration };
  readonly onDoubt: Doubt<unknown> | undefined;
  /** `at`: which item. It is called with the `AsyncLocalStorage` that the handler had entered. */
  readonly call: (result: unknown, undo: UndoContext, at?: number) => unknown;
}

/** What handlers say of how their steps are undone. */
export class Undos {
  readonly #known = new Map<string, KnownUndo>();
  readonly #run: string;
  readonly #isUndoing: boolean;
  /** Resolves when the handler asks for nothing more, for the first time. */
  readonly isQuiet: Promise<void>;
  #onQuiet: () => void = () => undefined;
  #ofNodes: (step: string) => HowToUndo<unknown> | undefined = () => undefined;
  #onKnown: () => void = () => undefined;
  #heldBack: ((reason: unknown) => void)[] = [];
  #isTold = false;

  /** `isUndoing`: what is said will be called. Else nothing of it is noted. */
  constructor(run: string, isUndoing: boolean) {
    this.#run = run;
    this.#isUndoing = isUndoing;
    this.isQuiet = new Promise((resolve) => {
      this.#onQuiet = resolve;
    });
  }

  get(step: string): KnownUndo | undefined {
    const ofNode = this.#ofNodes(step);
    return ofNode === undefined ? this.#known.get(step) : knownOf({ undo: ofNode }, here);
  }

  /** Visits of nodes need no handler to tell: their names say which node it was. */
  noteNodes(ofNode: (step: string) => HowToUndo<unknown> | undefined): void {
    this.#ofNodes = ofNode;
    this.#onKnown();
  }

  note(step: string, said: SaidUndo | SaidUndoOfItems): void {
    if (!this.#isUndoing) return;
    this.#known.set(step, knownOf(said, AsyncLocalStorage.snapshot()));
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
    const isToBeTold = !this.#isTold && cancel !== undefined && this.#heldBack.length > 0;
    if (!isToBeTold) {
      this.#onQuiet();
      return false;
    }
    this.#isTold = true;
    for (const reject of this.#heldBack.splice(0)) reject(cancelError(this.#run, cancel));
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

function knownOf(
  said: SaidUndo | SaidUndoOfItems,
  there: (call: () => unknown) => unknown,
): KnownUndo {
  if ('items' in said) {
    const { undo, items } = said;
    const body = typeof undo === 'function' ? undo : undo.run;
    return {
      policy: typeof undo === 'function' ? {} : undo,
      onDoubt: undefined,
      call: (result, step, at = 0) => there(() => body(items[at], result, step, at)),
    };
  }
  const { undo, onDoubt } = said;
  const body = typeof undo === 'function' ? undo : undo.run;
  return {
    policy: typeof undo === 'function' ? {} : undo,
    onDoubt,
    call: (result, step) => there(() => body(result, step)),
  };
}

function here(call: () => unknown): unknown {
  return call();
}
