/** What is only a hint may be lost, or come twice: wake-ups of the queue, and the word that somebody wants something. */
import type { ResumeQueue } from '../../src/core/queue.ts';
import type { RunStore } from '../../src/core/store.ts';
import { withMethods } from '../support/with-methods.ts';

/** The chance that a hint is lost; that it comes twice is as likely again. */
const lossRate = 0.01;

export function lossyQueue(queue: ResumeQueue, random: () => number): ResumeQueue {
  return {
    send: async (wakeUp, options) => {
      const chance = random();
      if (chance < lossRate) return;
      await queue.send(wakeUp, options);
      if (chance < 2 * lossRate) await queue.send(wakeUp, { ...options, again: true });
    },
    consume: (options) => queue.consume(options),
    close: () => queue.close(),
  };
}

/** Who watches what is taken from workers that seem lost. */
export interface Taking {
  /** Runs of this worker are about to be taken: others may have them before who takes them hears so. */
  readonly onBegin: (worker: string) => void;
  readonly onEnd: (worker: string, runs: readonly string[]) => void;
}

export function lossyStore(store: RunStore, random: () => number, taking: Taking): RunStore {
  const fleet = withMethods(store.fleet, {
    register: (worker, onNudge) =>
      store.fleet.register(worker, (run) => {
        if (random() >= lossRate) onNudge?.(run);
      }),
    interrupt: async (params) => {
      const { worker } = params;
      let runs: readonly string[] = [];
      taking.onBegin(worker);
      try {
        const taken = await store.fleet.interrupt(params);
        runs = taken.map(({ run }) => run);
        return taken;
      } finally {
        taking.onEnd(worker, runs);
      }
    },
  });
  return withMethods(store, { fleet });
}
