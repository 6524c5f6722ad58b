/**
 * Microseconds of Redis for each call, as `npm run bench:costs` has found them (docs/scaling.md): what a simulated one is
 * busy for.
 */
export const costs = {
  beat: () => 22,
  /** For so many that are looked at: each costs 1.7 µs among up to a thousand workers, and 2.4 µs among ten thousand. */
  elect: (workers: number) => 13 + 2.4 * workers,
  followerElect: () => 13,
  /** For so many runs. */
  interrupt: (runs: number) => 20 + 35 * runs,
  deregister: () => 4,
  /** In a shard. */
  unpark: () => 4,
  due: (runs: number) => 8 + 10 * runs,
  turnsDue: () => 9,
  schedulesDue: () => 7,
  claim: () => 69,
  park: () => 56,
  send: () => 25,
  take: () => 63,
  /** Of a shard. */
  holders: (workers: number) => 0.05 * workers,
  registered: (workers: number) => 5 + 0.05 * workers,
  /** One page of them. */
  workers: (workers: number) => 10 + 7 * workers,
  /** Runs of a worker that made progress. */
  unproven: () => 27,
} as const satisfies Readonly<Record<string, (size: number) => number>>;

export type Call = keyof typeof costs;

/** Reading a request and writing its answer. */
export const overheadMicros = 7;
