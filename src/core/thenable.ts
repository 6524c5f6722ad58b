/** Promises, and what looks like one: of another realm, or of a library. */

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = typeof value === 'object' ? value !== null : typeof value === 'function';
  return isObject && typeof (value as { readonly then?: unknown }).then === 'function';
}

/** Nobody waits for it: its answer is not wanted, and its failure is nobody's business. */
export function letGo(promise: PromiseLike<unknown>): void {
  const ignored = (): void => undefined;
  promise.then(ignored, ignored);
}
