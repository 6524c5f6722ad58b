/** Sees everything that one run of a crash test does, and says what of it must not have happened. */
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
  readonly #acknowledged: StoredEvent[] = [];
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
    const { fence, expectedSeq, events } = params;
    for (const [i, event] of events.entries()) {
      this.#acknowledged.push({ ...event, seq: expectedSeq + 1 + i, fence, at: 0 });
      if (event.type !== 'step.completed') continue;
      const { name } = decode(event.data, { key: 'crash test' }) as StepCompletedData;
      this.#stored.add(name);
    }
  }

  onBody(step: string): () => unknown {
    if (this.#stored.has(step)) {
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

  /** Compares the log with what was acknowledged, and with the rules of logs. */
  judgeLog(log: readonly StoredEvent[]): void {
    for (const { seq, type, fence, data } of this.#acknowledged) {
      const found = log[seq - 1];
      const isThere =
        found?.type === type && found.fence === fence && Buffer.compare(found.data, data) === 0;
      if (isThere) continue;
      const instead = found === undefined ? 'nothing' : found.type;
      this.violations.push(`event ${seq} ${type} was acknowledged, and ${instead} is in its place`);
    }
    let fenceBefore = -1;
    for (const [i, { seq, type, fence }] of log.entries()) {
      if (seq !== i + 1) this.violations.push(`seq ${seq} stands at place ${i + 1}`);
      const isOwners = raising.includes(type) ? fence >= fenceBefore : fence === fenceBefore;
      if (!isOwners && i > 0) {
        this.violations.push(`event ${seq} ${type} has fence ${fence} after ${fenceBefore}`);
      }
      fenceBefore = fence;
    }
  }
}
