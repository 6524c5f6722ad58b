/**
 * Bugs to plant, one at a time: a fuzz that does not find them finds nothing. Each changes a class of the engine in this
 * process only; what is returned takes it back.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Fold } from '../../src/core/fold.ts';
import { Deliveries } from '../../src/engine/execution/deliveries.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { PassedSets } from '../../src/engine/execution/passed-sets.ts';
import { Names } from '../../src/engine/execution/step-names.ts';
import { Turnstile } from '../../src/memory/turnstile.ts';

type Plant = () => () => void;

/** Replaces a method by one that is made of it. */
function replaced<T extends object, K extends keyof T>(owner: T, name: K, by: (old: T[K]) => T[K]) {
  return (): (() => void) => {
    const old = owner[name];
    owner[name] = by(old);
    return () => {
      owner[name] = old;
    };
  };
}

export const plants: Readonly<Record<string, Plant>> = {
  'a finished body runs again': replaced(
    Names.prototype,
    'use',
    (use) =>
      function (this: Names, name, was) {
        const known = use.call(this, name, was);
        return known?.status === 'completed' && name.endsWith('1') ? undefined : known;
      },
  ),
  'a signal stays when it is taken': replaced(
    Fold.prototype,
    'remember',
    (remember) =>
      function (this: Fold, field, value) {
        if (field.startsWith('signal:') && value === undefined) return;
        remember.call(this, field, value);
      },
  ),
  'a handler is called wherever its wake-up came from': replaced(
    AsyncLocalStorage,
    'snapshot',
    () =>
      () =>
      (call, ...args) =>
        call(...args),
  ),
  'the hook for an end is never made': replaced(
    MemoryRunStore.prototype,
    'create',
    (create) =>
      async function (this: MemoryRunStore, params) {
        const created = await create.call(this, params);
        if (params.workflow === 'program.end') await this.delete(params.run);
        return created;
      },
  ),
  'a change of the state is written each time': replaced(
    PassedSets.prototype,
    'given',
    () =>
      function (this: PassedSets) {
        this.write();
      },
  ),
  'a key has any number of turns': replaced(
    Turnstile.prototype,
    'setLimits',
    () => () => undefined,
  ),
  'a turn is never given back': replaced(
    Turnstile.prototype,
    'leave',
    (leave) =>
      function (this: Turnstile, keyed, _, now) {
        return leave.call(this, keyed, undefined, now);
      },
  ),
  'results are handed over as they are asked for': replaced(
    Deliveries.prototype,
    'turn',
    () =>
      function (this: Deliveries) {
        this.answered();
        this.schedule();
        return undefined;
      },
  ),
};
