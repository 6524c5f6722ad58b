/** One performance of a crash test: a run from its start to its end, with a death at one point or none. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PawlError, type ErrorRecord } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/event.ts';
import type { BlobOptions } from '../../blobs/options.ts';
import { fixedLimits } from '../../core/limits.ts';
import { isEnded, type RunStatus } from '../../core/run.ts';
import type { RunStore } from '../../core/store.ts';
import { decodeError } from '../../engine/payloads.ts';
import { askMsMax } from '../../engine/runs/handle-options.ts';
import { endTag } from '../../engine/runs/end-hooks.ts';
import type { RunHandle } from '../../engine/runs/run-handle.ts';
import type { WorkerOptions } from '../../engine/worker/settings.ts';
import type { Worker } from '../../engine/worker/worker.ts';
import type { AnyWorkflow } from '../../engine/definition/workflow.ts';
import { MemoryResumeQueue } from '../../memory/resume-queue.ts';
import { MemoryRunStore } from '../../memory/run-store.ts';
import { Pawl } from '../../pawl.ts';
import { ManualClock } from '../manual-clock.ts';
import { countedWorkflow } from './counted-workflow.ts';
import { Asker, type CrashTestQuestion, type CrashTestReply } from './asker.ts';
import { chunksOf, misplacedChunks, valuesGivenOut } from './given-out.ts';
import { MortalProcess, type WritingCall } from './mortal-process.ts';
import { Witness } from './witness.ts';

/** A message for the run; `after` so many stored commits, or at the start. */
export interface CrashTestSignal {
  /** The name of the signal, as the workflow defines it. */
  readonly name: string;
  /** What the signal carries. */
  readonly payload: unknown;
  /** Which of the waits for it is meant: see `key` of `ctx.waitFor`. */
  readonly key?: string;
  /** Sent after so many stored commits. Default 0: at the start. */
  readonly after?: number;
}

/** Where a process dies: right before or right after its call of this number, from 1. */
export interface CrashPoint {
  readonly call: number;
  readonly side: 'before' | 'after';
}

export interface PerformanceOptions {
  readonly workflow: AnyWorkflow;
  /** Other workflows that the workers know: those of children. */
  readonly others: readonly AnyWorkflow[];
  readonly input: unknown;
  readonly signals: readonly CrashTestSignal[];
  readonly questions: readonly CrashTestQuestion[];
  readonly worker: Partial<Omit<WorkerOptions, 'workflows'>>;
  readonly wrapStore: (store: RunStore) => RunStore;
  readonly blobs?: BlobOptions;
  readonly bodyMs: number;
  readonly key?: string;
  readonly point?: CrashPoint;
}

/** How a run has ended. */
export interface CrashTestEnding {
  /** The status that the run ended with. */
  readonly status: RunStatus;
  /** What the handler returned; undefined unless the run completed. */
  readonly output: unknown;
  /** Why the run failed; undefined when it did not. */
  readonly error: Pick<ErrorRecord, 'name' | 'message' | 'code'> | undefined;
  /** The state at the end. */
  readonly state: unknown;
  /** How the run of the hook for the end has ended; undefined when the workflow has no `onEnd`. */
  readonly hook: RunStatus | undefined;
  /** What the run gave out, by output and step, without the chunks of dead epochs. The step of the handler is empty. */
  readonly chunks: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>;
  /** What came of each question, in their order; undefined of one that the run has ended before. */
  readonly replies: readonly (CrashTestReply | undefined)[];
}

export interface Performed {
  /** Undefined when it did not end. */
  readonly ending: CrashTestEnding | undefined;
  /** Claims, commits and writes of chunks of the first process, described. */
  readonly calls: readonly string[];
  readonly commits: number;
  readonly crashed: boolean;
  readonly violations: readonly string[];
}

/** The same in every performance, so that idempotency keys and messages are the same, too. */
const runId = 'crash-test';
/** A run that has not moved for so long, on its clock, with nothing that it waits for, will not move any more. */
/** Real time for what a handler does between its steps. */
const handlerMs = 25;
const idleSecondsMax = 60;
const turnsMax = 20_000;

interface Living {
  readonly process: MortalProcess;
  readonly pawl: Pawl;
  readonly worker: Worker;
}

