/**
 * The undoing of a run that has failed, or is cancelled, for good: what it has done is undone before it ends so.
 *
 *   handler has ended for good ──undo.begun, let go of──▶ claimed again: the handler is called to say how each is undone
 *                                                              │
 *   ended with its first cause ◀── nothing is left ◀── step `<name> ›› undo`, what completed last first
 *                                                              │
 *                              a person: retry, or done ◀── undo.failed: it has failed for good, or the code has none
 *
 * The handler is called as by any resume, and is given what is known. Whatever it asks for that is new never comes: no body
 * of it begins, no wait is begun, and `ctx.set` and `ctx.emit` write nothing. So it only tells what it knows. Where the run
 * was cancelled, what it asked for then is told so again, because a handler may have gone on from there.
 *
 * A map stands in the order as one, and its items are undone one at a time, the last one first: see `core/undo.ts`.
 *
 * Each undo is a step, so a crash leaves what is left to undo in the log, and the next owner goes on with that. Nothing
 * that comes while a run is undone changes its end: not a cancel, not a deadline, not what the handler makes of it.
 */
import type { Clock } from '../../core/clock.ts';
import { decode } from '../../core/codec.ts';
import { recordError } from '../../core/error-record.ts';
import { DefinitionError } from '../../core/errors.ts';
import type { ItemToUndo, UndoBegunData, UndoFailedData } from '../../core/event.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import { itemToUndo, type PendingUndo, pendingUndos, undoName } from '../../core/undo.ts';
import type { StepContext } from '../definition/context.ts';
import { idempotencyKey } from '../idempotency.ts';
import type { Effects } from './effects.ts';
import type { RunScope } from './scope.ts';
import type { StepBody, Steps } from './steps.ts';
import type { KnownUndo } from './undos.ts';
import { recordWrite } from './writes.ts';

/** An undo that fails is tried again for about half a minute, before a person is asked. */
const usualRetry: RetryPolicy = { attempts: 6, delay: 1_000, maxDelay: 10_000 };
/** How long a handler that asks for nothing more may take to say how its steps are undone. */
const quietMs = 5_000;

export interface UndoingParts {
  readonly scope: RunScope;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly steps: Steps;
  readonly effects: Effects;
  /** Cancels the children that are at work and end with this run: they undo their own work. Never rejects. */
  readonly cancelChildren: () => Promise<void>;
}

/** What one step of the undoing undoes: a step, a visit of a node, an item of a map, or a map that nobody knows how to. */
interface ToUndo {
  readonly name: string;
  readonly isInDoubt: boolean;
  readonly item?: ItemToUndo;
  readonly result: () => unknown;
}

export class Undoing {
  readonly #parts: UndoingParts;
  readonly #about: UndoBegunData;

  constructor(parts: UndoingParts, about: UndoBegunData) {
    this.#parts = parts;
    this.#about = about;
  }

