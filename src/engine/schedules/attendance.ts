/** Which workers are there, for those who start runs: read now and then, the rarer the more there are. */
import type { Clock } from '../../core/clock.ts';
import type { RunStore } from '../../core/store.ts';
import type { WorkerRecord } from '../../core/fleet.ts';

/** So often at most. */
const readEveryMs = 250;
/** To read one worker takes Redis some microseconds: a thousandth of its time is spent on it, at most. */
const readMsPerWorker = 5;
const readEveryMsMax = 10_000;

export class Attendance {
  readonly #store: RunStore;
  readonly #clock: Clock;
  #workers: readonly WorkerRecord[] = [];
  #readAt = -Infinity;

  constructor(store: RunStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Looks again who is there, if it is time. `now`: on the store's clock. */
  async check(now: number): Promise<void> {
    const readAt = this.#clock.monotonic();
    const pauseMs = this.#workers.length * readMsPerWorker;
    if (readAt - this.#readAt < Math.min(Math.max(readEveryMs, pauseMs), readEveryMsMax)) return;
    const workers = await this.#store.fleet.workers();
    this.#workers = workers.filter(({ sessionEndsAt }) => sessionEndsAt >= now);
    this.#readAt = readAt;
  }

  /** Since when a worker has been there that knows the workflow; undefined when there is none. */
  since(workflow: string, lost: ReadonlySet<string>): number | undefined {
    const there = this.#workers.filter(
      ({ id, workflows }) => Object.hasOwn(workflows, workflow) && !lost.has(id),
    );
    return there.length === 0 ? undefined : Math.min(...there.map(({ startedAt }) => startedAt));
  }
}
