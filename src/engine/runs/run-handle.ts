/** A run seen from outside: its result, its events as they come, its state. Needs no worker in this process. */
import type { CheckpointInfo, CheckpointListOptions } from '../../core/checkpoint.ts';
import { decode, encode } from '../../core/codec.ts';
import { InvalidError, PawlError, RunError } from '../../core/errors.ts';
import type { RunEvent } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import { fixedLimits } from '../../core/limits.ts';
import { checkSignalName } from '../../core/names.ts';
import { checkRequest, checkResume, type Request, type ResumeRequest } from '../../core/request.ts';
import { keepMsOf } from '../../core/retention.ts';
import { isEnded, isOver, type RunRecord, toSummary } from '../../core/run.ts';
import type { InputOf } from '../../core/schema.ts';
import type { EventSchemas } from '../definition/context.ts';
import type { ChunkOf, OutputName, AnyOutputs, OutputSchemas } from '../definition/outputs.ts';
import { answerWait } from './answering.ts';
import { askRun } from './asking.ts';
import type { Attendance } from './attendance.ts';
import { changesOf } from './changes.ts';
import { listCheckpoints, recallCheckpoint } from './checkpoints.ts';
import { checkSignal, signalKeyOf } from '../definition/signals.ts';
import { type Difference, diffStates } from './diff.ts';
import { toResumed } from './resumed-data.ts';
import { isThread, threadState } from './thread-state.ts';
import {
  type AnyQuestion,
  type AskedInput,
  type ReplyOutput,
  toQuestion,
} from '../definition/questions.ts';
import {
  checkDecide,
  type Decider,
  type Decision,
  decisionSignal,
} from '../definition/decision.ts';
import { EventReader } from './event-reader.ts';
import { checkHole } from '../holes.ts';
import { type GraphRecord, graphRecord } from './graph-record.ts';
import {
  type AnswerOptions,
  type AskOptions,
  checkAnswer,
  checkAsk,
  checkChildList,
  checkCheckpointList,
  type ChildListOptions,
  checkEvents,
  checkOutput,
  checkPoint,
  checkResult,
  checkSignalOptions,
  checkState,
  type OutputOptions,
  type SignalOptions,
} from './handle-options.ts';
import type { HandleServices } from './handle-services.ts';
import { OutputReader, toOutputChunk } from './output-reader.ts';
import { encodeError, encodeRecord, toRunEvent } from '../payloads.ts';
import { endedError, errorOfEnd, runNotFound } from './missing.ts';
import { foldAt } from './fold-at.ts';
import { replay, restoreSnapshot } from '../replay.ts';
import { signalAfter } from '../signals.ts';
import { refuseUndone } from './undone.ts';
import { readSteps } from '../steps-at-work.ts';
import { type RunDetails, type RunInfo, toRunInfo } from './run-info.ts';
import { leaveLine } from './turns.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { upcasterAfter } from './workflow-events.ts';

/** What is known of a run beside its id. */
export interface KnownRun {
  readonly workflow?: AnyWorkflow | undefined;
  /** Says when nobody works on a run that is waited for. */
  readonly attendance?: Attendance;
  /** It had not ended when the handle was made. */
  readonly isOpen?: boolean;
}

/** A signal on its way. */
interface Posted extends Partial<Record<'id' | 'key' | 'actor', string | undefined>> {
  readonly name: string;
  readonly data: Uint8Array;
}

/** A moment of a run: after an event, or as a checkpoint keeps it. */
export type StatePoint = { readonly seq: number } | { readonly checkpoint: string };

/**
 * One run, from any process: reads it, waits for it, and asks its worker for something. It holds no connection of its
 * own.
 */
export class RunHandle<
  Output = unknown,
  S = unknown,
  G extends EventSchemas = EventSchemas,
  Event extends RunEvent = RunEvent,
  O extends OutputSchemas = AnyOutputs,
