/**
 * The whole fleet on one thread, from one seed: worker processes, the sweepers in them, people outside, and a Redis that
 * crashes. First so many script calls with every fault there is; then the faults stop, and every run must come to its end.
 */
import { createHash, type Hash } from 'node:crypto';
import { isEnded } from '../../src/core/run.ts';
import type { RunStore } from '../../src/core/store.ts';
import type { Forgotten } from '../../src/engine/worker/release-recovery.ts';
import { type FaultKind, type Faults, FaultyLine, type Host } from './faulty-line.ts';
import { base, Oracle } from './oracle.ts';
import { lostForMs } from './losses.ts';
import { People } from './people.ts';
import type { Request } from './redis/simulated-client.ts';
import { SimulatedRedis } from './redis/simulated-redis.ts';
import type { SimReply } from './redis/values.ts';
import { releasedBy } from './released.ts';
import { openStore, SimulatedWorker, type Surroundings } from './simulated-worker.ts';
import { WakeUps } from './wake-ups.ts';
import { aim, type Moment, momentOf } from './moments.ts';
import { TimetableWatch } from './timetable-watch.ts';
import { judgeCompleted, judgeFailed } from './verdicts.ts';
import { Outside } from './workload/outside.ts';
import { makeWorkload } from './workload/workload.ts';
import { clockOf, type Life, World } from './world.ts';
import type { Keyspace } from './redis/values.ts';

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
  /** Rewinds to right before a call that had just been carried out. */
  readonly aimed: Readonly<Record<Moment, number>>;
  readonly runs: Readonly<Record<'started' | 'forked' | 'scheduled' | 'children' | Ending, number>>;
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
    freeze: 0,
    crash: 0,
    rewind: 0,
    wakeUpLost: 0,
  };
  readonly #aimed = Object.fromEntries(Object.keys(aim).map((moment) => [moment, 0])) as Record<
    Moment,
    number
  >;
  readonly #runs = {
    started: 0,
    forked: 0,
    scheduled: 0,
    children: 0,
    completed: 0,
    cancelled: 0,
    failed: 0,
    quarantined: 0,
  };
  readonly #outsideWorld: Outside;
  readonly #timetable: TimetableWatch;
  /** Runs that once came to no good end. */
  /** Tokens of runs that were made. */
  readonly #created = new Set<string>();
  readonly #bad = new Set<string>();
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
      micros: () => world.micros,
      random: world.random,
      ...(plant.script === undefined ? {} : { rewrite: plant.script }),
    });
    const violate = (what: string): void => void this.#violations.push(what);
    this.#oracle = new Oracle(this.#redis, violate);
    this.#outsideWorld = new Outside(world, violate, ({ run, fence }) =>
      lostForMs(this.#redis.keys, run, fence, this.#redis.ms),
    );
    this.#timetable = new TimetableWatch(violate);
    this.#host = {
      world,
      faults: () => (this.#isQuiet ? noFaults : faultsAtWork),
      count: (fault) => (this.#faults[fault] += 1),
      perform: (request, life) => this.#perform(request, life),
      answered: (request, reply) => this.#oracle.answered(request, reply),
    };
    this.#wakeUps = new WakeUps(world, () => this.#isUnlucky('wakeUpLost', 0.01));
    this.#outsideLine = new FaultyLine(this.#host, this.#outside);
    this.#around = {
      world,
      redis: this.#redis,
      violate,
      outside: this.#outsideWorld,
      newToken: () => `token-${(this.#tokens += 1)}`,
      forSweeper: plant.forSweeper ?? ((store) => store),
      forForgotten: plant.forForgotten ?? ((forgotten) => forgotten.begin()),
    };
  }

  /** Lives through it all. Ends early at the first thing that must never happen. */
  async run(): Promise<Figures> {
    await this.#begin();
    while (this.#calls < this.#options.calls && this.#isFine) await this.#step();
    this.#timetable.end(this.#redis.ms);
    void this.#people?.endSchedules();
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
    const queue = this.#wakeUps.for(this.#outside);
    const life = this.#outside;
    const workload = makeWorkload({
      world,
      outside: this.#outsideWorld,
      clock: clockOf(world, life),
    });
    this.#people = new People({
      world,
      store,
      queue,
      newToken,
      life,
      workload,
      inside: () => world.pick(this.#workers.filter(({ life: its }) => its.alive))?.starting,
      onDelete: (run) => {
        this.#bad.add(run);
        this.#timetable.deleted(run);
      },
    });
    await this.#people.keepSchedules();
    this.#timetable.begin(this.#redis.ms);
    this.#outsideLine.isDirect = false;
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
    world.after(world.between(0, 1000), () => this.#rewindTo(copy));
  }

  #rewindTo(copy: Keyspace): void {
    const world = this.#world;
    this.#redis.rewind(copy);
    this.#oracle.rewound();
    const ms = world.between(50, 400);
    for (const { line } of this.#workers) line.cut(ms + world.between(1, 50), true);
    this.#outsideLine.cut(ms, true);
    // What people did last it may have forgotten, so they do it again.
    this.#signalled.clear();
    if (this.#isQuiet) void this.#people?.endSchedules();
    // A worker that registered after the copy, and dies before its next beat, is one that nobody knows.
    const victim = this.#workers.at(-1);
    if (victim !== undefined && world.chance(0.5)) world.after(ms + 200, () => this.#crash(victim));
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
      // A fork of a child that waits in vain has no parent that would cancel it.
      const wants = hash?.get('wants')?.split('\n') ?? [];
      const isAbandoned = hash?.has('parent') === false && wants.includes('signal:never');
      if (this.#isQuiet && isAbandoned) void this.#people?.cancel(run);
      if (this.#isQuiet || this.#world.chance(0.2)) this.#decide(run, hash?.get('waits') ?? '[]');
      if (isStopped && (this.#isQuiet || this.#world.chance(0.2))) void this.#people?.resume(run);
    }
    this.#world.after(2000, () => this.#tidy());
  }

  /** Somebody looks after effects in doubt, now and then. */
  #decide(run: string, waits: string): void {
    for (const { kind, on } of JSON.parse(waits) as readonly { kind: string; on?: string[] }[]) {
      if (kind === 'decision') void this.#people?.decide(run, on?.[0] ?? '');
    }
  }

  /** A crash of Redis that forgets exactly the call that is about to be carried out; whether it is answered is open. */
  #aim(request: Request): void {
    const moment = momentOf(request, this.#redis.keys);
    if (this.#isQuiet || moment === undefined || !this.#world.chance(aim[moment])) return;
    this.#aimed[moment] += 1;
    const copy = this.#redis.keys.copy();
    this.#world.after(this.#world.random() * 4, () => this.#rewindTo(copy));
  }

  #perform(request: Request, life: Life): SimReply {
    this.#calls += 1;
    const before = this.#oracle.before(request);
    this.#aim(request);
    const reply = request.perform();
    this.#oracle.after(request, before, reply);
    if (before !== undefined) this.#noteBad(before.run);
    this.#note(request, life, reply);
    this.#tally(request, reply);
    if (this.#calls % checkAllEvery === 0) {
      this.#oracle.checkAll();
      this.#timetable.check(this.#redis.keys, this.#redis.ms);
    }
    return reply;
  }

  #noteBad(run: string): void {
    const status = this.#redis.keys.hash(`${base}run:${run}`)?.get('status');
    if (status === undefined || status === 'failed' || status === 'cancelled') this.#bad.add(run);
  }

  /** Runs as interrupt lists them: seven values each, the status among them. */
  #tallyTaken(taken: readonly SimReply[]): void {
    this.#takeovers += Math.floor(taken.length / 7);
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
    if (name === 'create' && isNew(outcome)) this.#tallyCreated(argv);
    if (name === 'interrupt') this.#tallyTaken(reply as readonly SimReply[]);
    if (name !== 'commit' || outcome !== 'committed') return;
    const { status, result } = releasedBy(argv);
    if (status === '' || !(isEnded(status) || status === 'quarantined')) return;
    this.#runs[status as Ending] += 1;
    const judge = { completed: judgeCompleted, failed: judgeFailed }[status as string];
    judge?.(argv[0] ?? '', result, {
      keys: () => this.#redis.keys,
      outside: this.#outsideWorld,
      wasBad: (run) => this.#bad.has(run),
      violate: (what) => this.#violations.push(what),
    });
  }

  #tallyCreated([run = '', token = '', ...rest]: readonly string[]): void {
    // A call that is repeated is answered as the first one.
    if (this.#created.has(token)) return;
    this.#created.add(token);
    const [parent, schema] = [rest[6], rest[11]];
    this.#runs.started += 1;
    if (token.startsWith('schedule ')) this.#runs.scheduled += 1;
    if (parent !== '') this.#runs.children += 1;
    if (schema !== '') this.#runs.forked += 1;
    this.#timetable.created(run, this.#redis.ms);
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
      seed: this.#options.seed,
      calls: this.#calls,
      faults: this.#faults,
      runs: this.#runs,
      aimed: this.#aimed,
      takeovers: this.#takeovers,
      simulatedSeconds: Math.round(this.#world.ms / 1000),
      violations: isFine ? [] : [...this.#violations, ...this.#newest],
      trace: this.#hash.digest('hex'),
    };
  }
}

/** What the script that makes a run answers about a new one. */
function isNew(outcome: SimReply | undefined): boolean {
  return outcome === 'created' || outcome === 'made' || outcome === 'claimed';
}
