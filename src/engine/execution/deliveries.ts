/**
 * The order in which a handler learns what it asked for.
 *
 * Results are handed over one at a time, in the order of the log. Between two of them the handler does whatever follows
 * from the first. So a race, `any`, `allSettled` and two loops of a map come out the same on each execution: on a resume
 * the known results come in the order in which they were stored, and new ones come after them.
 *
 *   asked ──its turn──▶ handed over ──drained──▶ the next one ── none left ──▶ quiet: waits are judged, the run may park
 *              │
 *              └─ an earlier known result was not asked for yet ──▶ a moment of patience, then it is passed over
 *
 * The patience is for handlers that do something plain (a file, a query) before they ask. A result that no handler asks
 * for, because the code or the state has moved on, costs the patience once. One that was passed over may be asked for all
 * the same, after something that ended otherwise than before: from then on the order counts again. While it is looked up
 * whether the run is still this worker's, a request of the handler is held up: nothing is judged, and no patience runs out.
 *
 * The handler has *caught up* when no known result is left and it has done what follows from the last one. What it says of
 * itself is as new as the log then. One that does not ask for what is left has caught up when it stands at something new, a
 * wait or a body, for longer than the patience. Nobody waits for that but who asks: see `whenCaughtUp`.
 *
 * Nothing here is stored, so a crash leaves nothing.
 */

import type { Clock } from '../../core/clock.ts';

/** Longer than a local file or a query takes; nobody notices it. */
const patienceMs = 50;

interface Turn {
  readonly seq: number;
  readonly come: () => void;
}

export interface DeliveriesOptions {
  /** The seqs of all results that were known when the execution began. */
  readonly known: () => readonly number[];
  readonly clock: Pick<Clock, 'afterTurn' | 'soon'>;
  /** Called when everything was handed over and the handler has done what followed from it. */
  readonly onQuiet: () => void;
  /** Called before a result is handed to the handler. */
  readonly onGiven: (seq: number) => void;
  /** True when the handler stands at a wait, or a body of it is at work. */
  readonly isAtWork: () => boolean;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Lowest seq first. */
  readonly #turns: Turn[] = [];
  /** Known results that were not handed over yet begin here, in ascending order. */
  #known: readonly number[] | undefined;
  #next = 0;
  readonly #given = new Set<number>();
  /** Known results that were passed over and not handed over since. */
  readonly #passed = new Set<number>();
  /** Requests of the handler that have no answer yet. */
  #open = 0;
  /** Requests that are held up before they ask. */
  #heldUp = 0;
  #isScheduled = false;
  /** Something was handed over, and the handler may not have done yet what follows from it. */
  #needsRoom = false;
  #stopPatience: (() => void) | undefined;
  #isCaughtUp = false;
  /** Who wants to know when the handler has caught up. */
  #wanting: (() => void)[] = [];
  #stopLooking: (() => void) | undefined;
  /** Results that were handed over; and how many of them were known before. */
  #handed = 0;
  #handedKnown = 0;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** True when nothing is left to hand over and the handler has had its time. */
  get isQuiet(): boolean {
    return this.#turns.length === 0 && !this.#isScheduled;
  }

  /** The handler has asked for something. */
  asked(): void {
    this.#open += 1;
  }

  /** It does not want it any more, or has its answer without a turn. */
  answered(): void {
    this.#open -= 1;
  }

  /** A request that may ask only after `sure`; who makes it knows nothing of that. */
  async holdUp(sure: Promise<void>): Promise<void> {
    this.#heldUp += 1;
    try {
      await sure;
    } finally {
      this.#heldUp -= 1;
      this.schedule();
    }
  }

