/** The runs that a worker holds: those that the queue has delivered, and those whose parked handlers have gone on. */
import type { Turn } from '../../core/turns.ts';
import type { Execution } from '../execution/execution.ts';
import type { RunsHere } from '../runs-here.ts';
import { tellSteps } from '../steps-at-work.ts';

export class HeldRuns {
  readonly #here: RunsHere;
  readonly #executions = new Set<Execution>();
  #onGone: () => void = () => undefined;

  /** `here`: where those who wait for an end in this process hear of it. */
  constructor(here: RunsHere) {
    this.#here = here;
  }

  get size(): number {
    return this.#executions.size;
  }

  get ids(): readonly string[] {
    return [...this.#executions].map(({ wakeUp }) => wakeUp.run);
  }

  /** The turns of those that have one. */
  get turns(): readonly Turn[] {
    return [...this.#executions].flatMap(({ turn }) => turn ?? []);
  }

  /** The steps at work, as `tellSteps` says them. */
  get atWork(): string {
    return tellSteps([...this.#executions].map((one) => [one.wakeUp.run, one.atWork]));
  }

  countOf(workflow: string): number {
    return [...this.#executions].filter(({ wakeUp }) => wakeUp.workflow === workflow).length;
  }

  /** The run is held until the work is done. */
  async hold<T>(execution: Execution, work: () => Promise<T>): Promise<T> {
    const { run } = execution.wakeUp;
    this.#executions.add(execution);
    this.#here.hold(run);
    try {
      return await work();
    } finally {
      this.#executions.delete(execution);
      this.#here.leave(run);
      this.#onGone();
    }
  }

  /** Somebody wants something of a run; without a run, of any. */
  nudge(run: string | undefined, about?: 'question'): void {
    for (const execution of this.#executions) {
      if (run === undefined || execution.wakeUp.run === run) {
        execution.nudge(about ?? (run === undefined ? 'anything' : 'message'));
      }
    }
  }

  /** Each run is let go of when no body of it is at work. */
  leave(): void {
    for (const execution of this.#executions) execution.leave();
  }

  /** Each run is let go of now. */
  async handBack(): Promise<void> {
    await Promise.all([...this.#executions].map((execution) => execution.handBack()));
  }

  /** Resolves when no run is held any more. */
  async allGone(): Promise<void> {
    while (this.#executions.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onGone = resolve;
      });
    }
  }
}
