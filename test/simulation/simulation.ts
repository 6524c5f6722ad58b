/**
 * The whole fleet on one thread, from one seed: worker processes, the sweepers in them, people outside, and a Redis that
 * crashes. First so many script calls with every fault there is; then the faults stop, and every run must come to its end.
 */
import { createHash, type Hash } from 'node:crypto';
import { decode } from '../../src/core/codec.ts';
import { isEnded, type RunStatus } from '../../src/core/run.ts';
import type { RunStore } from '../../src/core/store.ts';
import type { Forgotten } from '../../src/engine/worker/release-recovery.ts';
import { type FaultKind, type Faults, FaultyLine, type Host } from './faulty-line.ts';
import { base, Oracle } from './oracle.ts';
import { People } from './people.ts';
import type { Request } from './redis/simulated-client.ts';
import { SimulatedRedis } from './redis/simulated-redis.ts';
import type { SimReply } from './redis/values.ts';
import { openStore, SimulatedWorker, type Surroundings } from './simulated-worker.ts';
import { WakeUps } from './wake-ups.ts';
import { sumOf } from './workload.ts';
import { type Life, World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Script calls with faults; those after that, until all runs have ended, come on top. */
  readonly calls: number;
  /** Milliseconds of simulated time in which every run must have ended when the faults have stopped. */
  readonly endMs?: number;
  /** Bugs to plant: changes of the scripts, and of the store that sweepers get. */
  readonly plant?: Plant;
  /** Called with each line of the trace. */
  readonly onLine?: (line: string) => void;
}

export interface Plant {
  readonly script?: (source: string) => string;
  readonly forSweeper?: (store: RunStore) => RunStore;
  readonly forForgotten?: (forgotten: Forgotten) => void;
}

type Ending = 'completed' | 'cancelled' | 'failed' | 'quarantined';

export interface Figures {
  readonly seed: number;
  readonly calls: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly runs: Readonly<Record<'started' | Ending, number>>;
  readonly takeovers: number;
  readonly simulatedSeconds: number;
  /** What must never happen and did, with the newest lines of the trace. None: all is well. */
  readonly violations: readonly string[];
  /** Of every call with its time and outcome: the same seed has the same. */
  readonly trace: string;
}

const workers = 4;
const faultsAtWork: Faults = { requestLost: 0.002, replyLost: 0.004, cut: 0.002, hintLost: 0.1 };
const noFaults: Faults = { requestLost: 0, replyLost: 0, cut: 0, hintLost: 0 };
/** A wake-up that was lost is sent again after ten minutes at the latest. */
const endMsMax = 700_000;
const checkAllEvery = 500;
const traceLines = 40;

