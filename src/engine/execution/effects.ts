/**
 * Effects: steps that must not be repeated blindly.
 *
 *   unknown ──begun (stored)──▶ body runs ──▶ completed (stored)
 *                 │
 *                 └─ crash ─▶ in doubt: begun is stored, the result is not; the next owner asks `onDoubt`:
 *                               retry: the body runs again · skip: completed without a result
 *                               probe: the outside world tells · ask: a person decides, the run waits
 *
 * So "did it happen?" is a state that can be seen in the log and decided, never a guess.
 */
import { DefinitionError } from '../../core/errors.ts';
import type { EffectData } from '../../core/event.ts';
import { type Fold, nesting } from '../../core/fold.ts';
import type { EffectOptions } from '../definition/context.ts';
import { type Decision, decisionSignal } from '../definition/decision.ts';
import type { LogWriter } from './log-writer.ts';
import { idempotencyKey, type StepBody, type Steps } from './steps.ts';
import type { Waits } from './waits.ts';
import { recordWrite } from './writes.ts';

export interface EffectsOptions {
  readonly run: string;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly steps: Steps;
  readonly waits: Waits;
}

export class Effects {
  readonly #options: EffectsOptions;

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  async run(name: string, body: StepBody, options: EffectOptions<unknown>): Promise<unknown> {
    const { fold, writer, steps } = this.#options;
    const isInDoubt = fold.step(name) === undefined && fold.effect(name) !== undefined;
    const known = isInDoubt ? await this.#resolve(name, options) : undefined;
    const effect: StepBody = async (step) => {
      if (known !== undefined) return known.result;
      const begun: EffectData = { name };
      await writer.submit([recordWrite('effect.begun', begun)]);
      return body(step);
    };
    const { timeout } = options;
    return steps.run(name, effect, timeout === undefined ? {} : { timeout });
  }

  /** The result to store without running the body; undefined when the body is to run. */
  async #resolve(
    name: string,
    { onDoubt }: EffectOptions<unknown>,
  ): Promise<{ readonly result: unknown } | undefined> {
    const { run, waits } = this.#options;
    switch (onDoubt) {
      case 'retry':
        return undefined;
      case 'skip':
        return { result: undefined };
      case 'ask': {
        // Inside of the effect, so that it leaves the memory with it.
        const doubt = `${name}${nesting}doubt`;
        const answer = await waits.anySignal(doubt, [decisionSignal(name)], undefined);
        const decision = answer?.payload as Decision;
        return decision.decide === 'done' ? { result: decision.result } : undefined;
      }
      default: {
        if (typeof onDoubt !== 'function') {
          throw new DefinitionError(
            `Effect "${name}": onDoubt must be retry, skip, ask or a function that probes.`,
          );
        }
        const probed = await onDoubt({ idempotencyKey: idempotencyKey(run, name) });
        return probed.happened ? { result: probed.result } : undefined;
      }
    }
  }
}
