/** Work that nobody waits for. */

/**
 * Lets work go on by itself. Every promise has a holder: what this one is rejected with goes to `onError`. A rejection that
 * nobody takes ends the process, with all the runs it holds.
 *
 * `void work()` says nothing of that, so lint forbids it.
 */
export function detach(work: Promise<unknown>, onError: (error: unknown) => void): void {
  work.then(undefined, (error: unknown) => {
    try {
      onError(error);
    } catch {
      // The one that was to tell of it has failed as well; the process is worth more than the message.
    }
  });
}
