/**
 * Names of steps and waits within one execution. A stored result is found by its name, so each may be used once.
 */
import { decode } from '../../core/codec.ts';
import { messageOfThrown, reviveError } from '../../core/error-record.ts';
import { StepError } from '../../core/errors.ts';
import { type Fold, outerNames } from '../../core/fold.ts';

export class Names {
  readonly #run: string;
  readonly #fold: Fold;
  readonly #used = new Set<string>();
  /** Used names inside of a step, by the name of each step around them. */
  readonly #inside = new Map<string, Set<string>>();
  readonly #beforeNew: (name: string) => void;

  /** `beforeNew` is called for a name without a stored result, and may throw. */
  constructor(options: {
    readonly run: string;
    readonly fold: Fold;
    readonly beforeNew: (name: string) => void;
  }) {
    this.#run = options.run;
    this.#fold = options.fold;
    this.#beforeNew = options.beforeNew;
  }

  /**
   * Uses a name. Returns the stored result, in a box because it may be undefined; undefined when there is none.
   * @throws StepError `PAWL_STEP_NAME_REUSED`, or `PAWL_STEP_FAILED` when a failure is stored.
   */
  use(name: string, was?: string): { readonly value: unknown } | undefined {
    if (this.#used.has(name)) {
      throw new StepError(
        'PAWL_STEP_NAME_REUSED',
        { run: this.#run, step: name },
        `Run ${this.#run} has used the name "${name}" already; results are found by name. In a loop, use a name such as \`${name}:\${i}\`; for a wait, give one with { as }.`,
      );
    }
    this.#used.add(name);
    for (const outer of outerNames(name)) {
      this.#inside.set(outer, (this.#inside.get(outer) ?? new Set()).add(name));
    }
    const known = this.#fold.step(name) ?? (was === undefined ? undefined : this.#fold.step(was));
    switch (known?.status) {
      case 'completed':
        return { value: decode(known.result, { key: `run ${this.#run}, step ${name}` }) };
      case 'failed':
        throw stepFailure(this.#run, name, known.attempts, reviveError(known.error));
      case 'retrying':
      case undefined:
        this.#beforeNew(name);
        return undefined;
    }
  }

  /** Lets go of the names inside of a step: it is over, or begins again. */
  releaseInside(step: string): void {
    for (const name of this.#inside.get(step) ?? []) {
      this.#used.delete(name);
      this.#inside.delete(name);
      for (const outer of outerNames(name)) {
        if (outer !== step) this.#inside.get(outer)?.delete(name);
      }
    }
    this.#inside.delete(step);
  }

  /** Lets go of a name that never comes again, and of those inside. */
  release(name: string): void {
    this.releaseInside(name);
    this.#used.delete(name);
  }
}

export function stepFailure(
  run: string,
  name: string,
  attempts: number,
  cause: unknown,
): StepError {
  return new StepError(
    'PAWL_STEP_FAILED',
    { run, step: name },
    `Step "${name}" failed after ${attempts} attempt${attempts === 1 ? '' : 's'}: ${messageOfThrown(cause)}`,
    cause,
  );
}
