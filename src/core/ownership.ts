/** The right to write to a run, as a claim gave it. */
export interface Ownership {
  readonly run: string;
  readonly fence: number;
  /** The token of the claim: tells two owners apart even where fences could repeat. */
  readonly owner: string;
}
