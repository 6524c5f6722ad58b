/**
 * Waiting: for a time, for a message, for a child, or for whichever comes first.
 *
 * A wait has a name, as a step has, and its end is stored as a step's result is. What it waits for is data: a time on the
 * store's clock in the log, messages in the inbox. So nothing has to stay in this process:
 *
 *   begun ──judged when all is quiet──▶ over: its end is committed, then handed to the handler
 *     │
 *     ├──withdrawn──▶ takes nothing any more
 *     │
 *     └──all that is left are long waits──▶ parked: the run commits `waiting` and what it waits for
 *
 * What came first wins: of all waits that are over, the one whose time or message came first is settled first. One signal
 * settles one wait, the one that was begun first. A wait that takes a signal is settled alone, because the handler may
 * withdraw others for it.
 *
 * Crash while waiting in place: the timer is in the log, the next owner goes on with what is left of it. Crash after the
 * commit that parks: the run is due. A message that comes while the run parks makes the parking fail: the store decides.
 */
import { detach } from '../../core/detached.ts';
import type { Clock } from '../../core/clock.ts';
import { decode, encode } from '../../core/codec.ts';
import { reviveError } from '../../core/error-record.ts';
import { type PawlError, StepError } from '../../core/errors.ts';
import type { ChildEnd, StepCompletedData, StepFailedData, TimerData } from '../../core/event.ts';
import type { ReceivedSignal } from '../../core/fold.ts';
import { nesting } from '../../core/fold.ts';
import { isOfUndo } from '../../core/undo.ts';
import { isDecided, type Wait as StoredWait } from '../../core/waits.ts';
import { encodeRecord } from '../payloads.ts';
import { LazySignal } from '../signals.ts';
import type { Item } from './items.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { stepFailure } from './step-names.ts';
import { recordWrite, type Write } from './writes.ts';

/** Put before the name of a child, to name the wait for its end. */
export const childWait = 'child:';

const noResult = encode(undefined, 'nothing', 100);

/** How a wait is over. */
interface Over {
  /** When, on the store's clock: what came first is settled first. */
  readonly at: number;
  readonly result: Uint8Array;
  /** Signals that the wait takes. */
  readonly took?: StepCompletedData['took'];
  /** It has failed with this. */
  readonly end?: ChildEnd;
}

interface Wait {
  readonly about: Omit<StoredWait, 'until'>;
  /** The names of the signals that it still needs, of one that needs several. */
  readonly missing: (() => readonly string[]) | undefined;
  /** On the store's clock; undefined for as long as it takes. */
  dueAt: number | undefined;
  /** What ends it beside its time; undefined while that has not come. */
  readonly check: () => Over | undefined;
  readonly settle: (over: Over) => void;
  readonly fail: (reason: unknown) => void;
}

type Ending = { readonly seq: number };

/** Which signals a wait takes, and what it says for the person who sends one. */
export interface SignalWait extends Pick<StoredWait, 'key' | 'readsKey' | 'label' | 'form'> {
  readonly ms?: number | undefined;
  /** Withdraws the wait. */
  readonly signal?: AbortSignal | undefined;
  readonly match?: ((payload: unknown) => boolean) | undefined;
}

interface WaitOptions extends Omit<StoredWait, 'name' | 'since' | 'until'> {
  readonly ms?: number | undefined;
  readonly dueAt?: number;
  readonly check?: () => Over | undefined;
  readonly missing?: () => readonly string[];
  /** Withdraws the wait. */
  readonly signal?: AbortSignal | undefined;
  /** It is one of many: its result is kept with those of the others, and the wait resolves with nothing. */
  readonly item?: Item | undefined;
}

export class Waits {
  readonly #scope: RunScope;
  readonly #clock: Clock;
  /** In the order in which they were begun. */
  readonly #waits = new Set<Wait>();
  /** Since when the run has waited for what it was parked with last, by kind and name. */
  readonly #since: Map<string, number>;
  #ringing = new LazySignal();
  #ringsAt: number | undefined;

  /** `waitedFor`: with what the run was parked last. */
  constructor(
    scope: RunScope,
    { clock }: Pick<ExecutionServices, 'clock'>,
    waitedFor: readonly StoredWait[] = [],
  ) {
    this.#scope = scope;
    this.#clock = clock;
    this.#since = new Map(waitedFor.map(({ kind, name, since }) => [`${kind} ${name}`, since]));
  }

