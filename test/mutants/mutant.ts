/** A bug to plant, and what must find it. */

/** What must turn red: a file of unit tests, a file of tests on a Redis, or a history of the simulation. */
export type Judge =
  | { readonly unit: string }
  | { readonly redis: string }
  | { readonly simulation: { readonly seed: number; readonly calls: number } };

export interface Mutant {
  readonly name: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly passage: string;
  readonly by: string;
  /** Each of them finds it. */
  readonly foundBy: readonly Judge[];
}

/** Tests of the engine, below its folder. */
export const unit = (file: string): Judge => ({ unit: `test/unit/engine/${file}.test.ts` });
/** Tests of stores, on a Redis. */
export const suite: Judge = { redis: 'test/conformance/redis.test.ts' };
export const history = (seed: number, calls: number): Judge => ({ simulation: { seed, calls } });
