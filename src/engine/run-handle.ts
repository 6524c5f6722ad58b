/** A run seen from outside: its result, its events as they come, its state. Needs no worker in this process. */
import type { Clock } from '../core/clock.ts';
import { decode } from '../core/codec.ts';
import { type ErrorRecord, PawlError, reviveError, RunError } from '../core/errors.ts';
import type { RunEvent } from '../core/event.ts';
import { fixedLimits } from '../core/limits.ts';
import { isEnded, type RunRecord, type RunStatus } from '../core/run.ts';
import type { RunStore } from '../core/store.ts';
import { decodeError, toRunEvent } from './payloads.ts';
import { replay } from './replay.ts';
import type { AnyWorkflow } from './workflow.ts';

export interface RunInfo {
  readonly id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly seq: number;
  readonly fence: number;
  readonly worker: string | undefined;
  readonly version: number;
  readonly takeovers: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly changedAt: Date;
  readonly error: ErrorRecord | undefined;
}

export interface RunHandleParts {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly workflow: AnyWorkflow | undefined;
}

/** Announcements may be lost, so whoever waits also looks by itself. */
const pollMs = 1000;

export class RunHandle<Output = unknown, S = unknown> {
  readonly id: string;
  readonly #parts: RunHandleParts;

  constructor(id: string, parts: RunHandleParts) {
    this.id = id;
    this.#parts = parts;
  }

  /** @throws RunError `PAWL_RUN_NOT_FOUND`. */
  async info(): Promise<RunInfo> {
    return toRunInfo(await this.#record());
  }

  /**
   * Waits for the run's end and returns its output.
   * @throws RunError `PAWL_RUN_FAILED` (the cause is the handler's error), `PAWL_RUN_CANCELLED`, `PAWL_RUN_QUARANTINED`,
   *   `PAWL_RUN_NOT_FOUND`, `PAWL_TIMEOUT` after `timeoutMs`: the run goes on.
   */
  async result(options: { readonly timeoutMs?: number } = {}): Promise<Output> {
    const deadline =
      options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
    for await (const _ of this.#changes(deadline)) {
      const record = await this.#record();
      if (record.status === 'completed') {
        const output = record.output ?? new Uint8Array();
        return decode(output, { key: `run ${this.id}, output` }) as Output;
      }
      if (isEnded(record.status) || record.status === 'quarantined') throw this.#endError(record);
    }
    throw new RunError(
      'PAWL_TIMEOUT',
      this.id,
      `Run ${this.id} has not ended within ${options.timeoutMs} ms; it goes on.`,
      { retryable: true },
    );
  }

  /**
   * The run's events from the one after `after` (default 0: all), then those that come, until the run has ended. Leaving
   * the loop, or `signal`, stops it.
   */
  async *events(
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<RunEvent, void, undefined> {
    const { store } = this.#parts;
    let after = options.after ?? 0;
    for await (const _ of this.#changes(options.signal)) {
      // Read before the events, so that none is missed when the run ends in between.
      const record = await this.#record();
      for (;;) {
        const page = await store.events({ run: this.id, after, limit: fixedLimits.eventsPerPage });
        for (const event of page) {
          if (options.signal?.aborted === true) return;
          yield toRunEvent(event, `run ${this.id}`);
          after = event.seq;
        }
        if (page.length < fixedLimits.eventsPerPage) break;
      }
      if (isEnded(record.status) && after >= record.seq) return;
    }
  }

  /**
   * What the run's events fold to now.
   * @throws PawlError `PAWL_DEFINITION` when the handle was made without the workflow.
   */
  async state(): Promise<S> {
    const { store, workflow } = this.#parts;
    if (workflow === undefined) {
      throw new PawlError(
        'PAWL_DEFINITION',
        'The state needs the workflow: pawl.run(workflow, id).',
      );
    }
    const loaded = await store.load(this.id);
    if (loaded === undefined) throw this.#notFound();
    return (await replay(store, workflow, loaded)).fold.state as S;
  }

  /** Once at the start, then at every change and every poll, until `signal`. */
  async *#changes(signal: AbortSignal | undefined): AsyncGenerator<void, void, undefined> {
    const { store, clock } = this.#parts;
    let wake = new AbortController();
    const stop = (): void => wake.abort();
    signal?.addEventListener('abort', stop);
    const unwatch = await store.watch(this.id, stop);
    try {
      const isWanted = (): boolean => signal?.aborted !== true;
      while (isWanted()) {
        wake = new AbortController();
        yield;
        if (isWanted()) await clock.sleep(pollMs, wake.signal);
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      await unwatch();
    }
  }

  async #record(): Promise<RunRecord> {
    const record = await this.#parts.store.record(this.id);
    if (record === undefined) throw this.#notFound();
    return record;
  }

  #notFound(): RunError {
    return new RunError('PAWL_RUN_NOT_FOUND', this.id, `There is no run ${this.id}.`);
  }

  #endError(record: RunRecord): RunError {
    const recorded = decodeError(record.error, `run ${this.id}, error`);
    const cause = recorded === undefined ? undefined : reviveError(recorded);
    const what = recorded?.message ?? 'no reason recorded';
    switch (record.status) {
      case 'cancelled':
        return new RunError(
          'PAWL_RUN_CANCELLED',
          this.id,
          `Run ${this.id} was cancelled: ${what}`,
          { cause },
        );
      case 'quarantined':
        return new RunError(
          'PAWL_RUN_QUARANTINED',
          this.id,
          `Run ${this.id} was set aside: ${what}`,
          { cause },
        );
      default:
        return new RunError('PAWL_RUN_FAILED', this.id, `Run ${this.id} failed: ${what}`, {
          cause,
        });
    }
  }
}

export function toRunInfo(record: RunRecord): RunInfo {
  const { id, workflow, status, seq, fence, worker, version, takeovers, tags } = record;
  return {
    ...{ id, workflow, status, seq, fence, worker, version, takeovers, tags },
    createdAt: new Date(record.createdAt),
    changedAt: new Date(record.changedAt),
    error: decodeError(record.error, `run ${id}, error`),
  };
}