  /** Undoes all that is left, as the handler that `call` calls meanwhile says. Never rejects for what they do. */
  async run(call: () => unknown): Promise<void> {
    const names = this.pending().map(({ name }) => name);
    if (names.length === 0) return;
    const handler = Promise.allSettled([Promise.resolve().then(call)]);
    await this.#parts.cancelChildren();
    await Promise.race([this.#parts.scope.undos.knowAll(names), handler, this.#longQuiet()]);
    for (;;) {
      const [next] = this.pending();
      if (next === undefined) return;
      await this.#undo(next);
    }
  }

  /** What is left, what is to be undone next first. */
  pending(): readonly PendingUndo[] {
    return pendingUndos(this.#parts.scope.fold.bookkeeping);
  }

  async #longQuiet(): Promise<void> {
    const { clock, scope } = this.#parts;
    await scope.undos.isQuiet;
    await clock.sleep(quietMs, scope.lost.signal);
  }

  /** Until it is undone, or a person has settled it. Of a map, until one item is, or all are. */
  async #undo(pending: PendingUndo): Promise<void> {
    const { scope, effects } = this.#parts;
    const { failed } = pending;
    const known = scope.undos.get(pending.name);
    const toUndo = this.#toUndo(pending, known);
    // New code may know how, where the code before did not.
    const mayTry = failed === undefined || (failed.isMissing === true && known !== undefined);
    if (mayTry && known === undefined) await this.#tellMissing(pending.name);
    const isUndone = mayTry && known !== undefined && (await this.#try(toUndo, known));
    if (isUndone) return;
    const decided = await effects.ask(undoName(toUndo.name));
    if (decided !== undefined) {
      await this.#store(toUndo, () => decided.result);
      return;
    }
    if (known === undefined) await this.#tellMissing(pending.name);
    else await this.#try(toUndo, known);
  }

  #toUndo(pending: PendingUndo, known: KnownUndo | undefined): ToUndo {
    const { name, isInDoubt, items, failed } = pending;
    const item = itemToUndo(this.#parts.scope.fold.bookkeeping, pending);
    const isWhole = failed === undefined ? known === undefined : failed.isMissing && !known;
    if (items === undefined || item === undefined || isWhole === true) {
      return { name, isInDoubt, result: () => this.#resultOf(pending) };
    }
    const one = `${items.of}:${item.at}`;
    return {
      name: one,
      isInDoubt,
      item: { of: items.of, at: item.at },
      result: () => decode(item.result, { key: `run ${this.#parts.scope.run}, step ${one}` }),
    };
  }

  async #tellMissing(name: string): Promise<void> {
    const { writer, workflow } = this.#parts.scope;
    const what = `Workflow ${workflow.name}, version ${workflow.version}, does not say how "${name}" is undone, and the code that has done it did. Put it back, or undo it by hand.`;
    const error = recordError(new DefinitionError(what));
    const data: UndoFailedData = { name, attempts: 0, error, isMissing: true };
    await writer.submit([recordWrite('undo.failed', data)]);
  }

  /** True when it is undone; else its failure is in the log. */
  async #try(toUndo: ToUndo, known: KnownUndo): Promise<boolean> {
    const { name, isInDoubt } = toUndo;
    const { onDoubt, policy } = known;
    if (isInDoubt && onDoubt === 'ask') {
      const done = await this.#parts.effects.ask(name);
      // It has not happened, so nothing is to be undone.
      if (done === undefined) return this.#store(toUndo, () => undefined);
      return this.#store(toUndo, (step) => this.#call(toUndo, known, done, step), policy);
    }
    const body = async (step: StepContext): Promise<unknown> => {
      if (!isInDoubt) return this.#call(toUndo, known, { result: toUndo.result() }, step);
      if (typeof onDoubt !== 'function') return this.#call(toUndo, known, undefined, step);
      const { run } = this.#parts.scope;
      const probed = await onDoubt({ idempotencyKey: idempotencyKey(run, name) });
      return probed.happened ? this.#call(toUndo, known, probed, step) : undefined;
    };
    return this.#store(toUndo, body, policy);
  }

  /** Without `done`, nobody knows whether it has happened. */
  #call(
    { item }: ToUndo,
    { call }: KnownUndo,
    done: { readonly result: unknown } | undefined,
    step: StepContext,
  ): unknown {
    const { because } = this.#about;
    const context = Object.assign(step, { because, isInDoubt: done === undefined });
    return call(done?.result, context, item?.at);
  }

  #resultOf({ name, result, visit }: PendingUndo): unknown {
    if (visit !== undefined) return visit;
    const { run, fold } = this.#parts.scope;
    const step = fold.step(name);
    const bytes = result ?? (step?.status === 'completed' ? step.result : undefined);
    return bytes === undefined ? undefined : decode(bytes, { key: `run ${run}, step ${name}` });
  }

  async #store(
    { name, item }: ToUndo,
    body: StepBody,
    { retry = usualRetry, timeout }: KnownUndo['policy'] = {},
  ): Promise<boolean> {
    const { steps, scope } = this.#parts;
    const step = undoName(name);
    const ofItem = item === undefined ? {} : { item };
    try {
      await steps.run(step, body, {
        retry,
        ...(timeout === undefined ? {} : { timeout }),
        ...(item === undefined ? {} : { undoes: item }),
        failure: ({ attempts, error }) => {
          const failed: UndoFailedData = { name, attempts, error, ...ofItem };
          return recordWrite('undo.failed', failed);
        },
      });
      return true;
    } catch {
      // It is in the log.
      return false;
    } finally {
      scope.names.release(step);
    }
  }
}
