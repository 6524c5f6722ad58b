/**
 * Workers that die: each is a process of its own as far as the store can tell. One may die before or after any claim or
 * commit; another one comes in its place. Hints are lost and come twice, and code is deployed, newer and older again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { detach } from '../../src/core/detached.ts';
import type { CommitParams, RunStore } from '../../src/core/store.ts';
import type { Worker } from '../../src/engine/worker/worker.ts';
import { Pawl } from '../../src/pawl.ts';
import { MortalProcess } from '../../src/testing/crash-test/mortal-process.ts';
import type { StartOptions } from '../../src/engine/definition/start-options.ts';
import type { Ground, Process } from './ground.ts';
import { playingInNodes } from './in-nodes.ts';
import { place, playing } from './interpreter.ts';
import type { LargeValues } from './large-values.ts';
import { lossyQueue, lossyStore } from './losses.ts';
import { Patience } from './patience.ts';
import type { Program } from './program.ts';
import { tellingStore } from './story.ts';
import type { Witness } from './witness.ts';

export interface FleetOptions {
  readonly ground: Ground;
  readonly witness: Witness;
  readonly random: () => number;
  readonly workers: number;
  /** The chance of a death at each claim and commit. */
  readonly deathRate: number;
  /** Keeps values in a blob store. */
  readonly large?: LargeValues | undefined;
}

interface Member {
  readonly pawl: Pawl;
  readonly process: Process;
  readonly mortal: MortalProcess;
  readonly worker: Worker;
  readonly code: { readonly plain: Playing; readonly graph: PlayingInNodes };
}

type Playing = ReturnType<typeof playing>;
type PlayingInNodes = ReturnType<typeof playingInNodes>;

/** The chance that a deploy brings another version. */
const otherVersion = 0.1;
/** Every second worker takes snapshots all the time: the others leave more of a log to be replayed. */
const budgetsMs = [0.000_1, 2] as const;
/** How long a start inside of a worker is waited for. */
const insideMs = 20;
/** How long bodies at work may take when a worker leaves. */
const graceMs = 2_000;

export class Fleet {
  /** A pawl that never dies, for whoever watches. */
  readonly caller: Pawl;
  /** The chance of a signal for a run at each look: each is an event, and with blobs it takes much longer. */
  readonly signalRate: number;
  losses = 0;
  rewinds = 0;
  readonly patience = new Patience();
  /** When a worker died last. */
  diedAt = 0;
  readonly #options: FleetOptions;
  readonly #own: Process;
  readonly #living = new Map<string, Member>();
  readonly #gone: Member[] = [];
  /** The names of workers, by their ids. */
  readonly #named = new Map<string, string>();
  #isOver = false;
  #names = 0;
  #version = 1;

  private constructor(options: FleetOptions, own: Process) {
    this.#options = options;
    this.#own = own;
    this.signalRate = options.large === undefined ? 0.5 : 0.1;
    this.caller = Pawl.assemble({
      store: this.#around(own.store),
      queue: own.queue,
      logger: false,
    });
  }

