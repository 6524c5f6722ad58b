/** Who does something to a run, and why: kept in its log. */
export interface Request {
  readonly actor?: string;
  readonly reason?: string;
}
