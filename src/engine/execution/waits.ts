/**
 * Waiting: for a time, for a message, for a child, or for whichever comes first.
 *
 * A wait has a name, as a step has, and its end is stored as a step's result is. What it waits for is data: a time on the
 * store's clock in the log, messages in the inbox. So nothing has to stay in this process:
 *
 *   begun ──short, or something else is at work──▶ waits in place
 *     │
 *     └──all that is at work are long waits──▶ parked: the run commits `waiting`, the handler is left where it stands
 *                                                │
 *                                    its time, or a message ──▶ claimed by any worker, handler called again, wait found
 *
 * Crash while waiting in place: the timer is in the log, the next owner goes on with what is left of it. Crash after the
 * commit that parks: the run is due. A message that comes while the run parks makes the parking fail: the store decides.
 */
import type { Clock } from '../../core/clock.ts';
import { decode, encode } from '../../core/codec.ts';
import { reviveError } from '../../core/error-record.ts';
import { type PawlError, StepError } from '../../core/errors.ts';
import type { StepCompletedData, TimerData } from '../../core/event.ts';
import { type Fold, nesting } from '../../core/fold.ts';
import type { LogWriter } from './log-writer.ts';
import type { Names } from './step-names.ts';
import { encodeRecord } from '../payloads.ts';
import { recordWrite } from './writes.ts';

/** Shorter waits stay in place: parking and coming back costs about as much. */
const shortMs = 1_000;
/** Long timers of Node run out at once; a wait in place that is longer looks again. */
export const timerMsMax = 2 ** 31 - 1;
const noResult = encode(undefined, 'nothing', 100);

/** What ends a wait; undefined while it goes on. */
type Check = () => { readonly result: Uint8Array; readonly took?: readonly string[] } | undefined;

interface Wait {
  readonly name: string;
  /** On the store's clock; undefined for as long as it takes. */
  readonly dueAt: number | undefined;
  readonly check: Check;
  readonly settle: () => void;
  readonly fail: (reason: PawlError) => void;
}

export interface WaitsOptions {
  readonly run: string;
  readonly fold: Fold;
  readonly writer: LogWriter;
  readonly clock: Clock;
  readonly names: Names;
  /** The time on the store's clock, in milliseconds. */
  readonly storeNow: () => number;
  /** Ends when the run is not this worker's any more. */
  readonly signal: AbortSignal;
  /** True while step bodies are at work. */
  readonly isBusy: () => boolean;
  /** Until when the run may wait at most, on the store's clock. */
  readonly deadlineAt: number | undefined;
  /** Called when a parking failed because of a message. */
  readonly onMail: () => void;
}

export class Waits {
  readonly #options: WaitsOptions;
  readonly #waits = new Set<Wait>();
  #parking = false;

  constructor(options: WaitsOptions) {
    this.#options = options;
  }

  /** Waits until `dueAt` or for `ms`, whichever is given. */
  async sleep(
    name: string,
    until: { readonly ms: number } | { readonly dueAt: number },
  ): Promise<void> {
    await this.#wait(name, { ...until, check: () => undefined });
  }