export class Performance {
  readonly #options: PerformanceOptions;
  readonly #clock = new ManualClock();
  readonly #memory = new MemoryRunStore({ clock: this.#clock });
  readonly #queue = new MemoryResumeQueue();
  readonly #store: RunStore;
  readonly #witness = new Witness();
  readonly #calls: string[] = [];
  readonly #processes: Living[] = [];
  readonly #caller: Pawl;
  #pending: (CrashTestSignal & { readonly id: string })[];
  readonly #asker: Asker;
  #crashed = false;
  /** A signal that could not be posted. */
  #refused: { readonly error: unknown } | undefined;

  constructor(options: PerformanceOptions) {
    this.#options = options;
    this.#store = options.wrapStore(this.#memory);
    this.#caller = Pawl.assemble({ ...this.#parts, store: this.#store });
    // The time of an ended run to be kept is no time to come to: others may be held by a dead worker until then.
    this.#clock.follow(() => this.#memory.nextDueAt(this.#clock.now(), { expiries: false }));
    this.#pending = options.signals.map((signal, i) => ({ ...signal, id: `signal-${i}` }));
    this.#asker = new Asker(options.questions, (question) => this.#ask(question));
  }

  get #parts(): Omit<Parameters<typeof Pawl.assemble>[0], 'store'> {
    const { blobs } = this.#options;
    // It dies and fails on purpose; what matters is in the report.
    const parts = { queue: this.#queue, clock: this.#clock, logger: false as const };
    return blobs === undefined ? parts : { ...parts, blobs };
  }

  async perform(): Promise<Performed> {
    try {
      return await this.#perform();
    } finally {
      await this.#close();
    }
  }

  async #perform(): Promise<Performed> {
    const { workflow, input, key } = this.#options;
    this.#spawn();
    await this.#clock.settle();
    await this.#caller.start(workflow, input, { id: runId, ...(key === undefined ? {} : { key }) });
    await this.#postSignals();
    const hasEnded = await this.#untilEnd();
    await this.#judgeLogs();
    const run = this.#caller.run(workflow, runId) as RunHandle;
    const ending = hasEnded ? await this.#ending(run) : undefined;
    const { violations, commits } = this.#witness;
    return { ending, calls: this.#calls, commits, crashed: this.#crashed, violations };
  }

