/** Turns in memory. Each method does its work in one go, which makes it atomic. */
import {
  type AdmitOutcome,
  type DueTurns,
  type EnterOutcome,
  type EnterParams,
  type Keyed,
  type LeaveOutcome,
  type LimitsOfCode,
  type Turn,
  type Turns,
} from '../core/turns.ts';
import { isWithoutTurn, type StoredRun, toDueRun } from './stored-run.ts';
import { Turnstile } from './turnstile.ts';

export class MemoryTurns implements Turns {
  readonly #runs: ReadonlyMap<string, StoredRun>;
  readonly #now: () => number;
  readonly #turnstiles = new Map<string, Turnstile>();

  /** `now` tells the time, and throws when the store is closed. */
  constructor(runs: ReadonlyMap<string, StoredRun>, now: () => number) {
    this.#runs = runs;
    this.#now = now;
  }

  async enter(params: EnterParams): Promise<EnterOutcome> {
    const now = this.#now();
    const turnstile = this.#of(params.workflow);
    if (params.limits !== undefined) turnstile.setLimits(params.limits);
    return turnstile.enter(params, now);
  }

  async admit({ run: id, birth, turn }: Turn, resendMs: number): Promise<AdmitOutcome> {
    const now = this.#now();
    const run = this.#runs.get(id);
    if (run?.birth !== birth || run.key === undefined) return { outcome: 'useless' };
    if (run.turn === undefined) {
      if (turn <= run.lastTurn) return { outcome: 'useless' };
      run.lastTurn = turn;
      if (run.paused || !isWithoutTurn(run, now)) return { outcome: 'useless' };
      run.turn = turn;
      run.dueAt = now + resendMs;
    } else if (turn > run.turn) {
      run.turn = turn;
      run.lastTurn = turn;
    } else if (turn !== run.turn) {
      return { outcome: 'useless' };
    }
    if (run.status === 'running') return { outcome: 'kept' };
    return { outcome: 'admitted', wakeUp: toDueRun(run, now) };
  }

  async leave(keyed: Keyed, turn?: number): Promise<LeaveOutcome> {
    const now = this.#now();
    return this.#of(keyed.workflow).leave(keyed, turn, now);
  }

  async due(limit: number, all = false): Promise<DueTurns> {
    const now = this.#now();
    const granted: Turn[] = [];
    const doubtful: Turn[] = [];
    for (const turnstile of this.#turnstiles.values()) {
      if (!all && turnstile.lookAt > now) continue;
      doubtful.push(...turnstile.takeDoubtful(limit, all, now));
      granted.push(...turnstile.pump(now));
    }
    return { granted, doubtful };
  }

  async hold(turns: readonly Turn[]): Promise<void> {
    const now = this.#now();
    for (const turn of turns) this.#of(turn.workflow).hold(turn, now);
  }

  async limit(limits: Readonly<Record<string, LimitsOfCode>>): Promise<void> {
    const now = this.#now();
    for (const [workflow, one] of Object.entries(limits)) {
      this.#of(workflow).setLimits(one, now);
    }
  }

  /** For tests: the next time after `now` at which a turnstile wants to be looked at. */
  nextAt(now: number): number | undefined {
    const times = [...this.#turnstiles.values()].map(({ lookAt }) => lookAt);
    const next = Math.min(...times.filter((time) => time > now));
    return Number.isFinite(next) ? next : undefined;
  }

  #of(workflow: string): Turnstile {
    const known = this.#turnstiles.get(workflow);
    if (known !== undefined) return known;
    const turnstile = new Turnstile(workflow);
    this.#turnstiles.set(workflow, turnstile);
    return turnstile;
  }
}
