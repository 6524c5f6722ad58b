/**
 * The undoing of a run that has failed, or is cancelled, for good: what it has done is undone before it ends so.
 *
 *   handler has ended for good ──undo.begun, let go of──▶ claimed again: the handler is called to say how each is undone
 *                                                              │
 *   ended with its first cause ◀── nothing is left ◀── step `<name> › undo`, what completed last first
 *                                                              │
 *                              a person: retry, or done ◀── undo.failed: it has failed for good, or the code has none
 *
 * The handler is called as by any resume, and is given what is known. Whatever it asks for that is new never comes: no body
 * of it begins, no wait is begun, and `ctx.set` and `ctx.emit` write nothing. So it only tells what it knows. Where the run
 * was cancelled, what it asked for then is told so again, because a handler may have gone on from there.
 *
 * Each undo is a step, so a crash leaves what is left to undo in the log, and the next owner goes on with that. Nothing
 * that comes while a run is undone changes its end: not a cancel, not a deadline, not what the handler makes of it.
 */
import type { Clock } from '../../core/clock.ts';
import { decode } from '../../core/codec.ts';
import { recordError } from '../../core/error-record.ts';
import { DefinitionError } from '../../core/errors.ts';
import type { UndoBegunData, UndoFailedData } from '../../core/event.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import { type PendingUndo, pendingUndos, undoName } from '../../core/undo.ts';
import type { StepContext, HowToUndo } from '../definition/context.ts';
import { idempotencyKey } from '../idempotency.ts';
import type { Effects } from './effects.ts';
import type { RunScope } from './scope.ts';
import type { StepBody, Steps } from './steps.ts';
import type { KnownUndo } from './undos.ts';
import { recordWrite } from './writes.ts';

/** An undo that fails is tried again for about half a minute, before a person is asked. */
const usualRetry: RetryPolicy = { attempts: 6, delay: 1_000, maxDelay: 10_000 };
/** How long a handler that asks for nothing more may take to say how its steps are undone. */
const quietMs = 1_000;

export interface UndoingParts {
  readonly scope: RunScope;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly steps: Steps;
  readonly effects: Effects;
}

export class Undoing {
  readonly #parts: UndoingParts;
  readonly #about: UndoBegunData;

  constructor(parts: UndoingParts, about: UndoBegunData) {
    this.#parts = parts;
    this.#about = about;
  }

  /** Undoes all that is left. `handler`: ends when the handler has. Never rejects for what a handler or an undo does. */
  async run(handler: Promise<unknown>): Promise<void> {
    const { undos } = this.#parts.scope;
    const names = this.pending().map(({ name }) => name);
    if (names.length === 0) return;
    await Promise.race([undos.knowAll(names), handler, this.#longQuiet()]);
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
    await clock.sleep(quietMs, scope.lost);
  }

  /** Until it is undone, or a person has settled it. */
  async #undo(pending: PendingUndo): Promise<void> {
    const { scope, effects } = this.#parts;
    const { name, failed } = pending;
    const known = scope.undos.get(name);
    // New code may know how, where the code before did not.
    const mayTry = failed === undefined || (failed.isMissing === true && known !== undefined);
    if (mayTry && known === undefined) await this.#tellMissing(name);
    const isUndone = mayTry && known !== undefined && (await this.#try(pending, known));
    if (isUndone) return;
    const decided = await effects.ask(undoName(name));
    if (decided !== undefined) {
      await this.#store(name, () => decided.result);
      return;
    }
    if (known === undefined) await this.#tellMissing(name);
    else await this.#try(pending, known);
  }

  async #tellMissing(name: string): Promise<void> {
    const { writer, workflow } = this.#parts.scope;
    const what = `Workflow ${workflow.name}, version ${workflow.version}, does not say how "${name}" is undone, and the code that has done it did. Put it back, or undo it by hand.`;
    const error = recordError(new DefinitionError(what));
    const data: UndoFailedData = { name, attempts: 0, error, isMissing: true };
    await writer.submit([recordWrite('undo.failed', data)]);
  }

  /** True when it is undone; else its failure is in the log. */
  async #try(pending: PendingUndo, known: KnownUndo): Promise<boolean> {
    const { name, isInDoubt } = pending;
    const { undo, onDoubt } = known;
    if (isInDoubt && onDoubt === 'ask') {
      const done = await this.#parts.effects.ask(name);
      // It has not happened, so nothing is to be undone.
      if (done === undefined) return this.#store(name, () => undefined);
      return this.#store(name, (step) => this.#call(known, done.result, step, false), undo);
    }
    return this.#store(
      name,
      async (step) => {
        if (!isInDoubt) return this.#call(known, this.#resultOf(pending), step, false);
        if (typeof onDoubt !== 'function') return this.#call(known, undefined, step, true);
        const { run } = this.#parts.scope;
        const probed = await onDoubt({ idempotencyKey: idempotencyKey(run, name) });
        return probed.happened ? this.#call(known, probed.result, step, false) : undefined;
      },
      undo,
    );
  }

  #call(
    { undo, there = here }: KnownUndo,
    result: unknown,
    step: StepContext,
    isInDoubt: boolean,
  ): unknown {
    const { because } = this.#about;
    const call = typeof undo === 'function' ? undo : undo.run;
    return there(() => call(result, Object.assign(step, { because, isInDoubt })));
  }

  #resultOf({ name, result, visit }: PendingUndo): unknown {
    if (visit !== undefined) return visit;
    const { run, fold } = this.#parts.scope;
    const step = fold.step(name);
    const bytes = result ?? (step?.status === 'completed' ? step.result : undefined);
    return bytes === undefined ? undefined : decode(bytes, { key: `run ${run}, step ${name}` });
  }

  async #store(name: string, body: StepBody, undo?: HowToUndo<unknown>): Promise<boolean> {
    const { steps, scope } = this.#parts;
    const step = undoName(name);
    const { retry = usualRetry, timeout } = typeof undo === 'object' ? undo : {};
    try {
      await steps.run(step, body, {
        retry,
        ...(timeout === undefined ? {} : { timeout }),
        failure: ({ attempts, error }) => {
          const failed: UndoFailedData = { name, attempts, error };
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

function here<T>(call: () => T): T {
  return call();
}