  /** Starts a process with a worker; only the first one dies. */
  #spawn(): void {
    const { workflow, others, worker: workerOptions, point } = this.#options;
    const isFirst = this.#processes.length === 0;
    const process: MortalProcess = new MortalProcess({
      store: this.#store,
      queue: this.#queue,
      fate: (call) => {
        if (!isFirst) return undefined;
        this.#calls.push(describe(call));
        return point?.call === this.#calls.length ? point.side : undefined;
      },
      onCommit: (params, outcome) => {
        this.#witness.onCommit(params, outcome);
        this.#asker.askAfter(this.#witness.commits);
        this.#postSignals().catch((error: unknown) => (this.#refused ??= { error }));
      },
      onDeath: () => {
        this.#crashed = true;
        this.#witness.forgetBodies();
        this.#memory.vanish(worker.id);
        this.#spawn();
      },
    });
    const pawl = Pawl.assemble({ ...this.#parts, store: process.store, queue: process.queue });
    const watch = {
      isDead: () => process.isDead,
      onBody: (run: string, step: string) => this.#witness.onBody(run, step),
    };
    const workflows = [workflow, ...others].map((one) => countedWorkflow(one, watch));
    const worker = pawl.worker({ ...workerOptions, workflows });
    this.#processes.push({ process, pawl, worker });
  }

  /** Posts what is to be posted after as many commits as there are; one more when `next`. */
  async #postSignals(next = false): Promise<boolean> {
    const { commits } = this.#witness;
    const ready = this.#pending.filter(
      ({ after }, i) => (next && i === 0) || (after ?? 0) <= commits,
    );
    this.#pending = this.#pending.filter((signal) => !ready.includes(signal));
    const run = this.#caller.run(this.#options.workflow, runId) as RunHandle;
    for (const { name, payload, id, key } of ready) {
      try {
        await run.signal(name, payload, { id, ...(key === undefined ? {} : { key }) });
      } catch (error) {
        // It may end without having taken all that is sent to it.
        if (!PawlError.is(error) || error.code !== 'PAWL_RUN_ENDED') throw error;
      }
    }
    return ready.length > 0;
  }

  async #ask({ ask, payload }: CrashTestQuestion): Promise<unknown> {
    const run = this.#caller.run(this.#options.workflow, runId) as RunHandle;
    // As long as there is: it is not the time that a death changes anything of.
    return run.ask(ask, payload, { timeoutMs: askMsMax });
  }

  /** Lets time pass until the run has ended; false when it never does. */
  async #untilEnd(): Promise<boolean> {
    let idleSeconds = 0;
    let seq = 0;
    for (let turn = 0; turn < turnsMax && idleSeconds < idleSecondsMax; turn++) {
      await this.#clock.settle();
      if (this.#refused !== undefined) throw this.#refused.error;
      const record = await this.#memory.record(runId);
      if (record === undefined) return false;
      if (record.status === 'quarantined') return true;
      if (isEnded(record.status) && (await this.#isHookOver())) return true;
      if (record.seq > seq) idleSeconds = 0;
      ({ seq } = record);
      if (await this.#bodiesWork()) continue;
      if (await this.#asker.getsReply(this.#options.bodyMs)) continue;
      if (record.status === 'running' && (await this.#handlerWorks(record.seq))) continue;
      if (await this.#clock.advanceToNext()) continue;
      if (this.#asker.askNext() || (await this.#postSignals(true))) continue;
      idleSeconds += 1;
      await this.#clock.advance('1s');
    }
    return false;
  }

  /** Gives bodies that are at work real time; false when they need time of the clock. */
  async #bodiesWork(): Promise<boolean> {
    const before = this.#witness.openBodies;
    if (before === 0) return false;
    for (let ms = 0; ms < this.#options.bodyMs; ms++) {
      await sleep(1);
      if (this.#witness.openBodies !== before) return true;
    }
    return false;
  }

  /** Gives a handler that works outside of its steps a little real time; false when nothing comes of it. */
  async #handlerWorks(seq: number): Promise<boolean> {
    for (let ms = 0; ms < handlerMs; ms++) {
      await sleep(1);
      const record = await this.#memory.record(runId);
      if (record?.seq !== seq || record.status !== 'running') return true;
    }
    return false;
  }

  /** True when there is no hook for the end, or it has ended as well. */
  async #isHookOver(): Promise<boolean> {
    if (this.#options.workflow.definition.onEnd === undefined) return true;
    const status = await this.#hook();
    return status !== undefined && isEnded(status);
  }

  async #hook(): Promise<RunStatus | undefined> {
    const tag = `${endTag}=${runId}`;
    return (await this.#memory.lists.runs({ tag, limit: 1 })).runs[0]?.status;
  }

  /** Of all runs that there are: its children and the hook for its end are held to the same. */
  async #judgeLogs(): Promise<void> {
    const limit = fixedLimits.runsPerPage;
    const { runs } = await this.#memory.lists.runs({ limit });
    for (const { id } of runs) {
      this.#witness.judgeLog(id, await this.#log(id), id === runId ? '' : `run ${id}: `);
    }
  }

  async #log(run: string): Promise<readonly StoredEvent[]> {
    const log: StoredEvent[] = [];
    for (;;) {
      const limit = fixedLimits.eventsPerPage;
      const page = await this.#store.events({ run, after: log.length, limit });
      log.push(...page);
      if (page.length < limit) return log;
    }
  }

  async #ending(run: RunHandle): Promise<CrashTestEnding> {
    const record = await this.#store.record(runId);
    const recorded = decodeError(record?.error, 'crash test, error');
    let output: unknown;
    if (record?.status === 'completed') output = await run.result();
    let state: unknown;
    try {
      state = await run.state();
    } catch (error) {
      this.#witness.violations.push(`the state cannot be read: ${String(error)}`);
    }
    const { name, message, code } = recorded ?? { name: '', message: '' };
    const error = recorded && { name, message, ...(code === undefined ? {} : { code }) };
    const hook = await this.#hook();
    const chunks = await chunksOf(this.#store, runId);
    this.#witness.violations.push(...misplacedChunks(chunks));
    const status = record?.status ?? 'failed';
    const { replies } = this.#asker;
    return { status, output, error, state, hook, chunks: valuesGivenOut(chunks), replies };
  }

  async #close(): Promise<void> {
    for (const { process } of this.#processes) process.end();
    const closed = Promise.all(this.#processes.map(({ pawl }) => pawl.close({ graceMs: 0 })));
    await this.#clock.advance('1m');
    await closed;
    await this.#caller.close();
  }
}

function describe(call: WritingCall): string {
  if (call.kind === 'write') return `write of ${call.params.chunks.length} chunks`;
  if (call.kind !== 'commit') return call.kind;
  const { events, release } = call.params;
  const what = [
    ...events.map(({ type }) => type),
    ...(release === undefined ? [] : [release.status]),
  ];
  return `commit of ${what.join(', ')}`;
}