  /** All that is waited for now, as it is stored with a parked run. */
  get list(): readonly StoredWait[] {
    return [...this.#waits].map(({ about, dueAt, missing }) => ({
      ...about,
      ...(missing === undefined ? {} : { on: missing() }),
      ...(dueAt === undefined ? {} : { until: dueAt }),
    }));
  }

  get size(): number {
    return this.#waits.size;
  }

  /** Waits until `dueAt` or for `ms`, whichever is given. */
  async sleep(
    name: string,
    until: { readonly ms: number } | { readonly dueAt: number },
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#wait(name, { kind: 'timer', ...until, signal });
  }

  /** Waits for the oldest signal of one of these names; undefined when the time is over. */
  async anySignal(
    name: string,
    on: readonly string[],
    options: SignalWait & { readonly decides?: string } = {},
  ): Promise<{ name: string; payload: unknown } | undefined> {
    const { fold } = this.#scope;
    const { decides, match: _, ...rest } = options;
    const fits = this.#fits(name, options);
    const check = (): Over | undefined => {
      const [oldest] = on
        .flatMap((signal) => fold.signals(signal).find(fits) ?? [])
        .sort((a, b) => a.order - b.order);
      if (oldest === undefined) return undefined;
      const result = encodeRecord([oldest.name, oldest.payload]);
      return { at: oldest.at, result, took: [[oldest.name, oldest.id]] };
    };
    const about =
      decides === undefined
        ? ({ kind: 'signal', on } as const)
        : ({ kind: isOfUndo(decides) ? 'undo' : 'decision', on: [decides] } as const);
    const result = await this.#wait(name, { ...about, ...rest, check });
    if (result === undefined) return undefined;
    const [signal, payload] = result as [string, Uint8Array];
    return { name: signal, payload: this.#decode(name, payload) };
  }

  /** Waits for one signal of each name; undefined when the time is over, and none is taken. */
  async allSignals(
    name: string,
    on: readonly string[],
    options: Omit<SignalWait, 'match'> = {},
  ): Promise<Record<string, unknown> | undefined> {
    const { fold } = this.#scope;
    const fits = this.#fits(name, options);
    const missing = (): readonly string[] =>
      on.filter((signal) => !fold.signals(signal).some(fits));
    const check = (): Over | undefined => {
      const oldest = on.flatMap((signal) => fold.signals(signal).find(fits) ?? []);
      if (oldest.length < on.length) return undefined;
      const at = Math.max(...oldest.map((signal) => signal.at));
      const payloads = oldest.map((signal) => [signal.name, signal.payload]);
      const took = oldest.map((signal) => [signal.name, signal.id] as const);
      return { at, result: encodeRecord(payloads), took };
    };
    const result = await this.#wait(name, { kind: 'signal', on, ...options, check, missing });
    if (result === undefined) return undefined;
    const entries = (result as [string, Uint8Array][]).map(
      ([signal, payload]) => [signal, this.#decode(name, payload)] as const,
    );
    return Object.fromEntries(entries);
  }

  /**
   * Waits for the end of the child that has this name here; returns its output.
   * @throws StepError `PAWL_STEP_FAILED` when it did not complete: stored as a failure, so that a resume waits again.
   */
  async child(name: string, child: string, run: string, item?: Item): Promise<unknown> {
    const { fold } = this.#scope;
    const check = (): Over | undefined => {
      const end = fold.child(child)?.end;
      if (end === undefined) return undefined;
      const output = end.output ?? noResult;
      // One of many is kept as the result of any item is.
      const result = item === undefined ? encodeRecord(output) : output;
      return { at: end.at ?? 0, result, end };
    };
    const output = await this.#wait(name, { kind: 'child', on: [run], check, item });
    if (item !== undefined) return undefined;
    return this.#decode(name, output as Uint8Array);
  }

  /** A pause of the engine's own, such as the one before a next attempt. Nothing is stored when it is over. */
  pause(name: string, kind: 'retry', dueAt: number): Promise<void> {
    const { storeNow, deliveries } = this.#scope;
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        about: { kind, name, since: storeNow() },
        missing: undefined,
        dueAt,
        check: () => undefined,
        settle: () => resolve(),
        fail: reject,
      };
      this.#waits.add(wait);
      deliveries.schedule();
    });
  }

  /** Whether the wait of this name takes a signal. */
  #fits(
    name: string,
    { key, match }: Pick<SignalWait, 'key' | 'match'>,
  ): (signal: ReceivedSignal) => boolean {
    return (signal) =>
      (signal.wait === undefined || signal.wait === name) &&
      (key === undefined || signal.key === key) &&
      (match === undefined || match(this.#decode(name, signal.payload)));
  }

  /** Since when the run has waited so: also before it was parked, and before another worker had it. */
  #sinceWhen(kind: StoredWait['kind'], name: string): number {
    const place = `${kind} ${name}`;
    const since = this.#since.get(place);
    // A name that is used again, after its result was forgotten, is another wait.
    this.#since.delete(place);
    return since ?? this.#scope.storeNow();
  }

  /** True when something inside of a step waits. */
  isWaitingIn(step: string): boolean {
    const inside = step + nesting;
    return [...this.#waits].some(
      ({ about: { name } }) => name.startsWith(inside) || name.startsWith(childWait + inside),
    );
  }

  /** Settles what is over; true when there was something. To be called when the handler has done all it can. */
  judge(): boolean {
    const now = this.#scope.storeNow();
    const over: { readonly wait: Wait; readonly over: Over }[] = [];
    for (const wait of this.#waits) {
      const isLate = wait.dueAt !== undefined && wait.dueAt <= now;
      const came = this.#check(wait);
      const isFirst = came !== undefined && !(isLate && came.at > (wait.dueAt ?? 0));
      if (isFirst) over.push({ wait, over: came });
      else if (isLate) over.push({ wait, over: { at: wait.dueAt ?? 0, result: noResult } });
    }
    // Sorting keeps the order in which they were begun where the times are equal.
    for (const one of over.sort((a, b) => a.over.at - b.over.at)) {
      this.#waits.delete(one.wait);
      one.wait.settle(one.over);
      if (one.over.took !== undefined) break;
    }
    this.#armTimer(now);
    return over.length > 0;
  }

  /** A predicate of the handler may throw: then its wait has failed of it. */
  #check(wait: Wait): Over | undefined {
    try {
      return wait.check();
    } catch (error) {
      this.#waits.delete(wait);
      wait.fail(error);
      return undefined;
    }
  }

  /** Ends all waits with an error: the run is being cancelled. True when there was one. */
  fail(reason: PawlError): boolean {
    const { size } = this.#waits;
    for (const wait of this.#waits) wait.fail(reason);
    this.#waits.clear();
    return size > 0;
  }

  /** No timer goes off any more; `judge` makes it go on. */
  stop(): void {
    this.#ringing.abort('over');
    this.#ringsAt = undefined;
  }

  async #wait(name: string, options: WaitOptions): Promise<unknown> {
    const { fold, names, deliveries, undos } = this.#scope;
    deliveries.asked();
    let ending: Ending;
    try {
      const known = names.use(name);
      const isNew = known === undefined;
      if (isNew && names.isHeldBack(name) && !isDecided(options.kind)) {
        deliveries.schedule();
        await undos.holdBack();
      }
      ending = known ?? (await this.#inPlace(name, options));
    } catch (error) {
      deliveries.answered();
      throw error;
    }
    await deliveries.turn(ending.seq);
    if (options.item !== undefined) return undefined;
    const step = fold.step(name);
    if (step?.status === 'completed') return this.#decode(name, step.result);
    throw this.#failure(name);
  }

  #failure(name: string): unknown {
    const { fold, run } = this.#scope;
    const step = fold.step(name);
    if (step?.status === 'failed') {
      return stepFailure(run, name, step, reviveError(step.error));
    }
    // Only steps inside of one that has completed leave the bookkeeping, and who waits inside of one keeps it from
    // completing.
    return new Error(`Run ${run} has forgotten how "${name}" ended.`);
  }

  #inPlace(name: string, options: WaitOptions): Promise<Ending> {
    const { fold, writer, storeNow, deliveries } = this.#scope;
    const { kind, signal } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const withdraw = (): void => {
        if (!this.#waits.delete(wait)) return;
        if (wait.dueAt !== undefined) writer.piggyback(recordWrite('wait.withdrawn', { name }));
        fail(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener('abort', withdraw);
      const fail = (reason: unknown): void => {
        done();
        reject(reason);
      };
      const wait: Wait = {
        about: aboutOf(options, name, this.#sinceWhen(kind, name)),
        missing: options.missing,
        dueAt: fold.timer(name),
        check: options.check ?? (() => undefined),
        fail,
        settle: (over) => {
          done();
          this.#store([endWrite(name, over, options.item)], (seq) => resolve({ seq }), reject);
        },
      };
      // Before anything is awaited: who waits first is served first.
      this.#waits.add(wait);
      signal?.addEventListener('abort', withdraw, { once: true });
      const isTimed = options.ms !== undefined || options.dueAt !== undefined;
      if (wait.dueAt === undefined && isTimed) {
        wait.dueAt = options.dueAt ?? storeNow() + (options.ms ?? 0);
        const timer: TimerData = { name, dueAt: wait.dueAt };
        this.#store([recordWrite('timer.set', timer)], () => deliveries.schedule(), fail);
      } else {
        deliveries.schedule();
      }
    });
  }

  /** Calls `stored` with the seq, or `failed`, whichever comes first. */
  #store(
    writes: readonly Write[],
    stored: (seq: number) => void,
    failed: (error: unknown) => void,
  ): void {
    try {
      this.#scope.writer.submit(writes).then(stored, failed);
    } catch (error) {
      failed(error);
    }
  }

  /** One timer for all: it goes off when the first of them is over. */
  #armTimer(now: number): void {
    let soonest = Infinity;
    for (const { dueAt } of this.#waits)
      if (dueAt !== undefined) soonest = Math.min(soonest, dueAt);
    if (soonest === (this.#ringsAt ?? Infinity) && !this.#ringing.aborted) return;
    this.stop();
    if (soonest === Infinity) return;
    this.#ringsAt = soonest;
    this.#ringing = new LazySignal();
    const { signal } = this.#ringing;
    const { deliveries } = this.#scope;
    const ring = async (): Promise<void> => {
      await this.#clock.sleep(Math.max(0, soonest - now), signal);
      if (signal.aborted) return;
      this.#ringsAt = undefined;
      deliveries.schedule();
    };
    detach(ring(), () => deliveries.schedule());
  }

  #decode(name: string, bytes: Uint8Array): unknown {
    return decode(bytes, { key: `run ${this.#scope.run}, ${name}` });
  }
}

