/** Reads that many ask for at the same moment are made once. */
const keptMs = 300;

export class Shared {
  readonly #reads = new Map<string, Promise<unknown>>();

  /** The same name is the same read, for a moment. */
  read<Value>(name: string, read: () => Promise<Value>): Promise<Value> {
    const known = this.#reads.get(name);
    if (known !== undefined) return known as Promise<Value>;
    const made = read();
    this.#reads.set(name, made);
    const forget = (): void => {
      setTimeout(() => this.#reads.delete(name), keptMs).unref();
    };
    made.then(forget, forget);
    return made;
  }
}
