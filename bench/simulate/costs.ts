/** Microseconds of Redis for each call, as measured (docs/scaling.md): what a simulated one is busy for. */
export const costs = {
  beat: () => 13,
  elect: (workers: number) => 13 + 0.47 * workers,
  followerElect: () => 5,
  /** For so many runs. */
  interrupt: (runs: number) => 15 + 20 * runs,
  deregister: () => 4,
  due: (runs: number) => 6 + 5 * runs,
  claim: () => 40,
  park: () => 27,
  send: () => 40,
  take: () => 48,
  /** In a shard. */
  unpark: () => 4,
  turnsDue: () => 5,
  schedulesDue: () => 5,
  /** Of a shard. */
  holders: (workers: number) => 0.5 * workers,
  registered: (workers: number) => 5 + 0.08 * workers,
  /** One page of them. */
  workers: (workers: number) => 10 + 5 * workers,
  /** Runs of a worker that made progress. */
  unproven: (runs: number) => 5 + 9 * runs,
} as const;

export type Call = keyof typeof costs;

/** Reading a request and writing its answer. */
export const overheadMicros = 7;
