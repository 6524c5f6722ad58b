/**
 * The world outside of Redis, as bodies of steps change it and see it. No crash and no rewind takes back what happened
 * here, so it is the witness of what bodies have really done, and when.
 */
import type { World } from '../world.ts';

/** Whoever calls a body. */
interface Owner {
  readonly run: string;
  readonly fence: number;
}

/** A worker that was frozen or cut off looks before it begins a body, so none begins later than this after a loss. */
const staleMsMax = 3_000;

export class Outside {
  readonly #world: World;
  readonly #violate: (what: string) => void;
  /** For how many milliseconds an owner has not had its run any more; 0 while it has it. */
  readonly #lostForMs: (owner: Owner) => number;
  readonly #happened = new Map<string, number>();
  readonly #denied = new Map<string, number>();
  /** When an attempt first failed, by run and attempt. */
  readonly #failedAt = new Map<string, number>();

  constructor(world: World, violate: (what: string) => void, lostForMs: (owner: Owner) => number) {
    this.#world = world;
    this.#violate = violate;
    this.#lostForMs = lostForMs;
  }

  /** An effect takes effect. */
  happen(run: string, effect: string): void {
    const key = `${run} ${effect}`;
    this.#happened.set(key, this.happened(run, effect) + 1);
  }

  happened(run: string, effect: string): number {
    return this.#happened.get(`${run} ${effect}`) ?? 0;
  }

  /** A probe looks whether it has. */
  probe(run: string, effect: string): boolean {
    const has = this.happened(run, effect) > 0;
    const key = `${run} ${effect}`;
    if (!has) this.#denied.set(key, this.denied(run, effect) + 1);
    return has;
  }

  /** How often a probe found that it has not. */
  denied(run: string, effect: string): number {
    return this.#denied.get(`${run} ${effect}`) ?? 0;
  }

  /** The body of a plain step begins. */
  bodyBegins(owner: Owner, step: string): void {
    const ms = this.#lostForMs(owner);
    if (ms <= staleMsMax) return;
    this.#violate(`step ${step} of run ${owner.run} began ${ms} ms after its worker had lost that`);
  }

  attemptFails(run: string, attempt: number): void {
    const key = `${run} ${attempt}`;
    if (!this.#failedAt.has(key)) this.#failedAt.set(key, this.#world.ms);
  }

  /** A later attempt begins, which must be `pauseMs` after the one before at least. */
  attemptBegins(run: string, attempt: number, pauseMs: number): void {
    if (attempt === 1) return;
    const failedAt = this.#failedAt.get(`${run} ${attempt - 1}`);
    if (failedAt === undefined) {
      this.#violate(`attempt ${attempt} of run ${run} followed none that had failed`);
      return;
    }
    const ms = Math.round(this.#world.ms - failedAt);
    if (ms < pauseMs) {
      this.#violate(`attempt ${attempt} of run ${run} began after ${ms} ms instead of ${pauseMs}`);
    }
  }
}