/** What of a wait is stored; nothing that is undefined. */
function aboutOf(
  { kind, on, key, readsKey, label, form }: WaitOptions,
  name: string,
  since: number,
): Omit<StoredWait, 'until'> {
  return {
    kind,
    name,
    since,
    ...(on === undefined ? {} : { on }),
    ...(key === undefined ? {} : { key }),
    ...(readsKey === undefined ? {} : { readsKey }),
    ...(label === undefined ? {} : { label }),
    ...(form === undefined ? {} : { form }),
  };
}

function endWrite(name: string, { result, took, end }: Over, item?: Item): Write {
  if (end !== undefined && end.status !== 'completed') {
    const error = end.error ?? { name: 'Error', message: 'no reason recorded' };
    const about = `Child run ${end.run} ${end.status}`;
    const mark = item === undefined ? {} : { item: item.mark(true) };
    const failed: StepFailedData = { name, attempts: 1, error, about, ...mark };
    return recordWrite('step.failed', failed);
  }
  const data: StepCompletedData = {
    name,
    result,
    attempts: 1,
    ...(took === undefined ? {} : { took }),
    ...(item === undefined ? {} : { item: item.mark(false) }),
  };
  return recordWrite('step.completed', data);
}

/** A wait was withdrawn because another one has won. */
export function withdrawn(run: string, names: string): StepError {
  return new StepError(
    'PAWL_WAIT_WITHDRAWN',
    { run, step: names },
    `The wait "${names}" of run ${run} was withdrawn: another one has won the race.`,
  );
}
