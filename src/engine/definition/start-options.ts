/** How a run is started. */
import type { Duration } from '../../core/duration.ts';

/** How a run is named, found, delayed and ordered among others. */
export interface StartOptions {
  /** Default: a random one. The same id with the same input is the same run. */
  readonly id?: string;
  /** Names and values to find the run by, at most 16. Default: none. */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * Whose run it is, such as the name of a tenant: 1–128 of `A–Z a–z 0–9 _ . ~ @ : / + -`. Runs of one key take turns as
   * the workflow says. Default: none, and the run waits for nobody.
   */
  readonly key?: string;
  /** The run begins after this time. */
  readonly delay?: Duration;
  /** The run fails with `PAWL_DEADLINE` when it has not ended after this time; its handler may clean up. */
  readonly deadline?: Duration;
  /** 0 (the default) goes before all others, then 1, 2 … up to 1,000,000. */
  readonly priority?: number;
}