  /** Waits for the oldest signal of one of these names; undefined when the time is over. */
  async anySignal(
    name: string,
    signals: readonly string[],
    ms: number | undefined,
  ): Promise<{ name: string; payload: unknown } | undefined> {
    const { fold } = this.#options;
    const check: Check = () => {
      const [oldest] = signals
        .flatMap((signal) => fold.signals(signal)[0] ?? [])
        .sort((a, b) => a.order - b.order);
      if (oldest === undefined) return undefined;
      return { result: encodeRecord([oldest.name, oldest.payload]), took: [oldest.name] };
    };
    const result = (await this.#wait(name, { ms, check })) as [string, Uint8Array] | undefined;
    return result && { name: result[0], payload: this.#decode(name, result[1]) };
  }

  /** Waits for one signal of each name; undefined when the time is over, and none is taken. */
  async allSignals(
    name: string,
    signals: readonly string[],
    ms: number | undefined,
  ): Promise<Record<string, unknown> | undefined> {
    const { fold } = this.#options;
    const check: Check = () => {
      const oldest = signals.map((signal) => fold.signals(signal)[0]);
      if (oldest.some((signal) => signal === undefined)) return undefined;
      const payloads = oldest.map((signal) => [signal?.name, signal?.payload]);
      return { result: encodeRecord(payloads), took: [...signals] };
    };
    const result = await this.#wait(name, { ms, check });
    if (result === undefined) return undefined;
    const entries = (result as [string, Uint8Array][]).map(
      ([signal, payload]) => [signal, this.#decode(name, payload)] as const,
    );
    return Object.fromEntries(entries);
  }

  /** Waits for the end of a child run; returns its output. */
  async child(name: string, id: string): Promise<unknown> {
    const { fold, run } = this.#options;
    const check: Check = () => {
      const end = fold.child(id);
      return end && { result: encodeRecord(end) };
    };
    const end = (await this.#wait(name, { ms: undefined, check })) as ReturnType<Fold['child']>;
    if (end?.status === 'completed') return this.#decode(name, end.output ?? noResult);
    const cause = end?.error === undefined ? undefined : reviveError(end.error);
    throw new StepError(
      'PAWL_STEP_FAILED',
      { run, step: name },
      `Child run ${id} ${end?.status}: ${end?.error?.message ?? 'no reason recorded'}`,
      cause,
    );
  }

  /** True when something inside of a step waits. */
  isWaitingIn(step: string): boolean {
    return [...this.#waits].some(({ name }) => name.startsWith(step + nesting));
  }

  /** Something has happened: ends the waits it ends, and parks the run if all that is left are long ones. */
  look(): void {
    for (const wait of this.#waits) {
      if (wait.check() !== undefined || this.#isOver(wait)) {
        this.#waits.delete(wait);
        wait.settle();
      }
    }
    this.reconsider();
  }

  /** Parks the run if all that is left of it are long waits. */
  reconsider(): void {
    if (this.#waits.size > 0) void this.#considerParking();
  }

  /** Ends all waits with an error: the run is being cancelled. True when there was one. */
  fail(reason: PawlError): boolean {
    const { size } = this.#waits;
    for (const wait of this.#waits) wait.fail(reason);
    this.#waits.clear();
    return size > 0;
  }

  async #wait(
    name: string,
    params: { readonly ms?: number | undefined; readonly dueAt?: number; readonly check: Check },
  ): Promise<unknown> {
    const { fold, writer, names, storeNow } = this.#options;
    const known = names.use(name);
    if (known !== undefined) return known.value;
    let dueAt = fold.timer(name);
    if (dueAt === undefined && (params.ms !== undefined || params.dueAt !== undefined)) {
      dueAt = params.dueAt ?? storeNow() + (params.ms ?? 0);
      const timer: TimerData = { name, dueAt };
      await writer.submit([recordWrite('timer.set', timer)]);
    }
    if (params.check() === undefined && !this.#isOver({ dueAt })) {
      await this.#inPlace(name, dueAt, params.check);
    }
    const { result, took } = params.check() ?? { result: noResult };
    const data: StepCompletedData = {
      ...{ name, result, attempts: 1 },
      ...(took === undefined ? {} : { took }),
    };
    await writer.submit([recordWrite('step.completed', data)]);
    return this.#decode(name, result);
  }

  async #inPlace(name: string, dueAt: number | undefined, check: Check): Promise<void> {
    const { clock, signal, storeNow } = this.#options;
    const done = new AbortController();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waits.add({ name, dueAt, check, settle: resolve, fail: reject });
        this.reconsider();
        if (dueAt === undefined) return;
        const until = AbortSignal.any([done.signal, signal]);
        const ring = async (): Promise<void> => {
          while (!until.aborted && storeNow() < dueAt) {
            await clock.sleep(Math.min(dueAt - storeNow(), timerMsMax), until);
          }
          if (!until.aborted) this.look();
        };
        void ring();
      });
    } finally {
      done.abort('over');
    }
  }

  #isOver({ dueAt }: { readonly dueAt: number | undefined }): boolean {
    return dueAt !== undefined && dueAt <= this.#options.storeNow();
  }

  /** Parks the run when nothing but long waits is left of it. */
  async #considerParking(): Promise<void> {
    const { clock, writer, storeNow, deadlineAt, onMail } = this.#options;
    if (this.#parking || this.#waits.size === 0) return;
    this.#parking = true;
    try {
      // The handler gets a moment to begin whatever it begins beside the wait.
      await clock.sleep(0);
      if (this.#waits.size === 0 || this.#options.isBusy() || !writer.isIdle) return;
      const times = [...this.#waits].flatMap(({ dueAt }) => dueAt ?? []);
      if (deadlineAt !== undefined) times.push(deadlineAt);
      const wakeMs = times.length === 0 ? undefined : Math.min(...times) - storeNow();
      if (wakeMs !== undefined && wakeMs < shortMs) return;
      const parked = await writer.park(wakeMs);
      if (!parked) onMail();
    } finally {
      this.#parking = false;
    }
  }

  #decode(name: string, bytes: Uint8Array): unknown {
    return decode(bytes, { key: `run ${this.#options.run}, ${name}` });
  }
}
