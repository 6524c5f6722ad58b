/**
 * Which thread a process has last seen under an id. A thread that was deleted, and made again, has another birth: what a
 * process sends for the one it knew is late.
 */
const keptMax = 10_000;

export class Births {
  readonly #births = new Map<string, string>();

  of(run: string): string | undefined {
    return this.#births.get(run);
  }

  /** Undefined: there is none by now. */
  see(run: string, birth: string | undefined): void {
    this.#births.delete(run);
    if (birth === undefined) return;
    this.#births.set(run, birth);
    if (this.#births.size <= keptMax) return;
    const [oldest] = this.#births.keys();
    if (oldest !== undefined) this.#births.delete(oldest);
  }
}
