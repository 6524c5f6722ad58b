/**
 * The whole log of a run whose events are dropped meanwhile: a judge reads what is about to be dropped, and keeps it. After
 * that comes what the run still has.
 */
import type { RunEvent } from '../../src/core/event.ts';
import type { Pawl } from '../../src/pawl.ts';

export class KeptLog {
  readonly #pawl: Pawl;
  readonly #run: string;
  readonly #kept: RunEvent[] = [];

  constructor(pawl: Pawl, run: string) {
    this.#pawl = pawl;
    this.#run = run;
  }

  /** Drops the events that a snapshot covers by now. They are kept here. */
  async compact(): Promise<void> {
    const { seq } = await this.#pawl.run(this.#run).info();
    if (this.#last < seq) {
      for await (const event of this.#later()) {
        this.#kept.push(event);
        if (event.seq >= seq) break;
      }
    }
    await this.#pawl.compact(this.#run, { upTo: seq });
  }

  /** Every event from the first one. */
  async *events(): AsyncGenerator<RunEvent> {
    yield* this.#kept;
    yield* this.#later();
  }

  get #last(): number {
    return this.#kept.at(-1)?.seq ?? 0;
  }

  /** Waits for more behind the last event of a run that has not ended. */
  #later(): AsyncIterable<RunEvent> {
    return this.#pawl.run(this.#run).events({ after: this.#last });
  }
}
