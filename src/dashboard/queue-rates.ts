/** How fast jobs are sent, by looks at how many ever were. */
import type { QueueInfo } from '../core/queue.ts';

const rateMs = 60_000;
/** Two looks that are closer than this tell no rate. */
const apartMs = 2_000;

/** How many jobs are sent in a minute, by two looks at how many ever were. */
export class Rates {
  readonly #looks = new Map<string, { readonly sent: number; readonly at: number }[]>();

  /** Jobs in a minute, canaries among them; undefined before the second look. */
  of({ workflow, sent }: QueueInfo, now: number): number | undefined {
    const looks = (this.#looks.get(workflow) ?? []).filter(({ at }) => now - at <= rateMs);
    const [first] = looks;
    this.#looks.set(workflow, [...looks, { sent, at: now }].slice(-50));
    if (first === undefined || now - first.at < apartMs || sent < first.sent) return undefined;
    return ((sent - first.sent) / (now - first.at)) * rateMs;
  }
}
