/**
 * Random programs: handlers and graphs as data, so that one workflow plays them all, and a failing one can be printed and
 * made smaller.
 *
 * A program is a list of parts, done one after the other; in a graph, three at a time in nodes side by side. Each part has a
 * name that is used once in its run. What happens to the run from outside is part of the program.
 */

export type Part =
  | {
      readonly kind: 'step';
      readonly name: string;
      /** Attempts that fail before one succeeds. */
      readonly fails: number;
      readonly attempts: number;
      readonly ms: number;
      /** Events that the step emits; when `isRefused`, a reducer refuses the last one. */
      readonly events: number;
      readonly isRefused: boolean;
      /** The step changes the state as well; as the schema wants it, or not. */
      readonly sets?: 'well' | 'badly';
      /** How it is undone; `stuck` always fails, so that a person has to settle it. */
      readonly undo?: 'well' | 'again' | 'stuck';
    }
  | {
      readonly kind: 'nest';
      readonly name: string;
      readonly fails: number;
      readonly attempts: number;
      readonly inner: number;
    }
  | {
      readonly kind: 'map';
      readonly name: string;
      readonly items: number;
      readonly loops: number;
      /** Index of the item that fails; -1 for none. */
      readonly failsAt: number;
      /** The others go on, and it is told how many have failed. */
      readonly collects: boolean;
      /** How its items are undone. */
      readonly undo?: 'well' | 'again' | 'stuck';
    }
  | {
      /** Children that are started together, each of which plays the same. */
      readonly kind: 'startAll';
      readonly name: string;
      readonly items: number;
      readonly loops: number;
      readonly failsAt: number;
      readonly collects: boolean;
    }
  /** A child that waits for a signal, and what its parent does to it. */
  | { readonly kind: 'ask'; readonly name: string; readonly how: 'signal' | 'cancel' }
  /** A step that no attempt mends. */
  | { readonly kind: 'final'; readonly name: string }
  | { readonly kind: 'sleep'; readonly name: string; readonly ms: number }
  | { readonly kind: 'wait'; readonly name: string; readonly signal: string; readonly ms?: number }
  | {
      readonly kind: 'match';
      readonly name: string;
      readonly signal: string;
      /** The end of the payloads that it takes. */
      readonly only: string;
    }
  | {
      /** Takes only signals with this key. */
      readonly kind: 'keyed';
      readonly name: string;
      readonly signal: string;
      readonly key: string;
    }
  /** A wait that only an answer to it ends. */
  | { readonly kind: 'answered'; readonly name: string }
  | {
      /** A wait that its handler withdraws after `ms`. */
      readonly kind: 'withdraw';
      readonly name: string;
      readonly signal: string;
      readonly ms: number;
    }
  | { readonly kind: 'waitAny' | 'waitAll'; readonly name: string }
  | { readonly kind: 'until'; readonly name: string; readonly ms: number }
  | {
      /** A step that may run out of its time. */
      readonly kind: 'timed';
      readonly name: string;
      readonly ms: number;
      readonly limit: number;
      readonly attempts: number;
    }
  | {
      /** A step that gives out chunks, some of which it does not wait for. */
      readonly kind: 'talk';
      readonly name: string;
      readonly chunks: number;
      /** Attempts that fail, in the middle of what they give out, before one succeeds. */
      readonly fails: number;
      readonly attempts: number;
      readonly ms: number;
    }
  /** Steps that are forgotten behind what they have done. */
  | { readonly kind: 'rounds'; readonly name: string; readonly times: number }
  /** Changes of the state with steps between them, as of an order that is paid and then shipped. */
  | { readonly kind: 'phases'; readonly name: string; readonly times: number }
  /** More events at once than a commit takes. */
  | { readonly kind: 'burst'; readonly name: string; readonly events: number }
  | {
      readonly kind: 'effect';
      readonly name: string;
      readonly doubt: Doubt;
      readonly fails: number;
      readonly undo?: 'well' | 'again' | 'stuck';
    }
  | {
      readonly kind: 'child';
      readonly name: string;
      readonly isAttached: boolean;
      readonly of: Program;
    }
  | { readonly kind: 'set' | 'emit' | 'checkpoint' | 'unmanaged'; readonly name: string }
  | { readonly kind: 'plain'; readonly name: string; readonly ms: number }
  | {
      readonly kind: 'all' | 'race' | 'ctxRace' | 'settled';
      readonly name: string;
      readonly of: readonly Part[];
    }
  | { readonly kind: 'throw'; readonly name: string };

export type Doubt = 'retry' | 'skip' | 'ask' | 'probe';

/** What happens to a run from outside, at a turn of whoever watches it. */
export interface Happening {
  readonly at: number;
  readonly kind:
    | 'pause'
    | 'resume'
    | 'cancel'
    | 'delete'
    | 'fork'
    | 'retry'
    | 'image'
    | 'rewind'
    | 'compact';
}

export interface Program {
  readonly parts: readonly Part[];
  /** Programs of one key, children too, take turns: see `keyLimit`. */
  readonly key?: string;
  readonly isGraph?: boolean;
  readonly happens?: readonly Happening[];
}

/** How a program is named when it is printed, and played again. */
export interface Seeded {
  readonly seed: number;
  readonly program: Program;
}

/** Programs of one key, of handlers and of graphs each, that may be at work at one time. */
export const keyLimit = 2;

export const signalNames = ['red', 'green'] as const;
/** The signal by which answers come. */
export const answerSignal = 'blue';

/** A generator of numbers from 0 to below 1 that is the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
