/**
 * Care for runs that may be what kills their workers.
 *
 * When a worker dies, all the runs it held have lost a worker, the poisonous one and its neighbours alike. So that the
 * neighbours are not set aside with it, a run that has only one more death to go takes turns with others of its kind: one
 * at a time on each worker, until it has committed something, has ended, or its turn is over. Whatever then kills the
 * worker has no other suspect beside it.
 */
import type { Clock } from '../../core/clock.ts';
import type { WakeUp } from '../../core/queue.ts';

/** A long first step must not keep the others waiting for ever. */
const turnMsMax = 30_000;

export class Suspects {
  readonly #clock: Clock;
  readonly #suspectFrom: number;
  #turns: Promise<unknown> = Promise.resolve();

  /** A run that would be set aside at its next death without progress is run with care. */
  constructor(options: { readonly clock: Clock; readonly quarantineAfter: number }) {
    this.#clock = options.clock;
    this.#suspectFrom = Math.max(1, options.quarantineAfter - 1);
  }

  /** Calls `execute`, for a suspect when its turn has come. `harmless` resolves when others need not wait any longer. */
  async run<T>(wakeUp: WakeUp, execute: () => Promise<T>, harmless: Promise<unknown>): Promise<T> {
    if (wakeUp.deaths < this.#suspectFrom) return execute();
    const before = this.#turns;
    let finish: () => void = () => undefined;
    this.#turns = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await before;
    const over = new AbortController();
    void Promise.race([harmless, this.#clock.sleep(turnMsMax, over.signal)]).then(finish);
    try {
      return await execute();
    } finally {
      over.abort('over');
    }
  }
}
