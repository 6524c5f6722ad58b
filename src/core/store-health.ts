/** What a store can tell of its own health. */
export interface StoreHealth {
  /** As of this server, or the worst of several; absent where the store may not look. */
  readonly server?: {
    readonly name: string;
    readonly version: string;
    readonly role: string;
    readonly usedBytes: number;
    /** 0 for no limit. */
    readonly maxBytes: number;
    /** What is wrong with the files it keeps; empty when nothing is. */
    readonly failures: readonly string[];
  };
  /** On the store's clock, in milliseconds since 1970. */
  readonly now: number;
  /** Runs that somebody should have looked at by now. */
  readonly overdue: number;
  /** When the longest waiting of them should have been looked at. */
  readonly overdueSince: number | undefined;
  /** Runs that wait for a worker. */
  readonly queued: number;
  /** What the sizes of indexes say against each other; empty when they agree. */
  readonly mismatches: readonly string[];
}
