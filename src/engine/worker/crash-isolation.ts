/**
 * Care for runs that may be what kills their workers.
 *
 * When a worker dies, all the runs that it held without progress are under suspicion, the poisonous one and its neighbours
 * alike. One death is an accident: its runs go on at once, side by side, or a take-over would last as long as all their
 * first steps together. From the second on a run is a suspect, and suspects take turns: nothing else on this worker is
 * without progress meanwhile. A turn is for a few after two losses, for fewer after three, and then for one alone. So each
 * death tells suspects apart, whatever kills a worker in the end has no other suspect beside it, and fifty innocent runs
 * of a worker that was killed twice do not wait for fifty first steps one after the other.
 *
 *   no suspect ───────────────────────────────────────────────▶ begins at once; during a turn, when it is over
 *   suspects ──turn──▶ wait for room: nothing is unproven ─▶ begin ──all have made progress, or ended──▶ turn over
 *
 * Those with the most losses go first. After each turn, a run that is no suspect may begin before the next one. A suspect
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

/** Losses without progress from which on a run is a suspect. */
const suspectAfter = 2;
/** Suspects that begin in one turn, by the losses beyond that; after more losses, one. */
const together: readonly number[] = [8, 2];

/** One that wants to be executed. */
interface Candidate {
  readonly losses: number;
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

  /** A run that is no suspect begins at once. */
  get isFree(): boolean {
    return !this.#isTurn;
  }

  /** Calls `execute` when the run may begin. `proven` resolves when it has made progress. */
  async run<T>(
    { losses }: Pick<WakeUp, 'losses'>,
    execute: () => Promise<T>,
    proven: Promise<unknown>,
  ): Promise<T> {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    try {
      await this.#admit(losses, Promise.race([proven, ended]));
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
  #admit(losses: number, proof: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const candidate: Candidate = {
        losses,
        harmless: proof.then(() => this.#unproven.delete(candidate)),
        begin: () => {
          this.#unproven.add(candidate);
          resolve();
        },
      };
      const isSuspect = losses >= suspectAfter;
      if (this.#closed.signal.aborted || (!isSuspect && !this.#isTurn)) return candidate.begin();
      if (!isSuspect) {
        this.#behindTurn.push(candidate);
        return;
      }
      this.#suspects.push(candidate);
      if (!this.#isTurn) detach(this.#takeTurns(), () => this.close());
    });
  }

  /** One group of suspects after the other. Never rejects. */
  async #takeTurns(): Promise<void> {
    this.#isTurn = true;
    while (this.#suspects.length > 0) {
      await this.#within(roomMs, [...this.#unproven]);
      const group = this.#takeGroup();
      for (const suspect of group) suspect.begin();
      await this.#within(turnMs, group);
      for (const candidate of this.#behindTurn.splice(0)) candidate.begin();
    }
    this.#isTurn = false;
  }

  /** The first of those with the most losses, as many as may begin together. */
  #takeGroup(): readonly Candidate[] {
    const most = Math.max(...this.#suspects.map(({ losses }) => losses));
    const size = together[most - suspectAfter] ?? 1;
    const group = this.#suspects.filter(({ losses }) => losses === most).slice(0, size);
    for (const suspect of group) this.#suspects.splice(this.#suspects.indexOf(suspect), 1);
    return group;
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
