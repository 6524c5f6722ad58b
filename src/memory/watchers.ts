/** Functions that are called when something of a run has changed, in a turn of their own. */
export class Watchers {
  readonly #byRun = new Map<string, Set<() => void>>();

  /** Tells those who watch the run. */
  tell(run: string): void {
    for (const watcher of this.#byRun.get(run) ?? []) queueMicrotask(watcher);
  }

  /** Returns the way to stop. */
  add(run: string, changed: () => void): () => Promise<void> {
    const watchers = this.#byRun.get(run) ?? new Set();
    this.#byRun.set(run, watchers);
    const watcher = (): void => {
      if (watchers.has(watcher)) changed();
    };
    watchers.add(watcher);
    return async () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#byRun.delete(run);
    };
  }
}
