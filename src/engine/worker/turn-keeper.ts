/**
 * The sweeper cares for turns: see `core/turns.ts`. Runs that are due and have no turn ask for one. Turns that only time
 * allows are granted. Turns that were granted a while ago are looked at: one whose run is over, gone or asleep is given
 * back.
 * After the loss of a worker all of them are looked at, so what the dead worker had not given back is free within moments.
 *
 * Nothing is remembered here but when to look: a sweeper may die between any two calls, and two at once do no harm.
 */
import type { WakeUp } from '../../core/queue.ts';
import { askForTurn, settleTurns, type TurnParts, type Waiting } from '../runs/turns.ts';
import type { ServicesWith } from './services.ts';

type Services = Pick<
  ServicesWith<'store' | 'clock' | 'logger', never>,
  'store' | 'clock' | 'logger'
>;

/** A turn that time alone allows is granted by so much later at most. */
const lookEveryMs = 100;
const turnsPerLook = 200;

export class TurnKeeper {
  readonly #services: Services;
  readonly #parts: TurnParts;
  #lookAt = 0;
  #isAllInDoubt = false;

  /** `send` sends the wake-up of a run that has its turn. */
  constructor(services: Services, send: (wakeUp: WakeUp) => Promise<void>) {
    const { store, logger } = services;
    this.#services = services;
    this.#parts = { store, logger, wake: send };
  }

  /** A worker was lost: with the next look, every turn is looked at. */
  doubtAll(): void {
    this.#isAllInDoubt = true;
    this.#lookAt = 0;
  }

  /** A run that is due asks for its turn, and is woken when it gets it. */
  async ask(run: Waiting & WakeUp): Promise<void> {
    if (await askForTurn(this.#parts, run)) await this.#parts.wake(run, true);
  }

  async look(): Promise<void> {
    const { store, clock } = this.#services;
    const now = clock.monotonic();
    if (now < this.#lookAt) return;
    this.#lookAt = now + lookEveryMs;
    const { granted, doubtful } = await store.turns.due(turnsPerLook, this.#isAllInDoubt);
    this.#isAllInDoubt = false;
    await settleTurns(this.#parts, [...granted, ...doubtful]);
  }
}
