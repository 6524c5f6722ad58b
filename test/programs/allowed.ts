/**
 * The reference interpreter: which results a program may have. It knows nothing of logs, workers and crashes; a program
 * that meets them must come out as one of these.
 */
import { type Part, type Program, signalNames } from './program.ts';

export function isAllowed({ parts }: Program, result: unknown): boolean {
  return (
    Array.isArray(result) &&
    result.length === parts.length &&
    parts.every((part, i) => allows(part, result[i]))
  );
}

/** How a program may end, when nobody cancels it. */
export function mayEndAs({ parts }: Program): 'completed' | 'failed' {
  return parts.some(({ kind }) => kind === 'throw') ? 'failed' : 'completed';
}

/**
 * True when a handler may take its state back. Events beside its steps come again each time it is called. A handler that
 * withdraws a wait by a clock of its own may take another way the next time, and pass its changes anew.
 */
export function mayTakeBack(parts: readonly Part[]): boolean {
  return parts.some((part) => {
    if (part.kind === 'emit' || part.kind === 'burst' || part.kind === 'withdraw') return true;
    return 'of' in part && Array.isArray(part.of) && mayTakeBack(part.of as readonly Part[]);
  });
}

/** A payload of this signal. */
export function isOf(signal: string, value: unknown): boolean {
  return value === `${signal}:0` || value === `${signal}:1`;
}

/** How many have completed, and how many have failed. */
function isCounts(value: unknown, items: number, fails: boolean): boolean {
  const [completed, failed] = Array.isArray(value) ? (value as unknown[]) : [];
  return completed === items - Number(fails) && failed === Number(fails);
}

function allows(part: Part, value: unknown): boolean {
  switch (part.kind) {
    case 'step': {
      const fails = part.fails >= part.attempts || part.isRefused || part.sets === 'badly';
      return value === (fails ? 'failed' : part.name);
    }
    case 'talk':
      return value === (part.fails >= part.attempts ? 'failed' : part.name);
    case 'nest':
      return value === (part.fails >= part.attempts ? 'failed' : part.inner);
    case 'map': {
      const fails = part.failsAt >= 0 && part.failsAt < part.items;
      if (part.collects) return isCounts(value, part.items, fails);
      return fails ? value === 'failed' : Array.isArray(value) && value.length === part.items;
    }
    case 'startAll': {
      const fails = part.failsAt >= 0 && part.failsAt < part.items;
      if (part.collects) return isCounts(value, part.items, fails);
      if (fails) return value === 'failed';
      const isPlayed = (one: unknown): boolean => Array.isArray(one) && one[0] === 'emitted';
      return Array.isArray(value) && value.length === part.items && value.every(isPlayed);
    }
    case 'ask': {
      const got = Array.isArray(value) && value.length === 1 && isOf('red', value[0]);
      return got || (part.how === 'cancel' && value === 'failed');
    }
    case 'final':
      return value === part.name;
    case 'sleep':
      return value === 'slept';
    case 'wait':
      return isOf(part.signal, value) || (part.ms !== undefined && value === 'late');
    case 'match':
      return value === `${part.signal}:${part.only}`;
    case 'keyed':
      return value === `${part.signal}:${part.key}`;
    case 'answered':
      return value === `${part.name}:a` || value === `${part.name}:b`;
    case 'withdraw':
      return isOf(part.signal, value) || value === 'withdrawn';
    case 'waitAll':
      return value === 'both';
    case 'until':
      return value === 'slept';
    case 'timed':
      return value === part.name || value === 'failed';
    case 'rounds':
    case 'phases':
      return value === part.times;
    case 'burst':
      return value === 'emitted';
    case 'waitAny':
      return signalNames.some((name) => name === value);
    case 'effect':
      return (
        value === part.name || value === 'skipped' || value === 'failed' || value === 'decided'
      );
    case 'child':
      return mayEndAs(part.of) === 'failed' ? value === 'failed' : isAllowed(part.of, value);
    case 'set':
      return value === 'set';
    case 'emit':
      return value === 'emitted';
    case 'checkpoint':
      return value === 'kept';
    case 'unmanaged':
      return value === 'unmanaged';
    case 'plain':
      return value === 'plain';
    case 'settled':
      return value === part.of.length;
    case 'all':
      return (
        Array.isArray(value) &&
        value.length === part.of.length &&
        part.of.every((one, i) => allows(one, value[i]))
      );
    case 'race':
    case 'ctxRace':
      return part.of.some((one) => allows(one, value));
    case 'throw':
      return false;
  }
}
