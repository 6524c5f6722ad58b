/** What the doctor has found, for people and for programs. */

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

/** A run whose record and indexes do not agree. */
export interface Damage {
  /** The id of the run, as its keys spell it. */
  readonly run: string;
  /** What is wrong, as `missing from due`, `wrongly in by-tag:a=b`, `3 keys without a record`. */
  readonly problems: readonly string[];
  /** True when this check has put it right. */
  readonly repaired: boolean;
}

/** What one kind of key takes. */
export interface KindSize {
  /** How many keys of this kind there are. */
  readonly keys: number;
  /** About: from a sample; undefined where Redis does not tell this user. */
  readonly bytes: number | undefined;
}

/** What `doctor` and `pawl doctor` have found. */
export interface DoctorReport {
  /** No check failed; some may warn. */
  readonly ok: boolean;
  /** Each thing that was looked at, with what to do where it is not well. */
  readonly checks: readonly Check[];
  /** Runs whose indexes or keys do not agree with their records. Empty when all is well. */
  readonly damage: readonly Damage[];
  /** With `full`: keys and about how many bytes, by kind. */
  readonly kinds?: Readonly<Record<string, KindSize>>;
}
