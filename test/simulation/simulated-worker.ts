/**
 * A worker process of the simulation: the shipped `Execution`, `Sweeper`, `CrashIsolation` and `RedisRunStore`, with the
 * process
 * around them (beats, wake-ups) as `Worker` and `Session` have it. Those two are left out because they ask the machine:
 * for random ids, and for the lag of the event loop.
 */
import type { Clock } from '../../src/core/clock.ts';
import { defaultLimits, defaults } from '../../src/core/limits.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { Delivery, ResumeQueue, WakeUp } from '../../src/core/queue.ts';
import type { RunStore } from '../../src/core/store.ts';
import { type DeliveredRun, Execution } from '../../src/engine/execution/execution.ts';
import { tell } from '../../src/engine/diagnostics.ts';
import { RunsHere } from '../../src/engine/runs-here.ts';
import { Forgotten } from '../../src/engine/worker/release-recovery.ts';
import type { StartParts } from '../../src/engine/runs/start.ts';
import { startHere } from '../../src/engine/worker/start-here.ts';
import { CrashIsolation } from '../../src/engine/worker/crash-isolation.ts';
import type { WorkerServices } from '../../src/engine/worker/services.ts';
import { Sweeper } from '../../src/engine/worker/sweeper.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import type { FaultyLine } from './faulty-line.ts';
import { SimulatedClient } from './redis/simulated-client.ts';
import type { SimulatedRedis } from './redis/simulated-redis.ts';
import type { AnyWorkflow } from '../../src/engine/definition/workflow.ts';
import { ScheduleKeeper } from '../../src/engine/schedules/keeper.ts';
import type { Outside } from './workload/outside.ts';
import { byName, makeWorkload } from './workload/workload.ts';
import { clockOf, type Life, type World } from './world.ts';

export interface Surroundings {
  readonly world: World;
  readonly redis: SimulatedRedis;
  readonly newToken: () => string;
  readonly outside: Outside;
  /** Called with what must never happen. */
  readonly violate: (what: string) => void;
  /** Changes a store before a sweeper gets it, to plant bugs. */
  readonly forSweeper: (store: RunStore) => RunStore;
  /** Begins the search for forgotten runs, or does not, to plant a bug. */
  readonly forForgotten: (forgotten: Forgotten) => void;
}

/** Shorter than the defaults, so that a death costs less of the time that is simulated. */
const settings = {
  concurrency: 12,
  beatMs: 1000,
  sessionMs: 3000,
  sweepMs: 100,
  lockMs: defaults.sweeperLockMs,
  resendMs: defaults.resendMs,
  keepMs: 10_000,
  cancelGraceMs: 5000,
  quarantineAfter: 3,
  replayBudgetMs: defaults.replayBudgetMs,
  allowDowngrade: false,
  retention: {},
  canaryMs: defaults.canaryMs,
};

/** Opens a store for a process, all at once. */
export async function openStore(redis: SimulatedRedis, line: FaultyLine): Promise<RedisRunStore> {
  return RedisRunStore.open({ redis: new SimulatedClient(redis, line), shards: 1 });
}

export class SimulatedWorker {
  readonly life: Life;
  readonly line: FaultyLine;
  readonly #around: Surroundings;
  readonly #clock: Clock;
  readonly #queue: ResumeQueue;
  readonly #executions = new Set<Execution>();
  #starting: StartParts | undefined;
  readonly #workflows: ReadonlyMap<string, AnyWorkflow>;
  /** As a session has them: when the last beat that was answered was sent, and how often one came too late. */
  #renewedAt = 0;
  #lapses = 0;

  constructor(life: Life, line: FaultyLine, queue: ResumeQueue, around: Surroundings) {
    this.life = life;
    this.line = line;
    this.#around = around;
    this.#queue = queue;
    this.#clock = clockOf(around.world, life);
    const { world, outside } = around;
    this.#workflows = byName(makeWorkload({ world, outside, clock: this.#clock }));
  }

  /** What a program in this process starts runs with; undefined before it takes any. */
  get starting(): StartParts | undefined {
    return this.#starting;
  }

