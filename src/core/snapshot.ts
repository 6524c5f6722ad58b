/** The stored state of a run at a seq. */
export interface Snapshot {
  /** How often this run's snapshot was saved. */
  readonly version: number;
  /** The events folded into it: all up to this one. */
  readonly seq: number;
  /** The version of the state's schema it was written with. */
  readonly schema: number;
  readonly at: number;
  /** Encoded fields: `state:<key>` for the state, `step:<name>` for kept step results. */
  readonly fields: ReadonlyMap<string, Uint8Array>;
}
