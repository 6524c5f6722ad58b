/** Sees everything that the runs of one performance do, and says what of it must not have happened. */
import { addressIn } from '../../core/blobs.ts';
import { decode } from '../../core/codec.ts';
import type { StepCompletedData, StoredEvent } from '../../core/event.ts';
import type { CommitOutcome, CommitParams } from '../../core/store.ts';

/** Types of events under which the store raises a run's fence. */
const raising: readonly string[] = [
  'run.claimed',
  'run.interrupted',
  'run.cancelled',
  'operator.paused',
  'operator.resumed',
  'operator.retried',
];

export class Witness {
  readonly violations: string[] = [];
  /** By run, and the steps whose result is stored by run and name. */
  readonly #acknowledged = new Map<string, StoredEvent[]>();
  readonly #stored = new Set<string>();
  #commits = 0;
  readonly #openBodies = new Set<symbol>();

  /** Commits that are stored. */
  get commits(): number {
    return this.#commits;
  }

  /** Bodies at work. */
  get openBodies(): number {
    return this.#openBodies.size;
  }

  onCommit(params: CommitParams, { outcome }: CommitOutcome): void {
    if (outcome !== 'committed') return;
    this.#commits += 1;
    const { run, fence, expectedSeq, events } = params;
    const acknowledged = this.#acknowledged.get(run) ?? [];
    this.#acknowledged.set(run, acknowledged);
    for (const [i, event] of events.entries()) {
      acknowledged.push({ ...event, seq: expectedSeq + 1 + i, fence, at: 0 });
      // Of one whose result is a blob the name is in the blob, too.
      if (event.type !== 'step.completed' || addressIn(event.data) !== undefined) continue;
      const { name } = decode(event.data, { key: 'crash test' }) as StepCompletedData;
      this.#stored.add(`${run}\n${name}`);
    }
  }

  onBody(run: string, step: string): () => unknown {
    if (this.#stored.has(`${run}\n${step}`)) {
      this.violations.push(`the body of step "${step}" ran again, after its result was stored`);
    }
    const body = Symbol(step);
    this.#openBodies.add(body);
    return () => this.#openBodies.delete(body);
  }

  /** The bodies of a dead process never end. */
  forgetBodies(): void {
    this.#openBodies.clear();
  }

  /** Compares the log of a run with what was acknowledged, and with the rules of logs. `about` says of which run. */
  judgeLog(run: string, log: readonly StoredEvent[], about: string): void {
    for (const { seq, type, fence, data } of this.#acknowledged.get(run) ?? []) {
      const found = log[seq - 1];
      const isThere =
        found?.type === type && found.fence === fence && Buffer.compare(found.data, data) === 0;
      if (isThere) continue;
      const instead = found === undefined ? 'nothing' : found.type;
      const what = `event ${seq} ${type} was acknowledged, and ${instead} is in its place`;
      this.violations.push(`${about}${what}`);
    }
    let fenceBefore = -1;
    for (const [i, { seq, type, fence }] of log.entries()) {
      if (seq !== i + 1) this.violations.push(`${about}seq ${seq} stands at place ${i + 1}`);
      const isOwners = raising.includes(type) ? fence >= fenceBefore : fence === fenceBefore;
      if (!isOwners && i > 0) {
        const what = `event ${seq} ${type} has fence ${fence} after ${fenceBefore}`;
        this.violations.push(`${about}${what}`);
      }
      fenceBefore = fence;
    }
  }
}
