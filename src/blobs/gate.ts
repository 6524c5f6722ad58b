/** Lets so many calls be at work at one time, in the order in which they came. */
export class Gate {
  readonly #most: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  async through<T>(call: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#most) this.#inside += 1;
    else {
      // Whoever leaves gives his place to the first: nobody comes in between.
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    }
  }
}
