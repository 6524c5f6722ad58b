/**
 * What the pages of all roles share: one reader of the store, however many people of whatever role look. It holds data
 * alone. What a role may see and do is decided where a page is made of the data, so nothing that was made for one role is
 * kept here under a name that another one asks for.
 */
import type { QueueInfo } from '../core/queue.ts';
import type { Pawl } from '../pawl.ts';
import { Backlog } from './fleet/backlog.ts';
import { Examiner } from './fleet/doctor-page.ts';
import { LiveReads } from './fleet/live-reads.ts';
import { RecoveryReader } from './fleet/recoveries.ts';
import { Feeds } from './live-feed.ts';
import { Rates } from './queue-rates.ts';
import { type Redact, redacted } from './redaction.ts';
import { Shared } from './shared.ts';

/** A queue, with how many jobs are sent in a minute. */
export interface QueueRow extends QueueInfo {
  readonly perMinute: number | undefined;
}

export class Common {
  /** What acts on runs. */
  readonly pawl: Pawl;
  /** What is shown of them, after the redaction of the host. */
  readonly shown: Pawl;
  readonly reads = new LiveReads();
  /** Reads that many ask for at the same moment. */
  readonly shared = new Shared();
  readonly feeds: Feeds;
  readonly examiner: Examiner;
  readonly backlog: Backlog;
  readonly recoveries: RecoveryReader;
  readonly #rates = new Rates();

  constructor(pawl: Pawl, redact: Redact | undefined) {
    this.pawl = pawl;
    this.shown = redacted(pawl, redact);
    this.feeds = new Feeds(this.shown);
    this.examiner = new Examiner(pawl);
    this.backlog = new Backlog(this.shown);
    this.recoveries = new RecoveryReader(this.shown);
  }

  async queues(): Promise<readonly QueueRow[]> {
    const queues = await this.pawl.queues();
    const now = performance.now();
    return queues.map((queue) => ({ ...queue, perMinute: this.#rates.of(queue, now) }));
  }
}
