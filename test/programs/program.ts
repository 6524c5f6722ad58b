/**
 * Random programs: handlers as data, so that one workflow plays them all, and a failing one can be printed and made smaller.
 *
 * A program is a list of parts, done one after the other. Each part has a name that is used once in its run.
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
      readonly lanes: number;
      /** Index of the item that fails; -1 for none. */
      readonly failsAt: number;
    }
  | { readonly kind: 'sleep'; readonly name: string; readonly ms: number }
  | { readonly kind: 'wait'; readonly name: string; readonly signal: string; readonly ms?: number }
  | { readonly kind: 'waitAny'; readonly name: string }
  | {
      readonly kind: 'effect';
      readonly name: string;
      readonly doubt: Doubt;
      readonly fails: number;
    }
  | {
      readonly kind: 'child';
      readonly name: string;
      readonly isAttached: boolean;
      readonly of: Program;
    }
  | { readonly kind: 'set' | 'emit' | 'checkpoint' | 'loose'; readonly name: string }
  | { readonly kind: 'plain'; readonly name: string; readonly ms: number }
  | {
      readonly kind: 'all' | 'race' | 'ctxRace' | 'settled';
      readonly name: string;
      readonly of: readonly Part[];
    }
  | { readonly kind: 'throw'; readonly name: string };

export type Doubt = 'retry' | 'skip' | 'ask' | 'probe';

export interface Program {
  readonly parts: readonly Part[];
}

export const signalNames = ['red', 'green'] as const;

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

/** A program of a seed. */
export function generate(seed: number): Program {
  const random = randomOf(seed);
  let names = 0;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const name = (): string => `n${(names += 1)}`;

  const leaf = (): Part => {
    const kind = pick([
      'step',
      'step',
      'nest',
      'map',
      'sleep',
      'wait',
      'waitAny',
      'effect',
    ] as const);
    switch (kind) {
      case 'step': {
        const attempts = 1 + upTo(2);
        const fails = random() < 0.3 ? upTo(attempts) : 0;
        return {
          ...{ kind, name: name(), fails, attempts, ms: upTo(8) },
          ...{ events: upTo(2), isRefused: random() < 0.1 },
        };
      }
      case 'nest':
        return { kind, name: name(), fails: upTo(1), attempts: 2, inner: 1 + upTo(2) };
      case 'map':
        return {
          ...{ kind, name: name(), items: 1 + upTo(5), lanes: 1 + upTo(2) },
          failsAt: random() < 0.3 ? upTo(4) : -1,
        };
      case 'sleep':
        return { kind, name: name(), ms: random() < 0.05 ? 1_050 : upTo(20) };
      case 'wait': {
        const timed = random() < 0.4 ? { ms: upTo(40) } : {};
        return { kind, name: name(), signal: pick(signalNames), ...timed };
      }
      case 'waitAny':
        return { kind, name: name() };
      case 'effect': {
        const doubt = pick(['retry', 'skip', 'ask', 'probe'] as const);
        return { kind, name: name(), doubt, fails: random() < 0.2 ? 1 : 0 };
      }
    }
  };

  const part = (depth: number): Part => {
    const chance = random();
    if (chance < 0.5 || depth > 2) return leaf();
    if (chance < 0.62) return { kind: pick(['set', 'emit', 'checkpoint', 'loose']), name: name() };
    if (chance < 0.7) return { kind: 'plain', name: name(), ms: upTo(6) };
    if (chance < 0.78 && depth === 0) {
      const of = { parts: Array.from({ length: 1 + upTo(2) }, () => part(2)) };
      return { kind: 'child', name: name(), isAttached: random() < 0.7, of };
    }
    const of = Array.from({ length: 2 + upTo(1) }, () =>
      random() < 0.8 ? leaf() : part(depth + 1),
    );
    return { kind: pick(['all', 'race', 'ctxRace', 'settled']), name: name(), of };
  };

  const parts = Array.from({ length: 1 + upTo(5) }, () => part(0));
  if (random() < 0.12) parts.push({ kind: 'throw', name: name() });
  return { parts };
}
