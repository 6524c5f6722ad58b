/**
 * Makes sound histories out of nothing: a small model of a run's life, kept apart from the scripts that it is compared
 * with by way of the judge. A move that does not fit where the run stands is passed over, so that any list of moves is a
 * plan.
 */
import { z } from 'zod';
import { defineWorkflow } from 'pawl';
import type { StoredEvent } from '../../../src/core/event.ts';
import { Fold } from '../../../src/core/fold.ts';
import { isEnded, type RunRecord, type RunStatus } from '../../../src/core/run.ts';
import type { Snapshot } from '../../../src/core/store.ts';
import { encodeRecord } from '../../../src/engine/payloads.ts';
import { Snapshotter } from '../../../src/engine/execution/snapshotter.ts';
import { reducersOf } from '../../../src/engine/definition/workflow.ts';
import {
  type BodyRun,
  digestOf,
  type History,
  type Place,
  type RunHistory,
  type ToldEvent,
} from './history.ts';
import { recover } from './recover.ts';

export const moves = [
  ...(['claim', 'step', 'inner', 'save', 'lose', 'hand back', 'sleep', 'wait'] as const),
  ...(['signal', 'take', 'pause', 'end'] as const),
];
export type Move = (typeof moves)[number];

export const flow = defineWorkflow({
  name: 'flow',
  state: z.object({ sum: z.number().default(0), steps: z.array(z.string()).default([]) }),
  events: { added: z.object({ n: z.int(), step: z.string() }) },
  reduce: {
    added: (state, { n, step }) => ({ sum: state.sum + n, steps: [...state.steps, step] }),
  },
  run: () => undefined,
});

/** What every waiting run of this model waits for. */
const wait = { kind: 'signal', name: 'wait', on: ['go'], since: 1 } as const;

const startedAt = 1_800_000_000_000;
const keepMs = 86_400_000;

class ModelRun {
  readonly events: StoredEvent[] = [];
  readonly told: ToldEvent[] = [];
  readonly bodies: BodyRun[] = [];
  readonly #id: string;
  readonly #fold: Fold;
  readonly #snapshotter = new Snapshotter({ schema: 1, limit: 1_000_000, saved: new Map() });
  readonly #fields = new Map<string, Uint8Array>();
  #snapshot: Snapshot | undefined;
  #status: RunStatus = 'queued';
  #at = startedAt;
  #changedAt = startedAt;
  #fence = 0;
  #steps = 0;
  #messages = 0;
  #paused = false;
  #wakeAt: number | undefined;

  constructor(id: string) {
    this.#id = id;
    const start = { seq: 0, state: flow.initialState, bookkeeping: new Map() };
    this.#fold = new Fold(start, { reducers: reducersOf(flow), origin: id, guard: 'none' });
    this.#write('run.created', { workflow: flow.name, codeVersion: 1 }, 'client');
  }

  move(move: Move): void {
    this.#at += 7;
    if (move === 'claim') this.#claim();
    else if (move === 'signal') this.#messages += isEnded(this.#status) ? 0 : 1;
    else if (move === 'pause') this.#pause();
    else if (this.#status === 'running') this.#work(move);
  }

  #claim(): void {
    const isAwake = this.#status === 'waiting' && this.#messages > 0;
    const isReady = this.#status === 'queued' || this.#status === 'interrupted' || isAwake;
    if (!isReady || this.#paused) return;
    this.#fence = this.#at * 1000;
    this.#wakeAt = undefined;
    this.#turn('running');
    this.#write('run.claimed', { worker: this.#worker, codeVersion: 1 });
  }

  #pause(): void {
    if (this.#paused || isEnded(this.#status) || this.#status === 'running') return;
    this.#paused = true;
    this.#fence = this.#at * 1000;
    this.#write('operator.paused', {});
  }

  #work(move: Move): void {
    if (move === 'step') this.#step(`step ${(this.#steps += 1)}`);
    if (move === 'inner') {
      const outer = `outer ${(this.#steps += 1)}`;
      this.#step(`${outer} › inner`);
      this.#step(outer);
    }
    if (move === 'save') this.#save();
    if (move === 'lose') this.#lose();
    if (move === 'take' && this.#messages > 0) {
      this.#messages -= 1;
      const signal = { id: `signal ${this.#at}`, name: 'go', payload: encodeRecord(1) };
      this.#write('signal.received', signal);
    }
    if (move === 'hand back') this.#turn('queued');
    if (move === 'sleep' && this.#messages === 0) {
      this.#wakeAt = this.#at + 3_600_000;
      this.#turn('waiting');
    }
    if (move === 'wait' && this.#messages === 0) this.#turn('waiting');
    if (move === 'end') {
      this.#write('run.completed', {});
      this.#turn('completed');
    }
  }

  #step(step: string): void {
    const body = { run: this.#id, step, fence: this.#fence };
    this.bodies.push({ ...body, outcome: 'begun' }, { ...body, outcome: 'done' });
    this.#write('added', { n: this.#at % 10, step });
    this.#write('step.completed', { name: step, result: encodeRecord(this.#at), attempts: 1 });
  }

  #save(): void {
    const { delta } = this.#snapshotter.delta(this.#fold);
    for (const [field, bytes] of delta.set) this.#fields.set(field, bytes);
    for (const field of delta.remove) this.#fields.delete(field);
    const version = (this.#snapshot?.version ?? 0) + 1;
    const { seq } = this.#fold;
    this.#snapshot = { version, seq, schema: 1, at: this.#at, fields: new Map(this.#fields) };
  }

  /** In the middle of a step, whose body the next owner runs again. */
  #lose(): void {
    const step = `step ${this.#steps + 1}`;
    this.bodies.push({ run: this.#id, step, fence: this.#fence, outcome: 'begun' });
    this.#fence = this.#at * 1000;
    this.#write('run.interrupted', { worker: this.#worker, reason: 'presence-lost' });
    this.#turn('interrupted');
  }

  #turn(status: RunStatus): void {
    this.#status = status;
    this.#changedAt = this.#at;
  }

  get #worker(): string {
    return `worker of ${this.#id}`;
  }

