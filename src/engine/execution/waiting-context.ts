/** The part of a context that waits: names and options are checked here, `waits.ts` does the waiting. */
import { AsyncResource } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { type Duration, toMilliseconds } from '../../core/duration.ts';
import { InvalidError } from '../../core/errors.ts';
import { checkOptions, type OptionKind } from '../definition/options.ts';
import { checkSignalNames, keyFieldOf } from '../definition/signals.ts';
import type {
  RaceEntry,
  RaceResult,
  SleepOptions,
  WaitForOptions,
  WaitOptions,
} from '../definition/waiting.ts';
import { anySignal, newAbortController } from '../signals.ts';
import { held, nameCheck } from './asking.ts';
import type { RunScope } from './scope.ts';
import { type SignalWait, type Waits, withdrawn } from './waits.ts';

/** What the methods are made of. */
export interface WaitingParts {
  readonly scope: RunScope;
  readonly waits: Waits;
}

/** The part of the context that waits. */
export function waiting({ scope, waits }: WaitingParts, prefix: string): object {
  const { workflow, run, enter } = scope;
  const checked = nameCheck(prefix);
  const checkSignals = (names: readonly string[]): void => checkSignalNames(workflow, names);
  const howOf = (
    on: readonly string[],
    { timeout, key, label, form }: WaitOptions,
  ): Omit<SignalWait, 'signal' | 'match'> => {
    const readsKey = key !== undefined && on.some((one) => keyFieldOf(workflow, one) !== undefined);
    return {
      ...(timeout === undefined
        ? {}
        : { ms: toMilliseconds(timeout, `time-out of a wait of ${run}`) }),
      ...(key === undefined ? {} : { key }),
      ...(readsKey ? { readsKey } : {}),
      ...(label === undefined ? {} : { label }),
      ...(form === undefined ? {} : { form: JSON.stringify(form) }),
    };
  };
  /** Waits that a race can withdraw, by the promises that were given out for them. */
  const withdrawals = new WeakMap<Promise<unknown>, AbortController>();
  const wait = <T>(
    kind: OptionKind,
    given: { readonly signal?: AbortSignal },
    begin: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const race = newAbortController();
    const promise = (async () => {
      checkOptions(kind, given);
      const until = given.signal;
      const signal = until === undefined ? race.signal : anySignal([until, race.signal]);
      const entered = enter();
      if (entered !== undefined) await entered;
      return begin(signal);
    })();
    withdrawals.set(promise, race);
    return held(promise);
  };
  const race = async (entries: Readonly<Record<string, RaceEntry>>): Promise<RaceResult> => {
    const names = Object.keys(entries);
    if (names.length === 0) throw new InvalidError('race', 'needs at least one entry.');
    const over = newAbortController();
    const promises = names.map((name) => {
      const entry = entries[name];
      return typeof entry === 'function' ? entry({ signal: over.signal }) : entry;
    });
    const ends = promises.map(async (promise, at) => ({
      name: names[at] ?? '',
      value: await promise,
    }));
    for (const end of ends) end.catch(() => undefined);
    try {
      return await Promise.race(ends);
    } finally {
      const reason = withdrawn(run, names.join(', '));
      over.abort(reason);
      for (const promise of promises) {
        if (promise instanceof Promise) withdrawals.get(promise)?.abort(reason);
      }
    }
  };
  return {
    sleep(duration: Duration, given: SleepOptions = {}) {
      return wait('sleep', given, (until) => {
        const name = checked(given.as ?? `sleep:${duration}`);
        return waits.sleep(name, { ms: toMilliseconds(duration, 'sleep') }, until);
      });
    },
    sleepUntil(time: Date, given: SleepOptions = {}) {
      return wait('sleep', given, async (until) => {
        const dueAt = time instanceof Date ? time.getTime() : Number.NaN;
        if (Number.isNaN(dueAt)) throw new InvalidError('sleepUntil', 'needs a valid Date.');
        await waits.sleep(checked(given.as ?? `sleep:${time.toISOString()}`), { dueAt }, until);
      });
    },
    waitFor(on: string, given: WaitForOptions<never> = {}) {
      return wait('waitFor', given, async (signal) => {
        checkSignals([on]);
        const name = checked(given.as ?? `wait:${on}${keyOf(given)}`);
        const how = { ...howOf([on], given), signal, match: matchOf(given) };
        return (await waits.anySignal(name, [on], how))?.payload;
      });
    },
    waitForAny(names: readonly string[], given: WaitOptions = {}) {
      return wait('wait', given, (signal) => {
        checkSignals(names);
        const name = checked(given.as ?? `wait:any:${names.join(',')}${keyOf(given)}`);
        return waits.anySignal(name, names, { ...howOf(names, given), signal });
      });
    },
    waitForAll(names: readonly string[], given: WaitOptions = {}) {
      return wait('wait', given, (signal) => {
        checkSignals(names);
        if (new Set(names).size < names.length) {
          throw new InvalidError('waitForAll', 'names a signal twice: wait for it twice instead.');
        }
        const name = checked(given.as ?? `wait:all:${names.join(',')}${keyOf(given)}`);
        return waits.allSignals(name, names, { ...howOf(names, given), signal });
      });
    },
    race: (entries: Readonly<Record<string, RaceEntry>>) => held(race(entries)),
  };
}

/** Waits for several keys of one signal have names of their own by that. */
function keyOf({ key }: WaitOptions): string {
  return key === undefined ? '' : `:${key}`;
}

/** What a signal must be, as a function. */
function matchOf({ match }: WaitForOptions<never>): ((payload: unknown) => boolean) | undefined {
  if (match === undefined) return undefined;
  // Called when a signal comes, and finds what it would find here.
  if (typeof match === 'function') {
    return AsyncResource.bind(match as (payload: unknown) => boolean);
  }
  if (typeof match !== 'object' || match === null) {
    throw new InvalidError('match', 'must be a function, or an object of fields and their values.');
  }
  const wanted = Object.entries(match);
  return (payload) =>
    typeof payload === 'object' &&
    payload !== null &&
    wanted.every(([key, value]) => isDeepStrictEqual(Reflect.get(payload, key), value));
}
