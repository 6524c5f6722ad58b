/** A promise that never settles holds nothing alive: who waits for it is collected with it. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
