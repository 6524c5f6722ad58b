/**
 * Effects: steps that must not be repeated blindly.
 *
 *   unknown ──begun (stored)──▶ body runs ──▶ completed (stored)
 *                 │
 *                 └─ crash, failure, time-out, rewind ─▶ in doubt: begun is stored, the result is not. Whoever is to run
 *                      the body again asks `onDoubt` first, each time:
 *                        retry: the body runs again · skip: completed without a result
 *                        probe: the outside world tells · ask: a person decides, the run waits
 *
 * So "did it happen?" is a state that can be seen in the log and decided, never a guess. The number of times an effect was
 * begun names the doubt: an answer to one doubt is no answer to the next.
 */
import { DefinitionError } from '../../core/errors.ts';
import type { EffectData } from '../../core/event.ts';
import { nesting } from '../../core/fold.ts';
import type { EffectOptions } from '../definition/context.ts';
import { type Decision, decisionSignal } from '../definition/decision.ts';
import type { Undoable } from '../definition/undoable.ts';
import { idempotencyKey } from '../idempotency.ts';
import type { Body } from './bodies.ts';
import type { RunScope } from './scope.ts';
import type { StepBody, Steps } from './steps.ts';
import type { Waits } from './waits.ts';
import { recordWrite } from './writes.ts';

export class Effects {
  readonly #scope: Pick<RunScope, 'run' | 'fold' | 'writer' | 'names' | 'undos'>;
  readonly #steps: Steps;
  readonly #waits: Waits;
  readonly #open = new Set<string>();

  constructor(
    scope: Pick<RunScope, 'run' | 'fold' | 'writer' | 'names' | 'undos'>,
    { steps, waits }: { readonly steps: Steps; readonly waits: Waits },
  ) {
    this.#scope = scope;
    this.#steps = steps;
    this.#waits = waits;
  }

  /** Effects that have begun here and have not completed. */
  get open(): readonly string[] {
    return [...this.#open];
  }

  async run(
    name: string,
    body: StepBody,
    options: EffectOptions<unknown> & Undoable<unknown>,
    within?: Body,
  ): Promise<unknown> {
    const { fold, writer, names, undos } = this.#scope;
    checkDoubt(name, options);
    const { timeout, undo, onDoubt, kind } = options;
    if (undo !== undefined) undos.note(name, { undo, onDoubt });
    const isKnown = fold.step(name) !== undefined;
    if (!isKnown && names.isHeldBack(name)) return this.#steps.run(name, body, {}, within);
    const isNew = fold.step(name) === undefined;
    const known = isNew ? await this.#resolve(name, options) : undefined;
    const hasUndo = undo !== undefined;
    const runOptions = {
      hasUndo,
      ...(timeout === undefined ? {} : { timeout }),
      ...(kind === undefined ? {} : { kind }),
    };
    if (known !== undefined) return this.#steps.run(name, () => known.result, runOptions, within);
    const begin = async (): Promise<void> => {
      this.#open.add(name);
      const begun: EffectData = hasUndo ? { name, hasUndo } : { name };
      await writer.submit([recordWrite('effect.begun', begun)]);
    };
    const result = await this.#steps.run(name, body, { ...runOptions, begin }, within);
    this.#open.delete(name);
    return result;
  }

  /** The result to store without running the body; undefined when the body is to run. */
  async #resolve(
    name: string,
    { onDoubt }: EffectOptions<unknown>,
  ): Promise<{ readonly result: unknown } | undefined> {
    const { run, fold } = this.#scope;
    if (fold.effect(name) === undefined) return undefined;
    if (onDoubt === 'retry') return undefined;
    if (onDoubt === 'skip') return { result: undefined };
    if (onDoubt === 'ask') return this.ask(name);
    const probed = await onDoubt({ idempotencyKey: idempotencyKey(run, name) });
    return probed.happened ? { result: probed.result } : undefined;
  }

  /**
   * Waits for a person's decision: the result of what is done, or undefined when it is to be done again. The wait is inside
   * of the effect, so that it leaves the bookkeeping with it.
   */
  async ask(name: string): Promise<{ readonly result: unknown } | undefined> {
    const { fold, writer } = this.#scope;
    const { begun, doubted } = fold.effect(name) ?? { begun: 1 };
    if (doubted !== begun) {
      const about: EffectData = { name };
      await writer.submit([recordWrite('effect.doubted', about)]);
    }
    const doubt = `${name}${nesting}doubt:${begun}`;
    const answer = await this.#waits.anySignal(doubt, [decisionSignal(name)], { decides: name });
    const decision = answer?.payload as Decision;
    return decision.decide === 'done' ? { result: decision.result } : undefined;
  }
}

function checkDoubt(name: string, { onDoubt }: EffectOptions<unknown>): void {
  if (typeof onDoubt === 'function' || ['retry', 'skip', 'ask'].includes(onDoubt)) return;
  throw new DefinitionError(
    `Effect "${name}": onDoubt must be retry, skip, ask or a function that probes.`,
  );
}
