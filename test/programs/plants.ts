/**
 * Bugs to plant, one at a time: a fuzz that does not find them finds nothing. Each changes a class of the engine in this
 * process only; what is returned takes it back.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Fold, type ReceivedSignal } from '../../src/core/fold.ts';
import type { Body } from '../../src/engine/execution/bodies.ts';
import { Deliveries } from '../../src/engine/execution/deliveries.ts';
import { MemoryBlobs } from '../../src/memory/blobs.ts';
import { Endings } from '../../src/engine/execution/endings.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { PassedSets } from '../../src/engine/execution/passed-sets.ts';
import { ItemResults } from '../../src/engine/execution/item-results.ts';
import { RunOutputs } from '../../src/engine/execution/run-outputs.ts';
import { Undoing } from '../../src/engine/execution/undoing.ts';
import { Names } from '../../src/engine/execution/step-names.ts';
import { Turnstile } from '../../src/memory/turnstile.ts';
import { replaced as replaceNow } from '../support/replaced.ts';

/** The bodies that a plant has seen, by the output that they wrote to. */
const bodies = new WeakMap<RunOutputs, Map<string, Body>>();

type Plant = () => () => void;

/** A bug that replaces a method by one that is made of it. */
function replaced<T extends object, K extends keyof T>(
  ...change: Parameters<typeof replaceNow<T, K>>
): Plant {
  return () => replaceNow(...change);
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
  'a step that runs again goes on with the epoch of the attempt before': replaced(
    RunOutputs.prototype,
    'open',
    (open) =>
      function (this: RunOutputs, name, body) {
        // As if a step had one source for all of its attempts.
        const known = bodies.get(this) ?? new Map<string, Body>();
        bodies.set(this, known);
        const first = body === undefined ? undefined : (known.get(body.name) ?? body);
        if (body !== undefined && first !== undefined) {
          known.set(body.name, first);
          first.isOver = body.isOver;
        }
        return open.call(this, name, first);
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
  'an item that has failed counts as done': replaced(
    ItemResults.prototype,
    'values',
    () =>
      function (this: ItemResults) {
        return [...this].map((one) => (one.status === 'completed' ? one.value : null));
      },
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
  'a wait takes the signals of any key': replaced(
    Fold.prototype,
    'remember',
    (remember) =>
      function (this: Fold, field, value) {
        const isSignals = field.startsWith('signal:') && value !== undefined;
        const signals = isSignals ? (value as readonly ReceivedSignal[]) : [];
        const swapped = signals.map((one) =>
          one.key === undefined ? one : { ...one, key: one.key === '0' ? '1' : '0' },
        );
        remember.call(this, field, isSignals ? swapped : value);
      },
  ),
  'a reply that was kept is made anew': replaced(
    Fold.prototype,
    'remember',
    (remember) =>
      function (this: Fold, field, value) {
        if (field !== 'run:answers') remember.call(this, field, value);
      },
  ),
  'a write takes no blobs': replaced(MemoryBlobs.prototype, 'take', () => () => undefined),
  'an answer is made before the handler has caught up': () => {
    const own = Object.getOwnPropertyDescriptor(Deliveries.prototype, 'isCaughtUp') ?? {};
    Object.defineProperty(Deliveries.prototype, 'isCaughtUp', { ...own, get: () => true });
    const notWaiting = replaced(Deliveries.prototype, 'whenCaughtUp', () => (then) => then())();
    return () => {
      Object.defineProperty(Deliveries.prototype, 'isCaughtUp', own);
      notWaiting();
    };
  },
  'each answer to a wait is taken': replaced(
    MemoryRunStore.prototype,
    'post',
    (post) =>
      function (this: MemoryRunStore, { wait: _, ...params }) {
        return post.call(this, params);
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
  'what came first is undone first': replaced(
    Undoing.prototype,
    'pending',
    (pending) =>
      function (this: Undoing) {
        return pending.call(this).toReversed();
      },
  ),
  'what was undone is undone again': replaced(
    Fold.prototype,
    'remember',
    (remember) =>
      function (this: Fold, field, value) {
        const isUndone = field.startsWith('undo:') && value === undefined;
        const entry = this.bookkeeping.get(field) as { isAgain?: boolean } | undefined;
        const again =
          entry === undefined || entry.isAgain === true ? value : { ...entry, isAgain: true };
        remember.call(this, field, isUndone ? again : value);
      },
  ),
  'nothing is undone of a run that is cancelled': replaced(
    Endings.prototype,
    'resolveOutcome',
    (resolve) =>
      function (this: Endings, fold, ending) {
        for (const field of fold.cancel === undefined ? [] : fold.bookkeeping.keys()) {
          if (field.startsWith('undo:')) fold.remember(field, undefined);
        }
        return resolve.call(this, fold, ending);
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
