/**
 * Care for runs that may be what kills their workers.
 *
 * When a worker dies, all the runs that it held without progress are under suspicion, the poisonous one and its neighbours
 * alike. One death is an accident: its runs go on at once, side by side, or a take-over would last as long as all their
 * first steps together. From the second on a run is a suspect, and so that the next death tells suspects apart, each is
 * executed by itself: nothing else on this worker is without progress meanwhile. Whatever then kills the worker has no
 * other suspect beside it.
 *
 *   no suspect ───────────────────────────────────────────────▶ begins at once; during a turn, when it is over
 *   suspect ──its turn──▶ waits for room: nothing is unproven ─▶ begins ──progress, or its end──▶ turn over
 *
 * Those with the most deaths go first. After each turn, runs that are no suspects may begin before the next one. A suspect
 * waits for room, and its turn lasts, for a while and no longer: a long first step must not stop a worker for good. What
 * that costs is evidence. A run that was waiting here when its worker died is due, so nothing has to outlive the process.
 */
import { detach } from '../../core/detached.ts';
import type { Clock } from '../../core/clock.ts';
import type { WakeUp } from '../../core/queue.ts';
import { anySignal, newAbortController } from '../signals.ts';

/** How long a suspect waits for room at most, and how long its turn lasts at most from then on. */
const roomMs = 30_000;
const turnMs = 30_000;

/** Deaths without progress from which on a run is a suspect. */
const suspectAfter = 2;

/** One that wants to be executed. */
interface Candidate {
  readonly deaths: number;
  /** Resolves when it has made progress, or has ended. */
  readonly harmless: Promise<unknown>;
  begin(): void;
}

export class CrashIsolation {
  readonly #clock: Clock;
  /** Those that have begun and are not known to be harmless. */
  readonly #unproven = new Set<Candidate>();
  readonly #suspects: Candidate[] = [];
  /** Those that begin when the present turn is over. */
  readonly #behindTurn: Candidate[] = [];
  #isTurn = false;
  readonly #closed = newAbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `execute` when the run may begin. `proven` resolves when it has made progress. */
  async run<T>(
    { deaths }: Pick<WakeUp, 'deaths'>,
    execute: () => Promise<T>,
    proven: Promise<unknown>,
  ): Promise<T> {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    try {
      await this.#admit(deaths, Promise.race([proven, ended]));
      return await execute();
    } finally {
      end();
    }
  }

  /** Lets everybody begin: the worker takes no more runs, and a run that begins now finds that out. */
  close(): void {
    this.#closed.abort('closed');
    const waiting = [...this.#behindTurn.splice(0), ...this.#suspects.splice(0)];
    for (const candidate of waiting) candidate.begin();
  }

  /** Resolves when it may begin; from then on it counts as unproven until it is harmless. */
  #admit(deaths: number, proof: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const candidate: Candidate = {
        deaths,
        harmless: proof.then(() => this.#unproven.delete(candidate)),
        begin: () => {
          this.#unproven.add(candidate);
          resolve();
        },
      };
      const isSuspect = deaths >= suspectAfter;
      if (this.#closed.signal.aborted || (!isSuspect && !this.#isTurn)) return candidate.begin();
      if (!isSuspect) {
        this.#behindTurn.push(candidate);
        return;
      }
      this.#suspects.push(candidate);
      if (!this.#isTurn) detach(this.#takeTurns(), () => this.close());
    });
  }

  /** One suspect after the other. Never rejects. */
  async #takeTurns(): Promise<void> {
    this.#isTurn = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      await this.#within(roomMs, [...this.#unproven]);
      next.begin();
      await this.#within(turnMs, [next]);
      for (const candidate of this.#behindTurn.splice(0)) candidate.begin();
    }
    this.#isTurn = false;
  }

  /** The suspect with the most deaths. */
  #next(): Candidate | undefined {
    const most = Math.max(...this.#suspects.map(({ deaths }) => deaths));
    const place = this.#suspects.findIndex(({ deaths }) => deaths === most);
    return place < 0 ? undefined : this.#suspects.splice(place, 1)[0];
  }

  /** Waits until all of them are harmless, but no longer than `ms`. */
  async #within(ms: number, candidates: readonly Candidate[]): Promise<void> {
    if (candidates.length === 0) return;
    const harmless = newAbortController();
    const all = Promise.all(candidates.map((candidate) => candidate.harmless));
    detach(
      all.then(() => harmless.abort('harmless')),
      () => harmless.abort('unknown'),
    );
    await this.#clock.sleep(ms, anySignal([harmless.signal, this.#closed.signal]));
  }
}
