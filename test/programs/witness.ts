/**
 * What is seen of the programs from outside: bodies that begin and end, decisions that handlers take, commits that were
 * acknowledged. Each rule that is broken is a violation.
 *
 * A worker that is dead goes on in this process, as a real one would not: what it does is not looked at. A run that the
 * store has forgotten part of begins anew, as far as the witness goes.
 */
import type { CommitParams } from '../../src/core/store.ts';
import { decode } from '../../src/core/codec.ts';
import { Stories } from './story.ts';

/** What is known of one run. */
interface Seen {
  /** Bodies at work, by step, and the workers that they are at work in. */
  readonly open: Map<string, string>;
  readonly completed: Set<string>;
  readonly decisions: Map<string, string>;
  /** How often the body of an effect began, and whether its doubt was asked about since. */
  readonly effects: Map<string, { readonly begun: number; asked: boolean }>;
  readonly takenSignals: Set<string>;
  /** How the run had ended, as the hooks for its end were told. */
  readonly hooks: Set<string>;
  /** Marks of the chunks that a body was told are stored. */
  readonly chunks: Set<string>;
  /** Waits that somebody has answered. */
  readonly answered: Set<string>;
  /** Questions whose replies somebody was given, each of which changes the state once. */
  bumps: number;
  /** Steps that the run has said it is behind; undefined of one that has failed, whose steps may be done anew. */
  passed: readonly string[] | undefined;
}

/** A body began beside another one, of a worker from which runs are being taken. */
interface Clash {
  readonly run: string;
  readonly step: string;
  readonly other: string;
}

/** Names of what is done in a node begin with the node's. */
export const ofNode = /^node:\S+ › /;

export class Witness {
  readonly violations: {
    readonly run: string;
    readonly what: string;
    readonly story: readonly string[];
  }[] = [];
  readonly stories = new Stories();
  readonly #runs = new Map<string, Seen>();
  readonly #dead = new Set<string>();
  readonly #rewound = new Set<string>();
  /** Workers from which runs are being taken, by how many at this moment. */
  readonly #takings = new Map<string, number>();
  readonly #clashes: Clash[] = [];

  violate(run: string, what: string): void {
    this.violations.push({ run, what, story: this.stories.of(run) });
  }

  died(worker: string): void {
    this.#dead.add(worker);
  }

  /** Somebody is taking runs from a worker that seems lost: `interrupted` says which. */
  isBeingTaken(worker: string): void {
    this.#takings.set(worker, (this.#takings.get(worker) ?? 0) + 1);
  }

