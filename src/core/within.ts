/** A bounded wait, for whoever closes and must not wait for ever for what hangs. */

/**
 * Waits for `work`, but not longer than `ms`; true when it was done. What goes wrong with it is nobody's any more.
 * `sleep` resolves after so many milliseconds, or at once when the signal aborts.
 */
export async function within(
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  ms: number,
  work: Promise<unknown>,
): Promise<boolean> {
  const over = new AbortController();
  const done = work.then(
    () => true,
    () => false,
  );
  const late = sleep(ms, over.signal).then(() => false);
  const result = await Promise.race([done, late]);
  over.abort();
  return result;
}
