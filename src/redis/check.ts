/** One thing that was looked at, and how it is. */
export interface Check {
  /** What was looked at, such as `maxmemory-policy`. */
  readonly name: string;
  /** `warn`: pawl works, with less than it promises. `fail`: runs may be lost, or do not go on. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What is there, as a text. */
  readonly found: string;
  /** What should be there, as a text. */
  readonly expected: string;
  /** What to do, where something is not as expected. */
  readonly fix?: string;
}
