/**
 * The way between one process and the server, with what can happen on it: requests and answers take their time and stay in
 * order, get lost, or the connection is cut and ioredis sends again what had no answer, as it does (and so a request may
 * be carried out twice). Requests that got to the server are carried out whether or not their process still lives.
 */
import type { Line, Request, SimulatedClient } from './redis/simulated-client.ts';
import type { SimReply } from './redis/values.ts';
import type { Life, World } from './world.ts';

/** Chances per request, and for each message from the server. */
export interface Faults {
  readonly requestLost: number;
  readonly replyLost: number;
  readonly cut: number;
  readonly hintLost: number;
}

export type FaultKind = keyof Faults | 'freeze' | 'crash' | 'rewind' | 'wakeUpLost';

/** The server as a line sees it. */
export interface Host {
  readonly world: World;
  readonly faults: () => Faults;
  readonly count: (fault: FaultKind) => void;
  /** Carries a request out. */
  readonly perform: (request: Request, life: Life) => SimReply;
  /** An answer has reached the one who asked. */
  readonly answered: (request: Request, reply: SimReply) => void;
}

interface Pending {
  readonly request: Request;
  readonly resolve: (reply: SimReply) => void;
  readonly reject: (error: Error) => void;
  /** Carried out, and the answer is on its way. */
  isDone: boolean;
  /** How often it was sent; what belongs to an earlier time is void. */
  attempt: number;
}

/** What pawl gives a call until its outcome counts as unknown; shorter than by default, because time is dear. */
const callMs = 1000;

export class FaultyLine implements Line {
  readonly #host: Host;
  readonly #life: Life;
  readonly #clients = new Set<SimulatedClient>();
  readonly #pending = new Set<Pending>();
  /** True while a process starts: all at once, and nothing goes wrong. */
  isDirect = true;
  #cutUntil = 0;
  #arrival = 0;
  #return = 0;

  constructor(host: Host, life: Life) {
    this.#host = host;
    this.#life = life;
  }

  attach(client: SimulatedClient): void {
    this.#clients.add(client);
  }

  send(request: Request): Promise<SimReply> {
    if (this.isDirect) {
      return new Promise((resolve) => resolve(this.#host.perform(request, this.#life)));
    }
    return new Promise((resolve, reject) => {
      const pending = { request, resolve, reject, isDone: false, attempt: 0 };
      this.#pending.add(pending);
      const { world, faults, count } = this.#host;
      if (world.chance(faults().cut)) {
        count('cut');
        this.cut(world.between(1, world.chance(0.1) ? 2000 : 60));
      } else {
        this.#dispatch(pending);
      }
    });
  }

  hear(event: () => void): void {
    const { world, faults, count } = this.#host;
    if (world.chance(faults().hintLost)) count('hintLost');
    else world.after(world.random(), event, this.#life);
  }

  /** Cuts the connection for a while: what was on its way arrives or not, and all without an answer is sent again. */
  cut(ms: number, serverIsGone = false): void {
    const { world } = this.#host;
    this.#cutUntil = Math.max(this.#cutUntil, world.micros + ms * 1000);
    for (const pending of this.#pending) {
      if (!pending.isDone && !serverIsGone && world.chance(0.5)) this.#carryOut(pending);
      pending.attempt += 1;
      pending.isDone = false;
    }
    for (const client of this.#clients) client.lostConnection();
    const end = this.#cutUntil;
    world.after(
      ms,
      () => {
        if (this.#cutUntil === end && this.#life.alive) this.#reconnect();
      },
      this.#life,
    );
  }

  /** The process is gone: what is on its way may arrive, and nobody hears of it. */
  end(): void {
    for (const pending of this.#pending) {
      if (!pending.isDone && this.#host.world.chance(0.5)) this.#carryOut(pending);
      pending.attempt += 1;
    }
    this.#pending.clear();
    for (const client of this.#clients) client.lostConnection();
  }

  #reconnect(): void {
    for (const client of this.#clients) client.reconnected();
    for (const pending of this.#pending) this.#dispatch(pending);
  }

  #dispatch(pending: Pending): void {
    const { world, faults, count } = this.#host;
    if (this.#cutUntil > world.micros) return;
    const { attempt } = pending;
    if (world.chance(faults().requestLost)) {
      count('requestLost');
      this.#giveUp(pending, attempt);
      return;
    }
    this.#arrival = Math.max(this.#arrival + 1, world.micros + world.between(50, 900));
    // On its way to the server a request does not depend on the life of its sender any more.
    world.after((this.#arrival - world.micros) / 1000, () => {
      if (pending.attempt === attempt && this.#pending.has(pending)) this.#arrive(pending);
    });
  }

  #arrive(pending: Pending): void {
    const { world, faults, count, answered } = this.#host;
    const { attempt } = pending;
    const outcome = this.#carryOut(pending);
    pending.isDone = true;
    if (world.chance(faults().replyLost)) {
      count('replyLost');
      this.#giveUp(pending, attempt);
      return;
    }
    this.#return = Math.max(this.#return + 1, world.micros + world.between(50, 900));
    const settle = (): void => {
      if (pending.attempt !== attempt || !this.#pending.delete(pending)) return;
      if (outcome.error === undefined) {
        answered(pending.request, outcome.reply);
        pending.resolve(outcome.reply);
      } else {
        pending.reject(outcome.error);
      }
    };
    world.after((this.#return - world.micros) / 1000, settle, this.#life);
  }

  #carryOut({ request }: Pending): { readonly reply: SimReply; readonly error?: Error } {
    try {
      return { reply: this.#host.perform(request, this.#life) };
    } catch (error) {
      return { reply: null, error: error as Error };
    }
  }

  #giveUp(pending: Pending, attempt: number): void {
    const giveUp = (): void => {
      if (pending.attempt !== attempt || !this.#pending.delete(pending)) return;
      pending.reject(new Error('Command timed out'));
    };
    this.#host.world.after(callMs, giveUp, this.#life);
  }
}