  static async begin(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options, await options.ground.open());
    await Promise.all(Array.from({ length: options.workers }, () => fleet.#spawn()));
    return fleet;
  }

  /** The store, as somebody sees it who never dies. */
  get store(): RunStore {
    return this.#own.store;
  }

  /** What to do to have a run forgotten back to what it is now, if that is possible here. */
  image(run: string): (() => void) | undefined {
    const { ground, witness } = this.#options;
    const put = ground.image?.(run);
    return (
      put &&
      (() => {
        put();
        this.rewinds += 1;
        witness.rewound(run);
      })
    );
  }

  /** Whether the next run is first started in the process of a worker. */
  startsInside(): boolean {
    return this.#options.random() < 0.5;
  }

  /** Starts a run in the process of a worker, which may die over it: then nobody hears whether it was started. */
  async startInside(input: Program, options: StartOptions): Promise<void> {
    const members = [...this.#living.values()];
    const member = members[Math.floor(this.#options.random() * members.length)];
    if (member === undefined) return;
    const { pawl, code } = member;
    const started =
      input.isGraph === true
        ? pawl.start(code.graph, input, options)
        : pawl.start(code.plain, input, options);
    await Promise.race([started.catch(() => undefined), sleep(insideMs)]);
  }

  /** A worker leaves in good order, and another one comes, perhaps with other code. */
  async redeploy(): Promise<void> {
    if (this.#options.random() < otherVersion) this.#version = 3 - this.#version;
    const [name] = this.#living.keys();
    await this.#replace(name);
  }

  /** All workers get the newest code. */
  async upgrade(): Promise<void> {
    this.#version = 2;
    await Promise.all([...this.#living.keys()].map((name) => this.#replace(name)));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    this.patience.stop();
    const all = [...this.#living.values(), ...this.#gone];
    for (const { mortal } of all) mortal.end();
    await Promise.allSettled(all.map(({ pawl }) => pawl.close({ graceMs: 0 })));
    await this.#judgeBlobs();
    await Promise.allSettled(all.map(({ process }) => process.close()));
    await this.caller.close();
    await this.#own.close();
  }

  #around(store: RunStore): RunStore {
    return this.#options.large?.around(store) ?? store;
  }

  #resolved(params: CommitParams): CommitParams {
    const { large } = this.#options;
    if (large === undefined) return params;
    const events = params.events.map((one) => ({ ...one, data: large.resolve(one.data) }));
    return { ...params, events };
  }

  async #judgeBlobs(): Promise<void> {
    const { large, witness } = this.#options;
    if (large === undefined) return;
    const runs: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page = await this.caller.list({ limit: 500, ...(cursor === '' ? {} : { cursor }) });
      runs.push(...page.runs.map(({ id }) => id));
      ({ cursor } = page);
    }
    const { forgottenBlobs = new Set() } = this.#options.ground;
    const problems = await large.problems(this.#own.store, { runs, forgotten: forgottenBlobs });
    for (const what of problems) witness.violate('', what);
  }

  async #replace(name: string | undefined): Promise<void> {
    const one = name === undefined ? undefined : this.#living.get(name);
    if (name === undefined || one === undefined) return;
    this.#living.delete(name);
    this.#gone.push(one);
    await this.#spawn();
    // Bodies that take longer are left where they stand: from then on nobody hears of them.
    setTimeout(() => this.#options.witness.died(name), graceMs).unref();
    // It may die while it closes, and never be closed then.
    detach(one.worker.close({ graceMs }), () => undefined);
  }

  async #spawn(): Promise<void> {
    const { ground, witness, random, deathRate } = this.#options;
    const name = `w${(this.#names += 1)}`;
    const process = await ground.open();
    if (this.#isOver) return process.close();
    const named = (id: string, then: (worker: string) => void): void => {
      const known = this.#named.get(id);
      if (known !== undefined) then(known);
    };
    const mortal: MortalProcess = new MortalProcess({
      store: lossyStore(tellingStore(process.store, witness.stories, name), random, {
        onBegin: (id) => named(id, (lost) => witness.isBeingTaken(lost)),
        onEnd: (id, runs) => named(id, (lost) => witness.interrupted(lost, runs)),
      }),
      queue: lossyQueue(process.queue, random),
      fate: () => {
        if (this.#isOver || random() >= deathRate) return undefined;
        return random() < 0.5 ? 'before' : 'after';
      },
      onCommit: (params, outcome) => {
        if (outcome.outcome === 'committed') witness.committed(this.#resolved(params));
      },
      onDeath: () => {
        this.losses += 1;
        this.diedAt = this.patience.now;
        witness.died(name);
        process.vanish(worker.id);
        const dead = this.#living.get(name);
        if (dead === undefined) return;
        this.#living.delete(name);
        this.#gone.push(dead);
        detach(this.#spawn(), (error) => witness.violate('', `no worker: ${String(error)}`));
      },
    });
    const pawl = Pawl.assemble({
      store: this.#around(mortal.store),
      queue: mortal.queue,
      logger: false,
    });
    const by = { witness, worker: name, version: this.#version };
    const code = { plain: playing(by), graph: playingInNodes(by) };
    const worker = place.run(name, () =>
      pawl.worker({
        workflows: [code.plain, code.graph],
        concurrency: 200,
        beatMs: 2_000,
        sessionMs: 30_000,
        sweepMs: 10,
        cancelGraceMs: 2_000,
        quarantineAfter: 1_000_000,
        replayBudgetMs: budgetsMs[this.#names % 2 === 0 ? 0 : 1],
      }),
    );
    this.#named.set(worker.id, name);
    this.#living.set(name, { pawl, process, mortal, worker, code });
  }
}
