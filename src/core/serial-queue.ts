/**
 * Carries out tasks one after the other, in the order in which they were given; one that fails does not stop the next. A
 * task that finds nothing before it begins at once.
 */
export class SerialQueue {
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;

  run<T>(task: () => Promise<T>): Promise<T> {
    if (!this.#isBusy) return this.#begin(task);
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        this.#begin(task).then(resolve, reject);
      });
    });
  }

  #begin<T>(task: () => Promise<T>): Promise<T> {
    this.#isBusy = true;
    const done = task();
    done.then(this.#next, this.#next);
    return done;
  }

  readonly #next = (): void => {
    this.#isBusy = false;
    this.#waiting.shift()?.();
  };
}
