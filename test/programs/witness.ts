/**
 * What is seen of the programs from outside: bodies that begin and end, decisions that handlers take, commits that were
 * acknowledged. Each rule that is broken is a violation.
 */
import type { CommitParams } from '../../src/core/store.ts';
import { decode } from '../../src/core/codec.ts';

interface Open {
  readonly worker: string;
}

export class Witness {
  readonly violations: { readonly run: string; readonly what: string }[] = [];
  /** Bodies at work, by run and step. */
  readonly #open = new Map<string, Open>();
  readonly #completed = new Set<string>();
  readonly #decisions = new Map<string, string>();
  /** How often the body of an effect began, and its doubt was asked about since. */
  readonly #effects = new Map<string, { begun: number; asked: boolean }>();
  readonly #dead = new Set<string>();
  readonly #takenSignals = new Set<string>();

  violate(run: string, what: string): void {
    this.violations.push({ run, what });
  }

  died(worker: string): void {
    this.#dead.add(worker);
  }

  begins(run: string, step: string, worker: string): void {
    const key = `${run} ${step}`;
    const other = this.#open.get(key);
    if (other !== undefined && !this.#dead.has(other.worker)) {
      this.violate(run, `two bodies of ${step} at once`);
    }
    if (this.#completed.has(key)) this.violate(run, `the body of ${step} ran after its completion`);
    this.#open.set(key, { worker });
  }

  ends(run: string, step: string): void {
    this.#open.delete(`${run} ${step}`);
  }

  asked(run: string, effect: string): void {
    const known = this.#effects.get(`${run} ${effect}`);
    if (known !== undefined) known.asked = true;
  }

  effectBegins(run: string, effect: string, policy: string): void {
    const key = `${run} ${effect}`;
    const known = this.#effects.get(key) ?? { begun: 0, asked: false };
    const mayRepeat = known.begun === 0 || policy === 'retry' || known.asked;
    if (!mayRepeat) this.violate(run, `the effect ${effect} ran again and nobody was asked`);
    this.#effects.set(key, { begun: known.begun + 1, asked: false });
  }

  /** A decision that a handler takes must be the same each time it is called. */
  decides(run: string, at: string, way: string): void {
    const key = `${run} ${at}`;
    const before = this.#decisions.get(key);
    if (before === undefined) this.#decisions.set(key, way);
    else if (before !== way) this.violate(run, `${at} went ${before} first and ${way} later`);
  }

  committed({ run, events }: CommitParams): void {
    for (const { type, data } of events) {
      if (type !== 'step.completed') continue;
      const { name, took = [] } = decode(data, { key: 'witness' }) as {
        name: string;
        took?: readonly (readonly [string, string])[];
      };
      this.#completed.add(`${run} ${name}`);
      for (const [, id] of took) {
        if (this.#takenSignals.has(`${run} ${id}`))
          this.violate(run, `signal ${id} was taken twice`);
        this.#takenSignals.add(`${run} ${id}`);
      }
    }
  }
}