> {
  /** The id that the run was started with, or that pawl chose. */
  readonly id: string;
  readonly #services: HandleServices;
  readonly #workflow: AnyWorkflow | undefined;
  readonly #attendance: Attendance | undefined;
  readonly #isOpen: boolean;

  constructor(id: string, services: HandleServices, known: KnownRun = {}) {
    const { workflow, attendance, isOpen = false } = known;
    this.id = id;
    this.#services = services;
    this.#workflow = workflow;
    this.#attendance = attendance;
    this.#isOpen = isOpen;
  }

  /** Where the run is, what it waits for, and which steps are at work. @throws RunError `PAWL_RUN_NOT_FOUND`. */
  async info(): Promise<RunDetails> {
    const record = await this.#record();
    const { worker, status } = record;
    const isHeld = worker !== undefined && status === 'running';
    const told = isHeld ? await this.#services.store.fleet.atWork(worker) : '';
    return { ...toRunInfo(toSummary(record)), atWork: readSteps(told, this.id) };
  }

  /**
   * Waits for the run's end and returns its output.
   * @throws RunError `PAWL_RUN_FAILED` (the cause is the handler's error), `PAWL_RUN_CANCELLED`, `PAWL_RUN_QUARANTINED`,
   *   `PAWL_RUN_NOT_FOUND`, `PAWL_TIMEOUT` after `timeoutMs`: the run goes on. InvalidError for a time that is none.
   */
  async result(options: { readonly timeoutMs?: number } = {}): Promise<Output> {
    checkResult(options, 'result options');
    const { clock } = this.#services;
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new InvalidError('timeoutMs', 'must be a number of milliseconds.');
    }
    const deadline = timeoutMs === undefined ? undefined : signalAfter(timeoutMs);
    const began = clock.monotonic();
    let isFirst = true;
    try {
      const about = { signal: deadline?.signal, of: 'end' } as const;
      for await (const told of changesOf(this.#services, this.id, about)) {
        // Of a run that has just begun the record would tell no more than that it goes on.
        const isLight = told === undefined && isFirst && this.#isOpen;
        isFirst = false;
        if (isLight && (await this.#goesOn())) continue;
        const end = told ?? (await this.#poll(clock.monotonic() - began));
        if (end.status === 'completed') {
          const output = end.output ?? new Uint8Array();
          return decode(output, { key: `run ${this.id}, output` }) as Output;
        }
        if (isOver(end.status)) throw errorOfEnd(this.id, end);
      }
    } finally {
      deadline?.over();
    }
    throw new RunError(
      'PAWL_TIMEOUT',
      this.id,
      `Run ${this.id} has not ended within ${timeoutMs} ms; it goes on.`,
      { retryable: true },
    );
  }

  /**
   * The run's events from the one after `after` (default 0: all), then those that come, until the run has ended. Leaving
   * the loop, or `signal`, stops it. Should Redis crash and lose acknowledged events, the next one is the first that took
   * a lost one's place, and seqs come again.
   *
   * `event.type` tells the type of `event.data` when the handle was made with the workflow. What older code wrote comes
   * through `upcast`. An event whose type the workflow no longer has comes as well, as it was written.
   * @throws CorruptionError when events are missing that were not compacted.
   */
  async *events(
    options: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Event, void, undefined> {
    checkEvents(options, 'events options');
    const { after = 0 } = options;
    const { store } = this.#services;
    const reader = new EventReader(store, this.id, after);
    const upcaster = await upcasterAfter(store, this.#workflow, this.id, after);
    for await (const _ of changesOf(this.#services, this.id, {
      signal: options.signal,
      of: 'log',
    })) {
      // Read before the events, so that none is missed when the run ends in between.
      const record = await this.#record();
      for (;;) {
        const page = await reader.page();
        for (const event of page) {
          if (options.signal?.aborted === true) return;
          const shown = toRunEvent(event, `run ${this.id}`);
          const { data } = upcaster?.upcast(shown) ?? shown;
          yield { ...shown, data } as Event;
        }
        if (page.length < fixedLimits.eventsPerPage) break;
      }
      if (!isEnded(record.status)) continue;
      if (reader.after >= record.seq) return;
      await checkHole(this.#services.store, this.id, reader.after + 1);
    }
  }

  /**
   * What the run gives out: the chunks that are kept, from the number `from` on (default 1). Then come new ones, until the
   * run has ended or is quarantined: `info()` tells which. With `name`, only those of one output. Leaving the loop, or
   * `signal`, stops it. Should Redis crash and lose chunks that it had acknowledged, numbers come again, in a new epoch.
   * @throws RunError `PAWL_RUN_NOT_FOUND`; InvalidError; CorruptionError for a chunk that cannot be read.
   */
  async *output<Name extends OutputName<O> = OutputName<O>>(
    options: OutputOptions<Name> = {},
  ): AsyncGenerator<ChunkOf<O, Name>, void, undefined> {
    checkOutput(options, 'output options');
    const { from = 1, name, live = true, signal } = options;
    const { store } = this.#services;
    const reader = new OutputReader(store, this.id, from - 1);
    let missed = 0;
    for await (const _ of changesOf(this.#services, this.id, { signal, of: 'output' })) {
      // Read before the chunks, so that none is missed when the run ends in between.
      const { status } = await this.#record();
      for (;;) {
        const page = await reader.page();
        for (const chunk of page) {
          if (signal?.aborted === true) return;
          missed += chunk.skipped;
          if (name !== undefined && chunk.output !== name) continue;
          yield toOutputChunk({ ...chunk, skipped: missed }, this.id) as ChunkOf<O, Name>;
          missed = 0;
        }
        const isLast = page.length < fixedLimits.chunksPerPage && live && !isOver(status);
        if (isLast || page.length === 0) break;
      }
      if (isOver(status) || !live) return;
    }
  }

  /**
   * Where a graph stands now.
   * @throws PawlError `PAWL_DEFINITION` when the handle was made without the graph.
   */
  async graph(): Promise<GraphRecord> {
    const { workflow, fold } = await this.#replay();
    if (workflow.graph !== undefined) return graphRecord(workflow.graph, workflow.version, fold);
    throw new PawlError('PAWL_DEFINITION', `Workflow ${workflow.name} is no graph.`);
  }

  /** The runs that a run of this id has started, the newest first, a page at a time. */
  async children(
    options: ChildListOptions = {},
  ): Promise<{ readonly runs: readonly RunInfo[]; readonly cursor: string | undefined }> {
    checkChildList(options, 'children options');
    const { limit = 50, ...rest } = options;
    const page = await this.#services.store.lists.runs({ ...rest, limit, parent: this.id });
    return { runs: page.runs.map(toRunInfo), cursor: page.cursor };
  }

  /**
   * What the run's events fold to now, or did up to an event.
   * @throws PawlError `PAWL_DEFINITION` when the handle was made without the workflow; InvalidError when there is no such
   *   event; ForgottenError when the log was compacted beyond it; RunError `PAWL_RUN_NOT_FOUND`.
   */
  async state(options: { readonly seq?: number } = {}): Promise<S> {
    checkState(options, 'state options');
    const { store } = this.#services;
    const record = this.#workflow === undefined ? await this.#record() : undefined;
    if (record && isThread(record)) return (await threadState(store, record, options.seq)) as S;
    if (options.seq === undefined) return (await this.#replay()).fold.state as S;
    return (await foldAt(store, this.#knownWorkflow(), this.id, options.seq)).state as S;
  }

  /** The checkpoints of the run, the newest first, a page at a time: all, or those of a node or a label. */
  async checkpoints(options: CheckpointListOptions = {}): Promise<CheckpointInfo[]> {
    checkCheckpointList(options, 'checkpoints options');
    return listCheckpoints(this.#services.store, this.id, options);
  }

  /**
   * The state as a checkpoint keeps it.
   * @throws InvalidError when the run never had such a checkpoint, ForgottenError when it has expired; PawlError
   *   `PAWL_DEFINITION` as `state`.
   */
  async checkpoint(id: string): Promise<S> {
    const workflow = this.#knownWorkflow();
    const snapshot = await recallCheckpoint(this.#services.store, await this.#record(), id);
    return restoreSnapshot(snapshot, workflow, this.id).state as S;
  }

  /**
   * What differs between the states at two points: from the first to the second. Writes nothing.
   * @throws InvalidError for a point the run never came to; PawlError `PAWL_DEFINITION` as `state`.
   */
  async diff(from: StatePoint, to: StatePoint): Promise<Difference[]> {
    checkPoint(from, 'from');
    checkPoint(to, 'to');
    const [before, after] = await Promise.all([this.#stateAt(from), this.#stateAt(to)]);
    return diffStates(before, after);
  }

  /**
   * Sends a signal. Kept until the run takes it, whether or not it waits for one yet; the same id again changes nothing.
   * @throws InvalidError when the payload does not fit the workflow's schema; RunError `PAWL_RUN_ENDED` when the run is
   *   over, `PAWL_RUN_NOT_FOUND`. Nothing was written.
   */
  async signal<Name extends keyof G & string>(
    name: Name,
    payload: InputOf<G[Name]>,
    options: SignalOptions = {},
  ): Promise<void> {
    const workflow = this.#workflow;
    const { limits } = this.#services;
    checkSignalName(name);
    checkSignalOptions(options, 'signal options');
    const { id, key: given, actor } = options;
    // Sent as it was given: what the schema makes of it is made once, where it is taken.
    const made = workflow === undefined ? payload : checkSignal(workflow, name, payload);
    const key =
      workflow === undefined ? given : signalKeyOf(workflow, name, { payload: made, key: given });
    const data = encode(payload, `signal ${name}`, limits.eventBytes);
    await this.#post({ name, data, id, key, actor });
  }

  /**
   * Answers one wait of the run, by its name in `info().waits`: of all answers, the first one is taken. Others are told who
   * was first. A run that has not looked yet at what came is waited for, up to `timeoutMs` (default 10 000).
   * @throws AnsweredError `PAWL_ANSWERED` when somebody was first or the wait is over; InvalidError when the payload does
   *   not fit the workflow's schema; RunError `PAWL_TIMEOUT`, `PAWL_RUN_ENDED`, `PAWL_RUN_NOT_FOUND`. Nothing was written.
   */
  async answer(wait: string, payload: unknown, options: AnswerOptions = {}): Promise<void> {
    checkAnswer(options, 'answer options');
    const workflow = this.#workflow;
    await answerWait({ ...this.#services, run: this.id, workflow }, { wait, payload }, options);
  }

  /**
   * Asks the run, and returns what its handler answers: see `ctx.answer`. The worker that has the run replies; a parked run
   * is woken for it. Needs no worker in this process.
   * @throws RunError `PAWL_UNANSWERED` when it is paused, answers no such question, or its answer has failed (the cause);
   *   `PAWL_TIMEOUT`, `PAWL_RUN_ENDED`, `PAWL_RUN_NOT_FOUND`; InvalidError for a misfit; LimitError when too many are open.
   */
  async ask<Q extends AnyQuestion | string>(
    question: Q,
    payload: AskedInput<Q>,
    options: AskOptions = {},
  ): Promise<ReplyOutput<Q>> {
    checkAsk(options, 'ask options');
    const asked = toQuestion(question);
    return (await askRun(this.#services, this.id, asked, payload, options)) as ReplyOutput<Q>;
  }

  /**
   * Decides about an effect in doubt whose policy is to ask, by its name, or about an undo that has failed:
   * `run.decide('flight ›› undo', { decide: 'retry' })`. The names are in `on` of `info().waits`.
   * @throws InvalidError, UnstorableError; RunError `PAWL_RUN_ENDED`, `PAWL_RUN_NOT_FOUND`. Nothing was written.
   */
  async decide(effect: string, decision: Decision, by: Decider = {}): Promise<void> {
    checkDecide(decision, by);
    const data = encode(decision, 'decision', this.#services.limits.eventBytes);
    await this.#post({ name: decisionSignal(effect), data, ...by });
  }

  /**
   * Cancels the run. A handler at work is told within moments and may clean up; then the run ends as `cancelled`. A run
   * that has not begun ends at once. Cancelling again changes nothing.
   * @throws RunError `PAWL_RUN_ENDED`, `PAWL_RUN_NOT_FOUND`.
   */
  async cancel(request: Request = {}): Promise<void> {
    checkRequest(request, 'request');
    const { store, newToken, wake } = this.#services;
    const error = new RunError('PAWL_RUN_CANCELLED', this.id, request.reason ?? 'no reason given');
    const outcome = await store.cancel({
      run: this.id,
      id: newToken(),
      data: encodeRecord(request),
      error: encodeError(error),
      keepMs: keepMsOf('cancelled', [this.#workflow?.definition.retention]),
    });
    switch (outcome.outcome) {
      case 'asked':
        await wake(outcome.wakeUp);
        return;
      case 'cancelled':
        await leaveLine(this.#services, outcome.keyed);
        return;
      case 'ended':
        throw endedError(this.id, outcome.status);
      case 'missing':
        throw this.#notFound();
    }
  }

  /**
   * Keeps the run from being executed until it is resumed; one at work stops at its next commit.
   * @throws RunError `PAWL_RUN_ENDED`, `PAWL_RUN_NOT_FOUND`.
   */
  async pause(request: Request = {}): Promise<void> {
    checkRequest(request, 'request');
    const outcome = await this.#services.store.pause(this.id, encodeRecord(request));
    if (outcome.outcome === 'ended') throw endedError(this.id, outcome.status);
    if (outcome.outcome === 'missing') throw this.#notFound();
    await leaveLine(this.#services, outcome.keyed);
  }

  /**
   * Lets a paused run go on, and a failed or quarantined one try again from its last snapshot. Finished steps keep their
   * results, and failed ones run again. False when there was nothing to resume.
   *
   * With `input` the handler is called with that from then on, in place of what the run was started with. It must still
   * come to the same steps by the same names; what they have done stays done.
   * @throws RunError `PAWL_RUN_NOT_FOUND`, `PAWL_RUN_ENDED` when its work was undone: start it anew. InvalidError,
   *   UnstorableError, LimitError for an input. Nothing was written.
   */
  async resume(request: ResumeRequest = {}): Promise<boolean> {
    checkResume(request, 'request');
    await refuseUndone(this.#services.store, this.id);
    const outcome = await this.#services.store.resume(
      this.id,
      encodeRecord(toResumed(request, this.#workflow, this.#services.limits)),
    );
    if (outcome.outcome === 'missing') throw this.#notFound();
    if (outcome.outcome === 'notResumable') return false;
    this.#services.settle?.(outcome.wakeUp);
    await this.#services.wake(outcome.wakeUp);
    return true;
  }

  #stateAt(point: StatePoint): Promise<S> {
    return 'seq' in point ? this.state({ seq: point.seq }) : this.checkpoint(point.checkpoint);
  }

  async #replay(): Promise<{ readonly workflow: AnyWorkflow; readonly fold: Fold }> {
    const { store } = this.#services;
    const workflow = this.#knownWorkflow();
    const loaded = await store.load(this.id);
    if (loaded === undefined) throw this.#notFound();
    return { workflow, fold: (await replay(store, workflow, loaded)).fold };
  }

  #knownWorkflow(): AnyWorkflow {
    if (this.#workflow !== undefined) return this.#workflow;
    throw new PawlError('PAWL_DEFINITION', 'The state needs the workflow: pawl.run(workflow, id).');
  }

  async #post({ name, data, id, key, actor }: Posted): Promise<void> {
    const { store, newToken, wake } = this.#services;
    const outcome = await store.post({
      run: this.id,
      id: id ?? newToken(),
      kind: 'signal',
      name,
      data,
      ...(key === undefined ? {} : { key }),
      ...(actor === undefined ? {} : { actor }),
    });
    switch (outcome.outcome) {
      case 'posted':
        if (outcome.wakeUp.status === 'waiting') await wake(outcome.wakeUp);
        return;
      case 'known':
        return;
      case 'ended':
        throw endedError(this.id, outcome.status);
      case 'missing':
        throw this.#notFound();
      default:
        throw new Error(`A signal for any wait was ${outcome.outcome}.`);
    }
  }

  /** True when there is nothing to be read of its end yet. */
  async #goesOn(): Promise<boolean> {
    const status = await this.#services.store.observation.status(this.id);
    return status !== undefined && !isEnded(status) && status !== 'quarantined';
  }

  /** The record of a run that has been waited for so long. */
  async #poll(waitedMs: number): Promise<RunRecord> {
    const record = await this.#record();
    this.#attendance?.check(record, waitedMs);
    return record;
  }

  async #record(): Promise<RunRecord> {
    const record = await this.#services.store.record(this.id);
    if (record === undefined) throw this.#notFound();
    return record;
  }

  #notFound(): RunError {
    return runNotFound(this.id);
  }
}
