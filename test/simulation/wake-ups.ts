/** The resume queue of the simulation: a messenger that delivers late, in any order, twice, or not at all. */
import type { ConsumeOptions, Consumer, ResumeQueue, WakeUp } from '../../src/core/queue.ts';
import type { Life, World } from './world.ts';

interface Place {
  readonly life: Life;
  readonly options: ConsumeOptions;
  active: number;
}

export class WakeUps {
  readonly #world: World;
  /** The chance that a delivery is lost; counted by whoever is told. */
  readonly #isLost: () => boolean;
  readonly #waiting = new Map<string, WakeUp>();
  #places: Place[] = [];

  constructor(world: World, isLost: () => boolean) {
    this.#world = world;
    this.#isLost = isLost;
  }

  /** The queue as one process sees it. */
  for(life: Life): ResumeQueue {
    return {
      send: async (wakeUp) => this.#send(wakeUp),
      consume: async (options): Promise<Consumer> => {
        const place: Place = { life, options, active: 0 };
        this.#places.push(place);
        return { begin: (_, handle) => this.#begin(place, handle), close: async () => undefined };
      },
      close: async () => undefined,
    };
  }

  /** Now and then a run that is about to be made goes straight to who makes it, and may be held back all the same. */
  #begin(place: Place, handle: Parameters<NonNullable<Consumer['begin']>>[1]): boolean {
    const isFree = place.life.alive && place.active < place.options.concurrency;
    if (!isFree || this.#world.chance(0.3)) return false;
    place.active += 1;
    const isClear = new Promise<boolean>((resolve) => {
      const answer = !this.#world.chance(0.2);
      this.#world.after(this.#world.between(0, 3), () => resolve(answer), place.life);
    });
    void handle(isClear).finally(() => {
      place.active -= 1;
      this.#deliver();
    });
    return true;
  }

  #send(wakeUp: WakeUp): void {
    this.#waiting.set(`${wakeUp.run}:${wakeUp.fence}`, wakeUp);
    this.#world.after(this.#world.between(0, 3), () => this.#deliver());
  }

  #deliver(): void {
    this.#places = this.#places.filter(({ life }) => life.alive);
    for (const [key, wakeUp] of this.#waiting) {
      const free = this.#places.filter(({ active, options }) => active < options.concurrency);
      const place = this.#world.pick(free);
      if (place === undefined) return;
      this.#waiting.delete(key);
      if (this.#isLost()) continue;
      place.active += 1;
      // A frozen process has taken it all the same.
      this.#world.after(0, () => void this.#handle(place, wakeUp), place.life);
    }
  }

  async #handle(place: Place, wakeUp: WakeUp): Promise<void> {
    await place.options.handle(wakeUp, () => undefined);
    place.active -= 1;
    this.#deliver();
  }
}
