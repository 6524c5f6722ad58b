/** What the matrix was told while it ran, for the comparison with what Redis holds in the end. */
import type { Acknowledged } from './worker-process.ts';
import type { Body } from './workflows.ts';

export interface Kill {
  readonly worker: string;
  /** Milliseconds since 1970, on the clock that Redis reads too. */
  readonly at: number;
}

export class Witness {
  readonly told: Acknowledged[] = [];
  readonly bodies: Body[] = [];
  readonly kills: Kill[] = [];
  /** Whatever needs no history to be wrong. */
  readonly problems: string[] = [];
  readonly #forgotten = new Set<string>();
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** What is told of a run that will be deleted is not kept. */
  forget(run: string): void {
    this.#forgotten.add(run);
  }

  acknowledged(events: Acknowledged): void {
    if (!this.#forgotten.has(events.run)) this.told.push(events);
  }

  body(body: Body): void {
    if (!this.#forgotten.has(body.run)) this.bodies.push(body);
  }

  killed(kill: Kill): void {
    this.kills.push(kill);
  }

  problem(text: string): void {
    this.problems.push(text);
    this.#say(`problem: ${text}`);
  }
}
