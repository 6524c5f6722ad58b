/** Those outside: they start, signal, cancel, pause, resume, compact and delete runs, and try again without an answer. */
import { defaultLimits } from '../../src/core/limits.ts';
import { PawlError } from '../../src/core/errors.ts';
import type { ResumeQueue } from '../../src/core/queue.ts';
import type { RunStore } from '../../src/core/store.ts';
import { compactRun } from '../../src/engine/upkeep/compaction.ts';
import { RunHandle } from '../../src/engine/runs/run-handle.ts';
import { startRun } from '../../src/engine/runs/start.ts';
import { makeWork, type WorkInput } from './workload.ts';
import { clockOf, type Life, type World } from './world.ts';

export interface PeopleParts {
  readonly world: World;
  readonly life: Life;
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  readonly newToken: () => string;
}

/** So many runs at one time, and a new one when there are fewer. */
const runsMax = 40;
const betweenMs = 60;

export class People {
  readonly #parts: PeopleParts;
  readonly #workflow: ReturnType<typeof makeWork>;
  readonly #starting: Parameters<typeof startRun>[0];
  /** What each run that was started was given. */
  readonly inputs = new Map<string, WorkInput>();
  #started = 0;

  constructor(parts: PeopleParts) {
    const { world, life, store, newToken, queue } = parts;
    this.#parts = parts;
    this.#workflow = makeWork(world, clockOf(world, life));
    this.#starting = {
      store,
      newToken,
      limits: defaultLimits,
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
      world.after(world.between(1, 2 * betweenMs), act, life);
    };
    act();
  }

  /** Sends the signal that a run may wait for. */
  async signal(run: string): Promise<void> {
    const id = this.#parts.newToken();
    await this.#try(() => this.#handle(run).signal('go', {}, { id }));
  }

  /** Lets a run that was stopped go on. */
  async resume(run: string): Promise<void> {
    await this.#try(() => this.#handle(run).resume());
  }

  async #start(): Promise<void> {
    const { world } = this.#parts;
    this.#started += 1;
    const id = `r${this.#started}`;
    const input = {
      count: world.between(1, 12),
      sleepMs: world.chance(0.3) ? world.between(1, 6000) : 0,
      waits: world.pick(['no', 'no', 'a while', 'for ever'] as const) ?? 'no',
    };
    this.inputs.set(id, input);
    const delay = world.chance(0.1) ? world.between(1, 3000) : 0;
    await this.#try(() => startRun(this.#starting, this.#workflow, input, { id, delay }));
  }

  async #meddle(run: string): Promise<void> {
    const { world, store } = this.#parts;
    const handle = this.#handle(run);
    const dice = world.random();
    if (dice < 0.5) {
      await this.signal(run);
    } else if (dice < 0.58) {
      await this.#try(() => handle.cancel());
    } else if (dice < 0.7) {
      await this.#try(() => handle.pause());
    } else if (dice < 0.9) {
      await this.#try(() => handle.resume());
    } else if (dice < 0.95) {
      await this.#try(() => compactRun(store, run));
    } else {
      await this.#try(() => store.delete(run));
    }
  }

  #handle(run: string): RunHandle {
    const clock = clockOf(this.#parts.world, this.#parts.life);
    return new RunHandle(run, { ...this.#starting, clock, workflow: this.#workflow });
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