  /** Undefined when it is the turn of this result; else resolves when it is. */
  turn(seq: number): Promise<void> | undefined {
    this.#open -= 1;
    if (this.#passed.has(seq)) this.#goBack();
    // Several new ones may have become durable at the same time, and the way of a later one to here may be the shorter one.
    const isSureToBeNext = this.#open === 0 || this.#isKnown(seq);
    const isFree = !this.#needsRoom && this.#turns.length === 0;
    if (isFree && isSureToBeNext && this.#isNext(seq)) {
      // A new result that nobody else waits beside needs no room of its own. Behind a known one the next may be asked for
      // in the same turn.
      if (this.#hand(seq)) this.#giveRoom();
      return undefined;
    }
    return new Promise((come) => {
      const at = this.#turns.findLastIndex((turn) => turn.seq <= seq) + 1;
      this.#turns.splice(at, 0, { seq, come });
      this.schedule();
    });
  }

  /** Looks again when the handler has done what it can do now. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.clock.afterTurn(() => {
      this.#isScheduled = false;
      this.#needsRoom = false;
      this.#pump();
    });
  }

  /** The handler does what follows from a result before it learns the next one. */
  #giveRoom(): void {
    this.#needsRoom = true;
    this.schedule();
  }

  /** No known result is left for the handler, and it has done what follows from the last one. It stays so. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** Calls back when the handler has caught up: now, if it has; never, if it is left before. */
  whenCaughtUp(then: () => void): void {
    if (this.#isCaughtUp) {
      then();
      return;
    }
    this.#wanting.push(then);
    this.#lookLater();
  }

  /** The handler is left where it stands. */
  close(): void {
    this.#stopPatience?.();
    this.#stopLooking?.();
    this.#turns.length = 0;
    this.#wanting = [];
  }

  /** A handler that stands at something new does not ask for what is left. */
  #lookLater(): void {
    const { clock, isAtWork } = this.#options;
    const handed = this.#handed;
    this.#stopLooking ??= clock.soon(patienceMs, () => {
      this.#stopLooking = undefined;
      if (this.#isCaughtUp) return;
      const stands = this.#heldUp === 0 && this.isQuiet && handed === this.#handed && isAtWork();
      if (stands) this.#catchUp();
      else this.#lookLater();
    });
  }

  #catchUp(): void {
    this.#isCaughtUp = true;
    for (const then of this.#wanting.splice(0)) then();
  }

  #pump(): void {
    if (this.#heldUp > 0) return;
    if (!this.#isCaughtUp && this.#handedKnown >= this.#sorted().length) this.#catchUp();
    const [first] = this.#turns;
    if (first === undefined) {
      this.#options.onQuiet();
      return;
    }
    if (!this.#isNext(first.seq)) {
      this.#stopPatience ??= this.#options.clock.soon(patienceMs, () => {
        this.#stopPatience = undefined;
        if (this.#heldUp === 0) this.#passOver();
        this.schedule();
      });
      return;
    }
    this.#stopPatience?.();
    this.#stopPatience = undefined;
    this.#turns.shift();
    this.#hand(first.seq);
    first.come();
    this.#giveRoom();
  }

  /** Nobody has asked for the results before the first one that somebody has. */
  #passOver(): void {
    const [first] = this.#turns;
    const known = this.#sorted();
    if (first === undefined) return;
    for (let at = known[this.#next]; at !== undefined && at < first.seq; at = known[this.#next]) {
      if (!this.#given.delete(at)) this.#passed.add(at);
      this.#next += 1;
    }
  }

  /** The handler does come by what was passed over, so it may come by what lies before and behind that. */
  #goBack(): void {
    const known = this.#sorted();
    while (this.#passed.size > 0) {
      this.#next -= 1;
      const at = known[this.#next] as number;
      if (!this.#passed.delete(at)) this.#given.add(at);
    }
  }

  #isNext(seq: number): boolean {
    return (this.#sorted()[this.#next] ?? Infinity) >= seq;
  }

  #isKnown(seq: number): boolean {
    return seq <= (this.#sorted().at(-1) ?? 0);
  }

  /** True when it was known before. */
  #hand(seq: number): boolean {
    const known = this.#sorted();
    this.#handed += 1;
    if (this.#isKnown(seq)) {
      this.#handedKnown += 1;
      this.schedule();
    }
    this.#options.onGiven(seq);
    if (this.#next >= known.length) return false;
    this.#given.add(seq);
    for (
      let at = known[this.#next];
      at !== undefined && this.#given.has(at);
      at = known[this.#next]
    ) {
      this.#given.delete(at);
      this.#next += 1;
    }
    return this.#isKnown(seq);
  }

  #sorted(): readonly number[] {
    this.#known ??= this.#options.known().toSorted((a, b) => a - b);
    return this.#known;
  }
}