  #write(type: string, value: object, by = this.#worker): void {
    const data = encodeRecord(value);
    this.#fold.apply({ type, data: value });
    const { seq } = this.#fold;
    this.events.push({ seq, fence: this.#fence, type, at: this.#at, data });
    if (type === 'run.interrupted' || type === 'operator.paused') return;
    const told = { run: this.#id, seq, type, digest: digestOf(data), fence: this.#fence };
    this.told.push({ ...told, by });
  }

  get #record(): RunRecord {
    return {
      id: this.#id,
      workflow: flow.name,
      codeVersion: 1,
      status: this.#status,
      fence: this.#fence,
      seq: this.#fold.seq,
      key: undefined,
      turn: undefined,
      firstSeq: 1,
      paused: this.#paused,
      wakeAt: this.#wakeAt,
      worker: this.#status === 'running' ? this.#worker : undefined,
      version: this.#snapshot?.version ?? 0,
      snapshotSeq: this.#snapshot?.seq ?? 0,
      input: encodeRecord({}),
      output: undefined,
      error: undefined,
      tags: { of: this.#id, all: 'yes' },
      takeovers: 0,
      losses: 0,
      bytes: 0,
      progress: undefined,
      deadlineAt: undefined,
      waits: this.#status === 'waiting' ? [wait] : [],
      birth: this.#id,
      wroteVersion: 1,
      needsVersion: undefined,
      priority: 0,
      chunks: 0,
      parent: undefined,
      onEnd: false,
      createdAt: startedAt,
      changedAt: this.#changedAt,
    };
  }

  async history(): Promise<RunHistory> {
    const run = { record: this.#record, events: this.events, snapshot: this.#snapshot };
    const message = { kind: 'signal', name: 'go' } as const;
    const inbox = Array.from({ length: this.#messages }, () => message);
    const woken = this.#status === 'waiting' && this.#messages > 0;
    const notes = { woken, polls: false };
    return { id: this.#id, ...run, inbox, ...notes, recovered: await recover(run, flow) };
  }

  /** When somebody must look at the run; undefined when nobody need. */
  get dueAt(): number | undefined {
    if (isEnded(this.#status)) return this.#changedAt + keepMs;
    if (this.#paused || this.#status === 'running') return undefined;
    if (this.#status !== 'waiting' || this.#messages > 0) return this.#at + 3_000;
    return this.#wakeAt;
  }
}

/** What is left of runs that made these moves. */
export async function soundHistory(plans: readonly (readonly Move[])[]): Promise<History> {
  const models = plans.map((plan, i) => {
    const model = new ModelRun(`run ${i}`);
    for (const move of plan) model.move(move);
    return model;
  });
  const runs = await Promise.all(models.map((model) => model.history()));
  const due = models.flatMap(({ dueAt }, i): Place[] =>
    dueAt === undefined ? [] : [{ run: `run ${i}`, score: dueAt }],
  );
  return {
    at: startedAt + 60_000,
    runs,
    indexes: { ...indexesOf(runs), due },
    told: models.flatMap(({ told }) => told),
    bodies: models.flatMap(({ bodies }) => bodies),
  };
}

function indexesOf(runs: readonly RunHistory[]): Omit<History['indexes'], 'due'> {
  const created = runs.map(({ id: run, record }) => ({ run, score: record.createdAt }));
  const byStatus: Record<string, Place[]> = {};
  const byTag: Record<string, Place[]> = { 'all=yes': created };
  const held: Record<string, string[]> = {};
  for (const { id: run, record } of runs) {
    (byStatus[record.status] ??= []).push({ run, score: record.createdAt });
    byTag[`of=${run}`] = [{ run, score: record.createdAt }];
    if (record.worker !== undefined) held[record.worker] = [run];
  }
  const byWorkflow = { [flow.name]: created };
  // A worker may stay among the holders after its last run.
  const holders = runs.map(({ id }) => `worker of ${id}`);
  const ids = runs.map(({ id: run }) => ({ run, score: 0 }));
  const { waiting } = byStatus;
  const byWait = waiting === undefined ? {} : { signal: waiting, 'signal:go': waiting };
  return { runs: created, ids, byStatus, byWorkflow, byTag, byWait, held, holders };
}
