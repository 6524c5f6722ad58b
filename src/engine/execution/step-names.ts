/**
 * Names of steps and waits within one execution. A stored result is found by its name, so each may be used once.
 */
import { messageOfThrown } from '../../core/error-record.ts';
import { StepError } from '../../core/errors.ts';
import { type Fold, outerNames, type StepResult } from '../../core/fold.ts';
import { isKeptForUndo, isOfUndo, keptForUndo } from '../../core/undo.ts';

export type KnownResult = Exclude<StepResult, { readonly status: 'retrying' }>;

export class Names {
  readonly #run: string;
  readonly #fold: Fold;
  readonly #used = new Set<string>();
  /** Used names inside of a step, by the name of each step around them. */
  readonly #inside = new Map<string, Set<string>>();
  readonly #beforeNew: (name: string) => void;
  readonly #isUndoing: boolean;

  /**
   * `beforeNew` is called for a name without a stored result, and may throw. `isUndoing`: the handler is called to say how
   * its steps are undone, and nothing that is new begins but that.
   */
  constructor(options: {
    readonly run: string;
    readonly fold: Fold;
    readonly beforeNew: (name: string) => void;
    readonly isUndoing: boolean;
  }) {
    this.#run = options.run;
    this.#fold = options.fold;
    this.#beforeNew = options.beforeNew;
    this.#isUndoing = options.isUndoing;
  }

  /**
   * Uses a name that is no step's.
   * @throws StepError `PAWL_STEP_NAME_REUSED`; when it is `isNew`, whatever `beforeNew` throws.
   */
  reserve(name: string, isNew: boolean): void {
    this.#reserve(name);
    if (isNew) this.#beforeNew(name);
  }

  /**
   * Uses a name. Returns the stored result; undefined when there is none.
   * @throws StepError `PAWL_STEP_NAME_REUSED`; whatever `beforeNew` throws.
   */
  use(name: string, was?: string): KnownResult | undefined {
    this.#reserve(name);
    const known = this.#known(name) ?? (was === undefined ? undefined : this.#known(was));
    if (known === undefined || known.status === 'retrying') {
      this.#beforeNew(name);
      return undefined;
    }
    return known;
  }

  /** True when what has this name, and no result, must not begin. */
  isHeldBack(name: string): boolean {
    return this.#isUndoing && !isOfUndo(name);
  }

  #known(name: string): StepResult | undefined {
    const known = this.#fold.step(name);
    return known === undefined && this.#isUndoing
      ? keptForUndo(this.#fold.bookkeeping, name)
      : known;
  }

  #reserve(name: string): void {
    if (this.#used.has(name)) {
      // Of a map, what is reserved for all of its items.
      const shown = name.replace(/:\*$/, '');
      throw new StepError(
        'PAWL_STEP_NAME_REUSED',
        { run: this.#run, step: name },
        `Run ${this.#run} has used the name "${shown}" already; results are found by name. In a loop, use a name such as \`${shown}:\${i}\`; for a wait, give one with { as }.`,
      );
    }
    if (!this.#isUndoing && isKeptForUndo(this.#fold.bookkeeping, name)) {
      throw new StepError(
        'PAWL_STEP_NAME_REUSED',
        { run: this.#run, step: name },
        `Run ${this.#run} has forgotten "${name.replace(/:\*$/, '')}", which is undone if the run fails or is cancelled. So nothing else can have this name: use another one. Nothing was written.`,
      );
    }
    this.#used.add(name);
    for (const outer of outerNames(name)) {
      this.#inside.set(outer, (this.#inside.get(outer) ?? new Set()).add(name));
    }
  }

  /** Lets go of the names inside of a step: it is over, or begins again. */
  releaseInside(step: string): void {
    const inside = this.#inside.get(step);
    if (inside === undefined) return;
    for (const name of inside) {
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
  { attempts, about }: { readonly attempts: number; readonly about?: string },
  cause: unknown,
): StepError {
  const what =
    about ?? `Step "${name}" failed after ${attempts} attempt${attempts === 1 ? '' : 's'}`;
  return new StepError(
    'PAWL_STEP_FAILED',
    { run, step: name },
    `${what}: ${messageOfThrown(cause)}`,
    cause,
  );
}
