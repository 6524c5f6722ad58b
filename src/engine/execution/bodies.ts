/**
 * The bodies at work: functions of the workflow's author that pawl has called and that have not returned.
 *
 * A body is over when its attempt is: it has returned, thrown or run out of time. A body inside of one that is over is
 * over as well. What a body that is over still does is not stored.
 */
import { newAbortController } from '../signals.ts';

export class Body {
  readonly name: string;
  /** Which attempt of its step it is, from 1. */
  readonly attempt: number;
  /** When it began, on the store's clock. */
  readonly since: number;
  /** The body that asked for this one. */
  readonly within: Body | undefined;
  /** Bodies inside of it, to be waited for. Few bodies have any. */
  readonly inside: Promise<unknown>[] = [];
  /** It may wait as a handler may, and be called again instead of being kept. */
  readonly mayWait: boolean;
  /** Its time is running, which a parked run could not end. */
  readonly isTimed: boolean;
  isOver = false;
  #over: AbortController | undefined;

  constructor(options: {
    readonly name: string;
    readonly attempt: number;
    readonly since: number;
    readonly within: Body | undefined;
    readonly mayWait: boolean;
    readonly isTimed: boolean;
  }) {
    this.name = options.name;
    this.attempt = options.attempt;
    this.since = options.since;
    this.within = options.within;
    this.mayWait = options.mayWait;
    this.isTimed = options.isTimed;
  }

  /** Aborts when its time is over. Made when it is asked for: few bodies look at it. */
  get over(): AbortController {
    this.#over ??= newAbortController();
    return this.#over;
  }
}

export class Bodies {
  readonly #open = new Set<Body>();
  readonly #onEnd: () => void;
  #waiting: (() => void)[] = [];

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Those at work whose end still counts. */
  get atWork(): readonly Body[] {
    return [...this.#open].filter((body) => !this.isOver(body));
  }

  begin(body: Body): void {
    this.#open.add(body);
  }

  end(body: Body): void {
    body.isOver = true;
    this.#open.delete(body);
    if (this.#waiting.length > 0) for (const tell of this.#waiting.splice(0)) tell();
    this.#onEnd();
  }

  /** Resolves when the next body ends. */
  oneEnds(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  isOver(body: Body | undefined): boolean {
    for (let at = body; at !== undefined; at = at.within) if (at.isOver) return true;
    return false;
  }

  /** Resolves when nothing inside of a body is at work any more. */
  async insideOf({ inside }: Body): Promise<void> {
    while (inside.length > 0) await Promise.allSettled(inside.splice(0));
  }

  /** True while one does anything but wait: a run that is parked could not go on with it. */
  isBusy(isWaitingIn: (step: string) => boolean): boolean {
    return [...this.#open].some((body) => {
      if (this.isOver(body)) return false;
      return !body.mayWait || body.isTimed || !isWaitingIn(body.name);
    });
  }
}
