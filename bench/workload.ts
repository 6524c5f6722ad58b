/**
 * What a workload is: one piece of work that several contenders do, each in a process of its own.
 *
 * A contender measures one round when it is asked to. Before each round Redis is empty, so it opens what it needs, warms
 * up, and times only the work itself; its process stays, so that its code is compiled when it counts.
 */
export interface Arena {
  readonly url: string;
  /** How long a rate is measured, in milliseconds. */
  readonly slotMs: number;
  readonly quick: boolean;
}

/** Samples by the name of their figure: one for a rate, several for latencies. */
export type Samples = Readonly<Record<string, readonly number[]>>;

export interface Contender {
  readonly name: string;
  /** Left out of quick runs: it takes minutes by its nature. */
  readonly slow?: true;
  measure(arena: Arena): Promise<Samples>;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

export interface Workload {
  readonly name: string;
  /** What is done, for readers of the report. */
  readonly title: string;
  /** The first is the one that is drawn. */
  readonly figures: readonly Figure[];
  /** The contender the others are divided by. */
  readonly baseline: string;
  readonly contenders: readonly Contender[];
  /** Left out of quick runs: another size of the same is in them. */
  readonly fullOnly?: true;
  /** Its contenders warm up by themselves: it has no round that does not count. */
  readonly warm?: false;
  /** Measured again with `appendfsync always`. */
  readonly durable: boolean;
}

export const rate: Figure = { name: 'rate', unit: 'per s', better: 'higher' };
export const sent: Figure = { name: 'sent', unit: 'B', better: 'lower' };
export const latency: Figure = { name: 'latency', unit: 'ms', better: 'lower' };