  /**
   * Runs were taken from a worker that seemed lost. When it lives, as one whose connection was cut, its bodies go on, and
   * none of them can write any more: others may begin beside them, also before this is heard of.
   */
  interrupted(worker: string, runs: readonly string[]): void {
    const left = (this.#takings.get(worker) ?? 1) - 1;
    this.#takings.set(worker, left);
    const clashes = this.#clashes.filter(({ other }) => other === worker);
    for (const clash of clashes) {
      if (left > 0 && !runs.includes(clash.run)) continue;
      this.#clashes.splice(this.#clashes.indexOf(clash), 1);
      if (!runs.includes(clash.run)) this.#twoAtOnce(clash);
    }
    for (const run of runs) {
      this.stories.tell(run, `taken from ${worker}`);
      const { open } = this.#seen(run);
      for (const [step, by] of open) if (by === worker) open.delete(step);
    }
  }

  /**
   * The store has forgotten what it acknowledged about the run. Whoever holds it does not know that before its next
   * commit, and another one may have it already: only what is stored is judged from here on.
   */
  rewound(run: string): void {
    this.#runs.delete(run);
    this.#rewound.add(run);
  }

  begins(run: string, step: string, worker: string): void {
    if (this.#isNotJudged(run, worker)) return;
    const { open, completed } = this.#seen(run);
    const other = open.get(step);
    this.stories.tell(run, `${worker} begins ${step}`);
    if (other !== undefined && !this.#dead.has(other)) {
      const clash = { run, step, other };
      if ((this.#takings.get(other) ?? 0) > 0) this.#clashes.push(clash);
      else this.#twoAtOnce(clash);
    }
    if (completed.has(step)) this.violate(run, `the body of ${step} ran after its completion`);
    open.set(step, worker);
  }

  ends(run: string, step: string, worker: string): void {
    this.stories.tell(run, `${worker} ends ${step}`);
    const { open } = this.#seen(run);
    if (open.get(step) === worker) open.delete(step);
  }

  chunkAcknowledged(run: string, mark: string, worker: string): void {
    if (!this.#isNotJudged(run, worker)) this.#seen(run).chunks.add(mark);
  }

  acknowledgedChunks(run: string): Iterable<string> {
    return this.#runs.get(run)?.chunks ?? [];
  }

  isRewound(run: string): boolean {
    return this.#rewound.has(run);
  }

  asked(run: string, effect: string): void {
    const known = this.#seen(run).effects.get(effect.replace(ofNode, ''));
    if (known !== undefined) known.asked = true;
  }

  effectBegins(run: string, effect: string, policy: string, worker: string): void {
    if (this.#isNotJudged(run, worker)) return;
    const { effects } = this.#seen(run);
    const known = effects.get(effect) ?? { begun: 0, asked: false };
    const mayRepeat = known.begun === 0 || policy === 'retry' || known.asked;
    if (!mayRepeat) this.violate(run, `the effect ${effect} ran again and nobody was asked`);
    effects.set(effect, { begun: known.begun + 1, asked: false });
  }

  /** A decision that a handler takes must be the same each time it is called. */
  decides(run: string, at: string, way: string, worker: string): void {
    if (this.#isNotJudged(run, worker)) return;
    const { decisions } = this.#seen(run);
    const before = decisions.get(at);
    if (before === undefined) decisions.set(at, way);
    else if (before !== way) this.violate(run, `${at} went ${before} first and ${way} later`);
  }

  committed({ run, events }: CommitParams): void {
    const { completed, takenSignals, decisions } = this.#seen(run);
    for (const { type, data } of events) {
      // What failed is done again, and may come out otherwise.
      if (type === 'run.retried') {
        decisions.clear();
        this.#seen(run).passed = undefined;
      }
      if (type !== 'step.completed') continue;
      const { name, took = [] } = decode(data, { key: 'witness' }) as {
        name: string;
        took?: readonly (readonly [string, string])[];
      };
      completed.add(name.replace(ofNode, ''));
      for (const [, id] of took) {
        if (takenSignals.has(id)) this.violate(run, `signal ${id} was taken twice`);
        takenSignals.add(id);
      }
    }
  }

  /** The hook for the end of a run is at work. */
  hooked(run: string, status: string): void {
    this.#seen(run).hooks.add(status);
  }

  wasHooked(run: string, status: string): boolean {
    return this.#seen(run).hooks.has(status);
  }

  /** Somebody was given a reply, which says that the state was changed. */
  bumped(run: string): void {
    this.#seen(run).bumps += 1;
  }

  /** How many of these there were; undefined where the store has forgotten what it acknowledged. */
  bumpsOf(run: string): number | undefined {
    return this.#rewound.has(run) ? undefined : this.#seen(run).bumps;
  }

  /** Somebody was told which steps the run is behind: never less than somebody was told before. */
  passed(run: string, names: readonly string[]): void {
    const seen = this.#seen(run);
    if (seen.passed === undefined || this.#rewound.has(run)) return;
    const lost = seen.passed.filter((name) => !names.includes(name));
    if (lost.length > 0) this.violate(run, `it said it is behind ${lost.join(', ')}, and then not`);
    seen.passed = names;
  }

  /** Somebody was told that an answer to this wait is taken. */
  answered(run: string, wait: string): void {
    if (this.#rewound.has(run)) return;
    const { answered } = this.#seen(run);
    if (answered.has(wait)) this.violate(run, `two answers to ${wait} were taken`);
    answered.add(wait);
  }

  /** A failed run is let go on: see `committed`. */
  triedAgain(run: string): void {
    this.#seen(run).decisions.clear();
    this.#seen(run).passed = undefined;
  }

  /** What is known of the run is not needed any more. */
  forget(run: string): void {
    for (const id of this.#runs.keys()) {
      if (id === run || id.startsWith(`${run}.`)) this.#runs.delete(id);
    }
    this.#rewound.delete(run);
    this.stories.forget(run);
  }

  #twoAtOnce({ run, step }: Clash): void {
    this.violate(run, `two bodies of ${step} at once`);
  }

  #isNotJudged(run: string, worker: string): boolean {
    return this.#dead.has(worker) || this.#rewound.has(run);
  }

  #seen(run: string): Seen {
    const known = this.#runs.get(run) ?? {
      open: new Map(),
      completed: new Set(),
      decisions: new Map(),
      effects: new Map(),
      takenSignals: new Set(),
      hooks: new Set(),
      chunks: new Set(),
      answered: new Set(),
      bumps: 0,
      passed: [],
    };
    this.#runs.set(run, known);
    return known;
  }
}
