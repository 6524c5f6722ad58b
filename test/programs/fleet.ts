/**
 * Workers that die: each is a process of its own as far as the store can tell. One may die before or after any claim or
 * commit; another one comes in its place.
 */
import { Pawl, type Worker } from 'pawl';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { MortalProcess } from '../../src/testing/crash-test/mortal-process.ts';
import { playing } from './interpreter.ts';
import type { Witness } from './witness.ts';

export interface FleetOptions {
  readonly witness: Witness;
  readonly random: () => number;
  readonly workers: number;
  /** The chance of a death at each claim and commit, and of a farewell now and then. */
  readonly deathRate: number;
}

export class Fleet {
  readonly store = new MemoryRunStore();
  readonly queue = new MemoryResumeQueue();
  /** A pawl that never dies, for whoever watches. */
  readonly caller: Pawl;
  deaths = 0;
  readonly #options: FleetOptions;
  readonly #living = new Map<string, { pawl: Pawl; process: MortalProcess; worker: Worker }>();
  readonly #gone: { pawl: Pawl; process: MortalProcess }[] = [];
  #isOver = false;
  #names = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.caller = Pawl.assemble({ store: this.store, queue: this.queue });
    for (let i = 0; i < options.workers; i++) this.#spawn();
  }

  /** A worker leaves in good order, as at a deploy, and another one comes. */
  async redeploy(): Promise<void> {
    const [name] = this.#living.keys();
    const one = name === undefined ? undefined : this.#living.get(name);
    if (name === undefined || one === undefined) return;
    this.#living.delete(name);
    this.#spawn();
    await one.worker.close({ graceMs: 200 });
    this.#gone.push(one);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    for (const { process } of [...this.#living.values(), ...this.#gone]) process.end();
    const all = [...this.#living.values(), ...this.#gone].map(({ pawl }) =>
      pawl.close({ graceMs: 0 }),
    );
    await Promise.allSettled(all);
    await this.caller.close();
  }

  #spawn(): void {
    const { witness, random, deathRate } = this.#options;
    const name = `w${(this.#names += 1)}`;
    const process: MortalProcess = new MortalProcess({
      ...{ store: this.store, queue: this.queue },
      fate: () => {
        if (this.#isOver || random() >= deathRate) return undefined;
        return random() < 0.5 ? 'before' : 'after';
      },
      onCommit: (params, outcome) => {
        if (outcome.outcome === 'committed') witness.committed(params);
      },
      onDeath: () => {
        this.deaths += 1;
        witness.died(name);
        this.store.vanish(worker.id);
        const dead = this.#living.get(name);
        this.#living.delete(name);
        if (dead !== undefined) this.#gone.push(dead);
        this.#spawn();
      },
    });
    const pawl = Pawl.assemble({ store: process.store, queue: process.queue });
    const worker = pawl.worker({
      ...{ workflows: [playing(witness, name)], concurrency: 200, quarantineAfter: 1_000_000 },
      ...{ beatMs: 2_000, sessionMs: 30_000, sweepMs: 10, cancelGraceMs: 2_000 },
    });
    this.#living.set(name, { pawl, process, worker });
  }
}
