/**
 * Workers that may be killed from their page, to see a take-over. The process of the pages names those that it has started
 * itself, and knows how each of them ends. A request names one by its worker id, and is answered from that list alone: no
 * process id ever comes from a request, so nobody can end a process that the host has not started.
 */

/** A worker that the process of the pages has started, and may end in the middle of its work. */
export interface KillableWorker {
  /** How it ends, as the button says: `SIGKILL`. */
  readonly how: string;
  /** What ends it from a shell, such as `kill -9 4711`. It is shown only. Default: nothing is shown. */
  readonly command?: string;
  /**
   * Ends it at once, and resolves when it has ended. False: it had ended already, so nothing was done. `actor` is who
   * asked for it.
   */
  readonly kill: (by: { readonly actor: string }) => boolean | Promise<boolean>;
}

/** The workers that may be killed now, by their ids. It is asked for each page and for each request. */
export type KillableWorkers = () => ReadonlyMap<string, KillableWorker>;