export class Simulation {
  readonly #options: SimulationOptions;
  readonly #world: World;
  readonly #redis: SimulatedRedis;
  readonly #oracle: Oracle;
  readonly #host: Host;
  readonly #wakeUps: WakeUps;
  readonly #around: Surroundings;
  readonly #hash: Hash = createHash('sha256');
  readonly #newest: string[] = [];
  readonly #violations: string[] = [];
  readonly #faults = {
    requestLost: 0,
    replyLost: 0,
    cut: 0,
    hintLost: 0,
    ...{ freeze: 0, crash: 0 },
    ...{ rewind: 0, wakeUpLost: 0 },
  };
  readonly #runs = { started: 0, completed: 0, cancelled: 0, failed: 0, quarantined: 0 };
  readonly #workers: SimulatedWorker[] = [];
  readonly #outside: Life = { name: 'outside', alive: true, frozenUntil: 0 };
  readonly #outsideLine: FaultyLine;
  readonly #signalled = new Set<string>();
  #people: People | undefined;
  #takeovers = 0;
  #calls = 0;
  #tokens = 0;
  #names = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const { plant = {} } = options;
    const world = new World(options.seed);
    this.#world = world;
    this.#redis = new SimulatedRedis({
      ...{ micros: () => world.micros, random: world.random },
      ...(plant.script === undefined ? {} : { rewrite: plant.script }),
    });
    const violate = (what: string): void => void this.#violations.push(what);
    this.#oracle = new Oracle(this.#redis, violate);
    this.#host = {
      ...{ world, faults: () => (this.#isQuiet ? noFaults : faultsAtWork) },
      count: (fault) => (this.#faults[fault] += 1),
      perform: (request, life) => this.#perform(request, life),
      answered: (request, reply) => this.#oracle.answered(request, reply),
    };
    this.#wakeUps = new WakeUps(world, () => this.#isUnlucky('wakeUpLost', 0.01));
    this.#outsideLine = new FaultyLine(this.#host, this.#outside);
    this.#around = {
      ...{ world, redis: this.#redis, violate },
      newToken: () => `token-${(this.#tokens += 1)}`,
      forSweeper: plant.forSweeper ?? ((store) => store),
      forForgotten: plant.forForgotten ?? ((forgotten) => forgotten.begin()),
    };
  }

  /** Lives through it all. Ends early at the first thing that must never happen. */
  async run(): Promise<Figures> {
    await this.#begin();
    while (this.#calls < this.#options.calls && this.#isFine) await this.#step();
    const until = this.#world.ms + (this.#options.endMs ?? endMsMax);
    while (this.#isFine && this.#unended().length > 0) {
      if (this.#world.ms > until) {
        const run = this.#unended()[0] ?? '';
        const hash = [...(this.#redis.keys.hash(`${base}run:${run}`) ?? [])].join(' ');
        this.#violations.push(`run ${run} has not come to its end: ${hash}`);
      }
      await this.#step();
    }
    this.#oracle.checkAll();
    return this.#figures();
  }

  get #isQuiet(): boolean {
    return this.#calls >= this.#options.calls;
  }

  get #isFine(): boolean {
    return this.#violations.length === 0;
  }

  async #begin(): Promise<void> {
    const { world, newToken } = this.#around;
    const store = await openStore(this.#redis, this.#outsideLine);
    this.#outsideLine.isDirect = false;
    const queue = this.#wakeUps.for(this.#outside);
    this.#people = new People({ world, store, queue, newToken, life: this.#outside });
    for (let i = 0; i < workers; i++) await this.#spawn();
    this.#people.begin(
      () => this.#isQuiet,
      () => this.#unended(),
    );
    this.#trouble();
    this.#tidy();
  }

  async #step(): Promise<void> {
    await this.#world.step();
  }

  async #spawn(): Promise<void> {
    this.#names += 1;
    const life = { name: `w${this.#names}`, alive: true, frozenUntil: 0 };
    const line = new FaultyLine(this.#host, life);
    const worker = new SimulatedWorker(life, line, this.#wakeUps.for(life), this.#around);
    this.#workers.push(worker);
    await worker.start();
  }

  /** Freezes, crashes and rewinds, until the faults stop. */
  #trouble(): void {
    const world = this.#world;
    if (this.#isQuiet) return;
    const victim = world.pick(this.#workers);
    if (victim !== undefined && this.#isUnlucky('freeze', 0.1)) {
      const ms = world.chance(0.4) ? world.between(2500, 12_000) : world.between(20, 1500);
      victim.life.frozenUntil = world.micros + ms * 1000;
      // It wakes up, goes on where it was, and dies before anybody has heard of it again.
      if (world.chance(0.3)) world.after(ms + world.random() * 4, () => this.#crash(victim));
    } else if (victim !== undefined && this.#isUnlucky('crash', 0.06)) {
      this.#crash(victim);
    } else if (this.#isUnlucky('rewind', 0.06)) {
      this.#rewindSoon();
    }
    world.after(world.between(100, 500), () => this.#trouble());
  }

  #isUnlucky(kind: FaultKind, probability: number): boolean {
    if (this.#isQuiet || !this.#world.chance(probability)) return false;
    this.#faults[kind] += 1;
    return true;
  }

  #crash(worker: SimulatedWorker): void {
    if (!worker.life.alive) return;
    worker.life.alive = false;
    worker.line.end();
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#world.after(this.#world.between(100, 2000), () => void this.#spawn());
  }

  /** A crash of Redis comes back with what it had up to a second before. */
  #rewindSoon(): void {
    const world = this.#world;
    const copy = this.#redis.keys.copy();
    world.after(world.between(0, 1000), () => {
      this.#redis.rewind(copy);
      this.#oracle.rewound();
      const ms = world.between(50, 400);
      for (const { line } of this.#workers) line.cut(ms + world.between(1, 50), true);
      this.#outsideLine.cut(ms, true);
      // A worker that registered after the copy, and dies before its next beat, is one that nobody knows.
      const victim = this.#workers.at(-1);
      if (victim !== undefined && world.chance(0.5))
        world.after(ms + 200, () => this.#crash(victim));
    });
  }

  /** Lets runs go on that were stopped; when the faults are over, all of them, and sends what they may wait for. */
  #tidy(): void {
    for (const run of this.#unended()) {
      if (this.#isQuiet && !this.#signalled.has(run)) {
        this.#signalled.add(run);
        void this.#people?.signal(run);
      }
      const hash = this.#redis.keys.hash(`${base}run:${run}`);
      const isStopped = hash?.has('paused') === true || hash?.get('status') === 'quarantined';
      if (isStopped && (this.#isQuiet || this.#world.chance(0.2))) void this.#people?.resume(run);
    }
    this.#world.after(2000, () => this.#tidy());
  }

  #perform(request: Request, life: Life): SimReply {
    this.#calls += 1;
    const before = this.#oracle.before(request);
    const reply = request.perform();
    this.#oracle.after(request, before, reply);
    this.#note(request, life, reply);
    this.#tally(request, reply);
    if (this.#calls % checkAllEvery === 0) this.#oracle.checkAll();
    return reply;
  }

  /** Runs as interrupt lists them: seven values each, the status among them. */
  #tallyTaken(taken: readonly SimReply[]): void {
    this.#takeovers += taken.length / 7;
    for (let i = 3; i < taken.length; i += 7) {
      if (taken[i] === 'quarantined') this.#runs.quarantined += 1;
    }
  }

  #note({ name, args }: Request, life: Life, reply: SimReply): void {
    if (name === 'info' || name === 'eval') return;
    const [first, second] = Array.isArray(reply) ? (reply as readonly SimReply[]) : [reply];
    const about = [first, second].filter((one) => typeof one !== 'object').join(' ');
    // Times, names and outcomes; not the payloads, whose bytes are msgpackr's own affair.
    const key =
      name === 'append' ? args.slice(0, 6).join(' ') : (args[0] ?? '').replace(/probe-.*/, 'probe');
    const line = `${this.#world.micros} ${life.name} ${name} ${key} ${about.slice(0, 80)}\n`;
    this.#hash.update(line);
    this.#options.onLine?.(line);
    this.#newest.push(line);
    if (this.#newest.length > traceLines) this.#newest.shift();
  }

  #tally({ name, argv = [] }: Request, reply: SimReply): void {
    const [outcome] = Array.isArray(reply) ? (reply as readonly SimReply[]) : [reply];
    if (name === 'create' && outcome === 'created') this.#runs.started += 1;
    if (name === 'interrupt') this.#tallyTaken(reply as readonly SimReply[]);
    if (name !== 'commit' || outcome !== 'committed') return;
    const status = argv[10] as RunStatus;
    if (!isEnded(status) && status !== 'quarantined') return;
    this.#runs[status as Ending] += 1;
    if (status === 'completed') this.#judge(argv[0] ?? '', argv[11] ?? '');
  }

  /** What a run returns is the sum of its events, each of which is, or was, in the log once. */
  #judge(run: string, output: string): void {
    const input = this.#people?.inputs.get(run);
    const result = decode(Buffer.from(output, 'latin1'), { key: run }) as { sum: number };
    const entries = this.#redis.keys.stream(`${base}events:${run}`)?.entries ?? [];
    const ticks = entries.filter(({ fields }) => fields[1] === 'tick').length;
    // Of a log that was compacted only the sum tells what it held.
    const missing = (input?.count ?? 0) - ticks;
    const isCounted = entries[0]?.major === 1 ? missing === 0 : missing >= 0;
    if (input === undefined || result.sum !== sumOf(input) || !isCounted) {
      this.#violations.push(
        `run ${run} returned ${result.sum} with ${ticks} ticks for ${JSON.stringify(input)}`,
      );
    }
  }

  #unended(): string[] {
    const runs: string[] = [];
    for (const status of ['queued', 'running', 'waiting', 'interrupted', 'quarantined']) {
      runs.push(...(this.#redis.keys.zset(`${base}by-status:${status}`)?.scores.keys() ?? []));
    }
    return runs;
  }

  #figures(): Figures {
    const isFine = this.#isFine;
    return {
      ...{ seed: this.#options.seed, calls: this.#calls, faults: this.#faults, runs: this.#runs },
      ...{ takeovers: this.#takeovers, simulatedSeconds: Math.round(this.#world.ms / 1000) },
      violations: isFine ? [] : [...this.#violations, ...this.#newest],
      trace: this.#hash.digest('hex'),
    };
  }
}
