/**
 * Turns on Redis. The turnstiles lie in one slot, that of the workers: keys take turns whatever shards their runs are in,
 * and the sweeper asks once for all of them. The turn itself is in the run's hash: see `core/turns.ts`.
 */
import type {
  AdmitOutcome,
  DueTurns,
  EnterOutcome,
  EnterParams,
  Keyed,
  LeaveOutcome,
  LimitsOfCode,
  Turn,
  Turns,
} from '../core/turns.ts';
import type { Keys } from './keys.ts';
import type { RedisParts } from './parts.ts';
import { admit } from './scripts/admit.ts';
import { turnsDue } from './scripts/turns-due.ts';
import { turnsEnter } from './scripts/turns-enter.ts';
import { turnsHold } from './scripts/turns-hold.ts';
import { turnsLeave } from './scripts/turns-leave.ts';
import { turnsLimit } from './scripts/turns-limit.ts';
import type { StoreScript } from './store-script.ts';

/** Turns that one call counts. */
const heldPerCall = 500;

export class RedisTurns implements Turns {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  async enter(params: EnterParams): Promise<EnterOutcome> {
    return this.#call(turnsEnter, params);
  }

  async admit(turn: Turn, resendMs: number): Promise<AdmitOutcome> {
    const { scripts, guard, keys } = this.#parts;
    return guard(() => scripts.call(admit, keys.of(turn.run), { turn, resendMs }));
  }

  async leave(keyed: Keyed, turn?: number): Promise<LeaveOutcome> {
    return this.#call(turnsLeave, { keyed, turn });
  }

  async due(limit: number, all = false): Promise<DueTurns> {
    return this.#call(turnsDue, { limit, all });
  }

  async hold(turns: readonly Turn[]): Promise<void> {
    for (let from = 0; from < turns.length; from += heldPerCall) {
      await this.#call(turnsHold, turns.slice(from, from + heldPerCall));
    }
  }

  async limit(limits: Readonly<Record<string, LimitsOfCode>>): Promise<void> {
    if (Object.keys(limits).length > 0) await this.#call(turnsLimit, limits);
  }

  #call<Params, Outcome>(
    script: StoreScript<Keys, Params, Outcome>,
    params: Params,
  ): Promise<Outcome> {
    const { scripts, guard, keys } = this.#parts;
    return guard(() => scripts.call(script, keys, params));
  }
}
