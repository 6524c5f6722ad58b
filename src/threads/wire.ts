/**
 * Calls between two threads, each way, over a port. Neither side blocks the other: a call is a message, and so is its
 * end.
 *
 *   caller ── call 7: fleet.beat(…) ──▶ callee        functions among the arguments can be called from there,
 *          ◀── result 7, or failure 7 ──              in the same way, until they are of no more use
 *
 * Messages come in the order in which they were sent, and a port delivers each once. A thread that is terminated sends
 * nothing more: what it had sent is done, the rest never was, as with a process that is killed. Whoever sees it end closes
 * this end, and every call that still waits fails as unavailable.
 *
 * How long a function can be called: one that was given to a function, until that has returned. One that was given to a
 * method, until the function that the method has returned was called, which ends what the method began: a watch, a consumer.
 */
import type { MessagePort } from 'node:worker_threads';
import { detach } from '../core/detached.ts';
import { PawlError, UnavailableError } from '../core/errors.ts';
import {
  type Callable,
  pack,
  type Packed,
  type Target,
  type ThreadMessage,
  toError,
  toFailure,
  unpack,
} from './messages.ts';

interface Call {
  readonly target: Target;
  /** Own functions that were among the arguments. */
  readonly given: readonly number[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class Wire {
  readonly #port: MessagePort;
  readonly #serve: (method: string, args: readonly unknown[]) => unknown;
  readonly #calls = new Map<number, Call>();
  /** Own functions that the other side may call. */
  readonly #functions = new Map<number, Callable>();
  #number = 0;
  #isClosed = false;

  /** `serve` does what the other side calls by name. `onClose`: the other side is gone, or this one was closed. */
  constructor(
    port: MessagePort,
    serve: (method: string, args: readonly unknown[]) => unknown,
    onClose: () => void = () => undefined,
  ) {
    this.#port = port;
    this.#serve = serve;
    port.on('message', (message: ThreadMessage) => this.#hear(message));
    port.on('close', () => {
      this.#isClosed = true;
      this.#giveUp();
      onClose();
    });
  }

  /** @throws UnavailableError when the other side is gone; PawlError `PAWL_CLOSED`; whatever the other side has thrown. */
  async call(target: Target, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) throw new PawlError('PAWL_CLOSED', 'This thread is no longer connected.');
    const given: number[] = [];
    const packed = pack(args, (fn) => {
      const number = this.#add(fn);
      given.push(number);
      return number;
    });
    const call = this.#next();
    const ended = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { target, given, resolve, reject });
    });
    try {
      this.#send({ kind: 'call', call, target, args: packed });
    } catch (error) {
      this.#calls.delete(call);
      this.#forget(given);
      throw error;
    }
    return ended;
  }

  close(): void {
    this.#isClosed = true;
    this.#giveUp();
    this.#port.close();
  }

  #hear(message: ThreadMessage): void {
    if (this.#isClosed) return;
    if (message.kind === 'call') {
      detach(this.#answer(message.call, message.target, message.args), () => undefined);
      return;
    }
    const call = this.#calls.get(message.call);
    this.#calls.delete(message.call);
    if (call === undefined) return;
    if (message.kind === 'failure') {
      this.#forget(call.given);
      call.reject(toError(message.failure));
      return;
    }
    const { result } = message;
    if (typeof call.target === 'number') this.#forget(call.given);
    call.resolve(unpack(result, (number) => this.#ending(number, call.given)));
  }

  async #answer(call: number, target: Target, packed: Packed): Promise<void> {
    try {
      const args = unpack(packed, (number) => this.#remote(number)) as readonly unknown[];
      const result = await (typeof target === 'string'
        ? this.#serve(target, args)
        : this.#functions.get(target)?.(...args));
      if (this.#isClosed) return;
      this.#send({ kind: 'result', call, result: pack(result, (fn) => this.#add(this.#once(fn))) });
    } catch (error) {
      if (!this.#isClosed) this.#send({ kind: 'failure', call, failure: toFailure(error) });
    }
  }

  /** A function of the other side. Many call it as a hint and look at nothing that comes back. */
  #remote(number: number): Callable {
    return (...args) => {
      const result = this.call(number, args);
      detach(result, () => undefined);
      return result;
    };
  }

  /** What a method has returned ends what it began; afterwards its arguments are of no more use. */
  #ending(number: number, given: readonly number[]): Callable {
    let ended: Promise<unknown> | undefined;
    return () => {
      ended ??= this.call(number, []).finally(() => this.#forget(given));
      return ended;
    };
  }

  /** Called once, it is forgotten. */
  #once(fn: Callable): Callable {
    const own: Callable = async () => {
      try {
        return await fn();
      } finally {
        for (const [number, known] of this.#functions)
          if (known === own) this.#functions.delete(number);
      }
    };
    return own;
  }

  #add(fn: Callable): number {
    const number = this.#next();
    this.#functions.set(number, fn);
    return number;
  }

  #forget(numbers: readonly number[]): void {
    for (const number of numbers) this.#functions.delete(number);
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #send(message: ThreadMessage): void {
    this.#port.postMessage(message);
  }

  #giveUp(): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#functions.clear();
    for (const { target, reject } of calls) {
      const what = `The other thread has ended before ${typeof target === 'string' ? target : 'it'} answered`;
      reject(new UnavailableError(what, 'unknown'));
    }
  }
}
