/** One thing that was looked at, and how it is. */
export interface Check {
  readonly name: string;
  /** `warn`: pawl works, with less than it promises. `fail`: runs may be lost, or do not go on. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly expected: string;
  /** What to do, where something is not as expected. */
  readonly fix?: string;
}
