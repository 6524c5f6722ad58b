/**
 * Those outside: they start, fork, signal, cancel, pause, resume, compact and delete runs, decide about effects in doubt,
 * keep schedules, and try again without an answer.
 */
import { defaultLimits } from '../../src/core/limits.ts';
import { PawlError } from '../../src/core/errors.ts';
import type { ResumeQueue } from '../../src/core/queue.ts';
import type { RunStore } from '../../src/core/store.ts';
import { compactRun } from '../../src/engine/upkeep/compaction.ts';
import { deleteRun } from '../../src/engine/runs/deletions.ts';
import { prepareFork } from '../../src/engine/runs/fork.ts';
import { RunHandle } from '../../src/engine/runs/run-handle.ts';
import { type StartParts, startRun } from '../../src/engine/runs/start.ts';
import { saveSchedule } from '../../src/engine/schedules/save.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { timetables } from './timetable-watch.ts';
import { newRun, type Workload } from './workload/workload.ts';
import { clockOf, type Life, type World } from './world.ts';

export interface PeopleParts {
  readonly world: World;
  readonly life: Life;
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  readonly newToken: () => string;
  readonly workload: Workload;
  /** What a program has to start runs with whose process is that of a worker; undefined when none is alive. */
  readonly inside: () => StartParts | undefined;
  /** A run is about to be deleted on request; those that know it are told first. */
  readonly onDelete: (run: string) => void;
}

/** So many runs at one time, and a new one when there are fewer. */
const runsMax = 40;
const betweenMs = 60;

export class People {
  readonly #parts: PeopleParts;
  readonly #starting: StartParts;
  #started = 0;
  readonly #starts = new Map<string, () => Promise<unknown>>();

  constructor(parts: PeopleParts) {
    const { store, newToken, queue } = parts;
    this.#parts = parts;
    this.#starting = {
      store,
      newToken,
      limits: defaultLimits,
      logger: silentLogger,
      wake: (wakeUp) => queue.send(wakeUp),
    };
  }

  /** Does something again and again, until `isOver`. */
  begin(isOver: () => boolean, live: () => readonly string[]): void {
    const { world, life } = this.#parts;
    const act = (): void => {
      if (isOver()) return;
      const runs = live();
      if (runs.length < runsMax) void this.#start();
      const run = world.pick(runs);
      if (run !== undefined && world.chance(0.4)) void this.#meddle(run);
      if (world.chance(0.1)) void this.#startAgain();
      world.after(world.between(1, 2 * betweenMs), act, life);
    };
    act();
  }

  /** Sends the signal that a run may wait for. */
  async signal(run: string): Promise<void> {
    const id = this.#parts.newToken();
    await this.#try(() => this.#handle(run).signal('go', {}, { id }));
  }

  /** Ends a run that nothing else would end. */
  async cancel(run: string): Promise<void> {
    await this.#try(() => this.#handle(run).cancel());
  }

  /** Lets a run that was stopped go on. */
  async resume(run: string): Promise<void> {
    await this.#try(() => this.#handle(run).resume());
  }

  /** Saves the schedules, all at once and before anything goes wrong. */
  async keepSchedules(): Promise<void> {
    const { store, workload } = this.#parts;
    for (const [id, every] of Object.entries(timetables)) {
      const options = { id, every, missed: 'all', overlap: 'allow' } as const;
      await saveSchedule({ store, limits: defaultLimits }, workload.beat, undefined, options);
    }
  }

  /** Ends them. */
  async endSchedules(): Promise<void> {
    const { store, workload } = this.#parts;
    for (const id of Object.keys(timetables)) {
      await this.#try(() => store.schedules.remove(workload.beat.name, id));
    }
  }

  /** Decides about an effect that is in doubt. */
  async decide(run: string, effect: string): Promise<void> {
    const isDone = this.#parts.world.chance(0.5);
    const decision = isDone
      ? ({ decide: 'done', result: 'decided' } as const)
      : ({ decide: 'retry' } as const);
    await this.#try(() => this.#handle(run).decide(effect, decision));
  }

  async #start(): Promise<void> {
    const { world, workload } = this.#parts;
    this.#started += 1;
    const id = `r${this.#started}`;
    const { workflow, input } = newRun(world, workload);
    const delay = world.chance(0.1) ? world.between(1, 3000) : 0;
    const start = () => startRun(this.#startingSomewhere(), workflow, input, { id, delay });
    this.#starts.set(id, start);
    await this.#try(start);
  }

  /** From outside, or in the process of a worker, which may claim the run at once, or die over it. */
  #startingSomewhere(): StartParts {
    const { world, inside } = this.#parts;
    return (world.chance(0.5) ? inside() : undefined) ?? this.#starting;
  }

  /** As a caller does that repeats what it has asked for: the run may be there, or over, deleted or forgotten. */
  async #startAgain(): Promise<void> {
    const start = this.#parts.world.pick([...this.#starts.values()]);
    if (start !== undefined) await this.#try(start);
  }

  /** A new run that goes on from where another one was. */
  async #fork(run: string): Promise<void> {
    const { world, store, workload } = this.#parts;
    this.#started += 1;
    const id = `f${this.#started}`;
    await this.#try(async () => {
      const record = await store.record(run);
      if (record?.workflow !== workload.work.name) return;
      const point = { seq: world.between(1, record.seq) };
      const parts = { store, limits: defaultLimits };
      const { fork, input } = await prepareFork(parts, workload.work, run, point, {});
      await startRun(this.#starting, workload.work, undefined, { id, fork, stored: input });
    });
  }

  async #meddle(run: string): Promise<void> {
    const { world, store } = this.#parts;
    const handle = this.#handle(run);
    const dice = world.random();
    if (dice < 0.4) {
      await this.signal(run);
    } else if (dice < 0.48) {
      await this.#fork(run);
    } else if (dice < 0.56) {
      await this.#try(() => handle.cancel());
    } else if (dice < 0.68) {
      await this.#try(() => handle.pause());
    } else if (dice < 0.9) {
      await this.#try(() => handle.resume());
    } else if (dice < 0.95) {
      await this.#try(() => compactRun(store, run));
    } else {
      const parts = { ...this.#starting, logger: silentLogger };
      this.#parts.onDelete(run);
      await this.#try(() => deleteRun(parts, run, {}));
    }
  }

  #handle(run: string): RunHandle {
    const clock = clockOf(this.#parts.world, this.#parts.life);
    return new RunHandle(run, { ...this.#starting, clock });
  }

  /** Again while there is no answer; a refusal is an answer. */
  async #try(act: () => Promise<unknown>): Promise<void> {
    const clock = clockOf(this.#parts.world, this.#parts.life);
    for (;;) {
      try {
        await act();
        return;
      } catch (error) {
        if (!PawlError.is(error)) throw error;
        if (error.code !== 'PAWL_UNAVAILABLE') return;
        await clock.sleep(50);
      }
    }
  }
}