  /** Registers and takes wake-ups from then on. */
  async start(): Promise<void> {
    const { redis } = this.#around;
    const store = await openStore(redis, this.line);
    await store.fleet.register(this.life.name, (run, about) => {
      for (const execution of this.#executions) {
        if (run === undefined || execution.wakeUp.run === run) execution.nudge(about ?? 'message');
      }
    });
    await this.#beat(store);
    this.line.isDirect = false;
    this.#clock.repeat(async () => {
      await this.#beat(store).catch(() => undefined);
      return settings.beatMs;
    });
    const services = this.#services(store);
    this.#sweep(services);
    await this.#work(services);
  }

  #services(store: RunStore): WorkerServices {
    const { world, newToken } = this.#around;
    return {
      store,
      settings,
      newToken,
      queue: this.#queue,
      clock: this.#clock,
      worker: this.life.name,
      random: world.random,
      asCaller: (call) => call(),
      tell,
      logger: silentLogger,
      limits: defaultLimits,
      here: new RunsHere(),
      wake: (wakeUp) => this.#queue.send(wakeUp),
    };
  }

  async #beat(store: RunStore): Promise<void> {
    const { name } = this.life;
    const active = this.#executions.size;
    const { concurrency } = settings;
    const info = { id: name, host: 'simulated', pid: 1, concurrency, active, loopLagMs: 0 };
    const workflows = Object.fromEntries([...this.#workflows.keys()].map((one) => [one, 1]));
    const sentAt = this.#clock.monotonic();
    await store.fleet.beat({ ...info, workflows }, settings.sessionMs);
    const isLate = this.#renewedAt > 0 && sentAt - this.#renewedAt > settings.sessionMs / 2;
    if (isLate) this.#lapses += 1;
    this.#renewedAt = sentAt;
  }

  #sweep(services: WorkerServices): void {
    const { forSweeper, forForgotten } = this.#around;
    const keeper = new ScheduleKeeper(services, () => settings.keepMs);
    const swept = { ...services, store: forSweeper(services.store) };
    new Sweeper(swept, (lost) => keeper.attend(lost)).begin();
    const atWork = (): string[] => [...this.#executions].map(({ wakeUp }) => wakeUp.run);
    forForgotten(new Forgotten(services, atWork));
  }

  async #work(services: WorkerServices): Promise<void> {
    const isolation = new CrashIsolation(this.#clock);
    const execute = async (delivered: DeliveredRun): Promise<Delivery> => {
      const execution = this.#execute(delivered, services);
      this.#executions.add(execution);
      try {
        return await isolation.run(delivered.wakeUp, () => execution.run(), execution.progressed);
      } finally {
        this.#executions.delete(execution);
      }
    };
    const consumer = await this.#queue.consume({
      workflows: [...this.#workflows.keys()],
      concurrency: settings.concurrency,
      handle: async (wakeUp, report) => {
        const workflow = this.#workflows.get(wakeUp.workflow);
        if (workflow === undefined) throw new Error(`no workflow ${wakeUp.workflow}`);
        return execute({ wakeUp, workflow, report });
      },
    });
    const wakeOthers = (wakeUp: WakeUp): Promise<void> => this.#queue.send(wakeUp);
    this.#starting = services;
    services.here.offer(({ name }, run, make) => {
      const workflow = this.#workflows.get(name);
      if (workflow === undefined || !isolation.isFree) return undefined;
      return startHere({ services, consumer, execute, wakeOthers }, workflow, run, make);
    });
  }

  #execute(delivered: DeliveredRun, services: WorkerServices): Execution {
    const lapses = (): number => this.#lapses;
    const ageMs = (): number => this.#clock.monotonic() - this.#renewedAt;
    return new Execution(delivered, services, {
      session: {
        loopLagMs: 0,
        get lapses() {
          return lapses();
        },
        get ageMs() {
          return ageMs();
        },
      },
      isClosing: () => false,
      onParked: () => undefined,
      onReclaimed: (execution, goesOn) => {
        this.#executions.add(execution);
        void goesOn.finally(() => this.#executions.delete(execution));
      },
    });
  }
}
