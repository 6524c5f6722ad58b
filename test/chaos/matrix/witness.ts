/** What the matrix was told while it ran, for the comparison with what Redis holds in the end. */
import type { Told } from './worker-process.ts';
import type { Body } from './workflows.ts';

export interface Kill {
  readonly worker: string;
  /** Milliseconds since 1970, on the clock that Redis reads too. */
  readonly at: number;
}

export class Witness {
  readonly told: Told[] = [];
  readonly bodies: Body[] = [];
  readonly kills: Kill[] = [];
  /** Whatever needs no history to be wrong. */
  readonly problems: string[] = [];
  /** Rejections of workers that nobody handled. */
  unhandledRejections = 0;
  readonly #forgotten = new Set<string>();
  readonly #say: (line: string) => void;

  /** For a long time nobody remembers what was told. */
  readonly #remembers: boolean;

  constructor(options: { readonly say: (line: string) => void; readonly remembers: boolean }) {
    this.#say = options.say;
    this.#remembers = options.remembers;
  }

  /** What is told of a run that will be deleted is not kept. */
  forget(run: string): void {
    this.#forgotten.add(run);
  }

  acknowledged(events: readonly Told[]): void {
    if (!this.#remembers) return;
    this.told.push(...events.filter(({ run }) => !this.#forgotten.has(run)));
  }

  body(body: Body): void {
    if (this.#remembers && !this.#forgotten.has(body.run)) this.bodies.push(body);
  }

  killed(kill: Kill): void {
    this.kills.push(kill);
  }

  /** Every promise has a holder: one that has none would end a worker's process, with all its runs. */
  unhandled(text: string): void {
    this.unhandledRejections += 1;
    this.problem(`a rejection nobody handles: ${text}`);
  }

  problem(text: string): void {
    this.problems.push(text);
    this.#say(`problem: ${text}`);
  }
}
