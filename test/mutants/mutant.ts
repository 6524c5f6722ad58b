/** A bug to plant, and who must find it. */

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
