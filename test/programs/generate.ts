/** Makes programs out of seeds. */
import { type Happening, type Part, type Program, randomOf, signalNames } from './program.ts';

const leaves = [
  'step',
  'step',
  'nest',
  'map',
  'sleep',
  'until',
  'wait',
  'match',
  'keyed',
  'keyed',
  'answered',
  'withdraw',
  'waitAny',
  'waitAll',
  'effect',
  'timed',
  'final',
  'talk',
] as const satisfies readonly Part['kind'][];

/** What only a handler can do: a node changes the state by what it returns. */
const ofHandlers = ['set', 'emit', 'checkpoint', 'unmanaged', 'rounds', 'phases', 'burst'] as const;

/** A program of a seed. */
export function generate(seed: number): Program {
  const random = randomOf(seed);
  let names = 0;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const name = (): string => `n${(names += 1)}`;

  const undo = (): { undo?: 'well' | 'again' | 'stuck' } =>
    random() < 0.4 ? { undo: pick(['well', 'well', 'again', 'stuck'] as const) } : {};

  const leaf = (): Part => {
    const kind = pick(leaves);
    switch (kind) {
      case 'step': {
        const attempts = 1 + upTo(2);
        const fails = random() < 0.3 ? upTo(attempts) : 0;
        return {
          kind,
          name: name(),
          fails,
          attempts,
          ms: upTo(8),
          events: upTo(2),
          isRefused: random() < 0.1,
          ...undo(),
          ...(random() < 0.3 ? { sets: random() < 0.2 ? 'badly' : 'well' } : {}),
        };
      }
      case 'talk':
        return {
          kind,
          name: name(),
          chunks: 1 + upTo(9),
          fails: random() < 0.3 ? 1 : 0,
          attempts: 1 + upTo(1),
          ms: upTo(4),
        };
      case 'timed':
        return { kind, name: name(), ms: upTo(12), limit: 1 + upTo(12), attempts: 1 + upTo(1) };
      case 'nest':
        return { kind, name: name(), fails: upTo(1), attempts: 2, inner: 1 + upTo(2) };
      case 'map':
        return {
          kind,
          name: name(),
          items: 1 + upTo(5),
          loops: 1 + upTo(2),
          failsAt: random() < 0.3 ? upTo(4) : -1,
          collects: random() < 0.3,
          ...undo(),
        };
      case 'final':
        return { kind, name: name() };
      case 'sleep':
        return { kind, name: name(), ms: random() < 0.05 ? 1_050 : upTo(20) };
      case 'until':
        return { kind, name: name(), ms: upTo(20) };
      case 'wait': {
        const timed = random() < 0.4 ? { ms: upTo(40) } : {};
        return { kind, name: name(), signal: pick(signalNames), ...timed };
      }
      case 'match':
        return { kind, name: name(), signal: pick(signalNames), only: pick(['0', '1']) };
      case 'keyed':
        return { kind, name: name(), signal: pick(signalNames), key: pick(['0', '1']) };
      case 'answered':
        return { kind, name: name() };
      case 'withdraw':
        return { kind, name: name(), signal: pick(signalNames), ms: upTo(30) };
      case 'waitAny':
      case 'waitAll':
        return { kind, name: name() };
      case 'effect': {
        const doubt = pick(['retry', 'skip', 'ask', 'probe'] as const);
        return { kind, name: name(), doubt, fails: random() < 0.2 ? 1 : 0, ...undo() };
      }
    }
  };

  const isGraph = random() < 0.2;
  const own = (): Part => {
    const kind = random() < 0.04 ? 'burst' : pick(ofHandlers.slice(0, -1));
    if (kind === 'burst') return { kind, name: name(), events: 250 + upTo(80) };
    if (kind === 'rounds' || kind === 'phases') return { kind, name: name(), times: 1 + upTo(2) };
    return { kind, name: name() };
  };

  const family = (): Part => {
    if (random() < 0.5) return { kind: 'ask', name: name(), how: pick(['signal', 'cancel']) };
    const failsAt = random() < 0.3 ? upTo(4) : -1;
    const many = { items: 1 + upTo(4), loops: 1 + upTo(2), failsAt, collects: random() < 0.4 };
    return { kind: 'startAll', name: name(), ...many };
  };

  const happens = happenings(random);
  // A store that forgets the end of a run, and not that its turn was given back, counts it again only after a while.
  const isSure = !happens.some(({ kind }) => kind === 'rewind');
  const keyed = (): { readonly key?: string } =>
    isSure && random() < 0.4 ? { key: `key-${upTo(3)}` } : {};

  const part = (depth: number): Part => {
    const chance = random();
    if (chance < 0.5 || depth > 2) return leaf();
    if (chance < 0.62) return isGraph ? leaf() : own();
    if (chance < 0.7) return { kind: 'plain', name: name(), ms: upTo(6) };
    if (chance < 0.73 && depth === 0) return family();
    if (chance < 0.78 && depth === 0) {
      const of = { parts: Array.from({ length: 1 + upTo(2) }, () => part(2)), ...keyed() };
      return { kind: 'child', name: name(), isAttached: random() < 0.7, of };
    }
    const of = Array.from({ length: 2 + upTo(1) }, () =>
      random() < 0.8 ? leaf() : part(depth + 1),
    );
    return { kind: pick(['all', 'race', 'ctxRace', 'settled']), name: name(), of };
  };

  const parts = Array.from({ length: 1 + upTo(5) }, () => part(0));
  if (random() < 0.12) parts.push({ kind: 'throw', name: name() });
  return { parts, ...keyed(), isGraph, happens };
}

function happenings(random: () => number): Happening[] {
  const happens: Happening[] = [];
  const at = (): number => 1 + Math.floor(random() * 4);
  const add = (chance: number, ...kinds: readonly Happening['kind'][]): void => {
    if (random() >= chance) return;
    const first = at();
    happens.push(...kinds.map((kind, n) => ({ at: first + 2 * n, kind })));
  };
  add(0.1, 'pause', 'resume');
  add(0.05, 'cancel');
  add(0.04, 'delete');
  add(0.08, 'fork');
  // What a store forgets of a log that was cut is not to be told from what was cut.
  if (random() < 0.5) add(0.16, 'image', 'rewind');
  else add(0.4, 'compact', 'compact');
  // Behind the end: a failed run is let go on.
  if (random() < 0.3) happens.push({ at: 0, kind: 'retry' });
  return happens;
}
