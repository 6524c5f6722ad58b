/**
 * The time calls may take, watched with one timer for all of them: a timer for each would cost a tenth of the call.
 *
 * All calls of a connection may take equally long, so they stand here in the order in which their time ends. Nearly all are
 * answered in that order too, and leave at the front. A map would do the same, but V8 makes a new table for each entry that
 * leaves a small one, and the old tables, each tied to the next, outlive many collections. A call whose time is over is
 * rejected; its answer may still come, and then nobody listens.
 */

interface Call {
  reject(error: Error): void;
}

/** The place of a call. */
export interface Deadline {
  readonly call: Call;
  readonly endsAt: number;
  isOver: boolean;
}

/** So many places that are over are kept in front of the others at most. */
const spareMax = 1024;

export class Deadlines {
  #all: Deadline[] = [];
  /** The first that may not be over. */
  #first = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Rejects the call after so many milliseconds, unless its deadline is met before. */
  add(call: Call, ms: number): Deadline {
    const deadline: Deadline = { call, endsAt: performance.now() + ms, isOver: false };
    this.#all.push(deadline);
    if (this.#timer === undefined) this.#expireIn(ms);
    return deadline;
  }

  /** The call has been answered. */
  meet(deadline: Deadline): void {
    deadline.isOver = true;
    this.#advance();
  }

  #advance(): void {
    const all = this.#all;
    while (this.#first < all.length && all[this.#first]?.isOver === true) this.#first += 1;
    if (this.#first === all.length) all.length = 0;
    else if (this.#first <= spareMax) return;
    else all.splice(0, this.#first);
    this.#first = 0;
  }

  #expireIn(ms: number): void {
    // A socket keeps the process alive while an answer is owed; this need not.
    this.#timer = setTimeout(() => this.#expire(), Math.ceil(ms)).unref();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = performance.now();
    const late: Deadline[] = [];
    for (const deadline of this.#all.slice(this.#first)) {
      if (deadline.isOver) continue;
      if (deadline.endsAt > now) {
        this.#expireIn(deadline.endsAt - now);
        break;
      }
      deadline.isOver = true;
      late.push(deadline);
    }
    this.#advance();
    for (const { call } of late) call.reject(new Error('Command timed out'));
  }
}
