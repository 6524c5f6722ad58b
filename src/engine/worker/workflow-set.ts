/** The workflows of one worker, by their names, with those that execute their hooks. */
import { DefinitionError } from '../../core/errors.ts';
import type { Pace } from '../../core/queue.ts';
import type { LimitsOfCode } from '../../core/turns.ts';
import { endWorkflowOf } from '../definition/end-workflow.ts';
import { type AnyWorkflow, paceOf, turnLimitsOf } from '../definition/workflow.ts';

export class WorkflowSet {
  readonly #byName: ReadonlyMap<string, AnyWorkflow>;

  /** @throws DefinitionError when there is none, or two have one name. */
  constructor(workflows: readonly AnyWorkflow[]) {
    const all = workflows.flatMap((workflow) => {
      const hook = endWorkflowOf(workflow);
      return hook === undefined ? [workflow] : [workflow, hook];
    });
    this.#byName = new Map(all.map((workflow) => [workflow.name, workflow]));
    if (this.#byName.size === 0) throw new DefinitionError('A worker needs at least one workflow.');
    if (this.#byName.size < all.length) {
      throw new DefinitionError('Two workflows of one worker have the same name.');
    }
  }

  get(name: string): AnyWorkflow | undefined {
    return this.#byName.get(name);
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** Those that no rate can hold back. */
  get unpaced(): readonly string[] {
    return [...this.#byName.values()].flatMap(({ name, definition }) =>
      definition.rate === undefined ? [name] : [],
    );
  }

  get versions(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#byName].map(([name, { version }]) => [name, version]));
  }

  /** How the runs of each take turns. */
  get turnLimits(): Readonly<Record<string, LimitsOfCode>> {
    const all = [...this.#byName].map(
      ([name, workflow]) => [name, turnLimitsOf(workflow)] as const,
    );
    return Object.fromEntries(all);
  }

  /** As the queue takes them; none for a workflow without a pace of its own. */
  get paces(): Readonly<Record<string, Pace>> {
    return Object.fromEntries(
      [...this.#byName].flatMap(([name, workflow]) => {
        const pace = paceOf(workflow);
        return pace === undefined ? [] : [[name, pace] as const];
      }),
    );
  }
}
