/**
 * The caller's side: starts runs, does to them what callers do, looks at how they end. Like any good caller it gives
 * everything an id and repeats what got no answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { PawlError, type Pawl, type RunStatus } from '../../../src/index.ts';
import { type Assignment, type Deed, drawAssignment } from './assignments.ts';
import type { Random } from './random.ts';
import type { Witness } from './witness.ts';
import { booking, counting } from './workflows.ts';

export interface DriverOptions {
  readonly pawl: Pawl;
  readonly random: Random;
  readonly witness: Witness;
  /** Runs at work at one time. */
  readonly active: number;
  /** Redis may lose what it acknowledged: what is missing is done again. */
  readonly mayForget: boolean;
  /** How many runs may have been started by now. */
  readonly allowance: () => number;
  /** Ended runs are judged by their output and deleted. */
  readonly deletes: boolean;
}

interface Entry {
  readonly id: string;
  readonly assignment: Assignment;
  readonly startedAt: number;
  todo: Deed[];
  /** Done already; done again where Redis may forget. */
  done: Deed[];
}

const turnMs = 50;
const pollEveryTurns = 5;
const repeatMs = 100;

export class Driver {
  readonly #options: DriverOptions;
  readonly #open = new Map<string, Entry>();
  /** Runs that have ended, where Redis may forget it. */
  readonly #over = new Map<string, Entry>();
  /** Ids of all runs that were started and not deleted. */
  readonly runs = new Set<string>();
  #count = 0;
  #forgotten = 0;
  #isStarting = true;
  #isRunning = true;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#loop = this.#work();
  }

  /** Runs started, and runs that Redis had acknowledged and lost again. */
  get counts(): { readonly started: number; readonly forgotten: number } {
    return { started: this.#count, forgotten: this.#forgotten };
  }

  /** Runs that have not ended. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Starts one more run than it would by itself. */
  async start(assignment: Assignment): Promise<string> {
    const id = `run-${this.#count}`;
    this.#count += 1;
    await this.#create(id, assignment);
    this.runs.add(id);
    const entry = { id, assignment, startedAt: performance.now(), todo: [...assignment.deeds] };
    this.#open.set(id, { ...entry, done: [] });
    return id;
  }

  /** Resolves when a run that was started here has ended; at the latest after a while. */
  async ended(id: string, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#open.has(id) && performance.now() < deadline) await sleep(turnMs);
  }

  /** A run that has ended, and that nobody will miss. */
  async spare(): Promise<string> {
    const { pawl, witness } = this.#options;
    const id = `spare-${this.#count}`;
    witness.forget(id);
    const run = await this.persist(() => pawl.start(counting, { count: 2, paceMs: 0 }, { id }));
    await this.persist(() => run.result());
    return id;
  }

  /** Does `call` until there is an answer. */
  async persist<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const again =
          PawlError.is(error) &&
          (error.code === 'PAWL_UNAVAILABLE' || error.code === 'PAWL_REDIS_FULL');
        if (!again || !this.#isRunning) throw error;
        await sleep(repeatMs);
      }
    }
  }

  /** Starts no more than `least` in all; resolves when all runs have ended, or with those that have not after a while. */
  async settle(timeoutMs: number, least: number): Promise<readonly string[]> {
    const missing = (): number => Math.min(least, this.#options.allowance()) - this.#count;
    while (missing() > 0) await sleep(turnMs);
    this.#isStarting = false;
    const deadline = performance.now() + timeoutMs;
    const isLate = (): boolean => performance.now() > deadline;
    let left = await this.#atWork();
    while ((left.length > 0 || this.#open.size > 0) && !isLate()) {
      this.#takeBack(left);
      await sleep(500);
      left = await this.#atWork();
    }
    const described = await Promise.all(left.map((one) => this.#describe(one)));
    this.#isRunning = false;
    await this.#loop;
    return described;
  }

  /** Redis may forget that a run has ended, and who asked it to: then it is done again what was done. */
  #takeBack(left: readonly string[]): void {
    for (const one of left) {
      const [id = ''] = one.split(' ');
      const entry = this.#over.get(id);
      if (entry === undefined) continue;
      this.#over.delete(id);
      const todo = [...entry.todo, ...entry.done.flatMap(repeated)];
      this.#open.set(id, { ...entry, todo, done: [] });
    }
  }

  /** What there is to see of a run that does not end. */
  async #describe(left: string): Promise<string> {
    const [id = ''] = left.split(' ');
    const run = this.#options.pawl.run(id);
    const { workflow, worker, seq, fence, paused } = await run.info();
    const last: string[] = [];
    for await (const event of run.events({ signal: AbortSignal.timeout(1_000) })) {
      last.push(`${event.seq} ${event.type} at ${event.at.toISOString()}`);
    }
    const entry = this.#open.get(id);
    const about = { workflow, worker, seq, fence, paused, todo: entry?.todo, done: entry?.done };
    return `${left}, ${JSON.stringify({ ...about, last: last.slice(-6) })},`;
  }

  async #work(): Promise<void> {
    for (let turn = 0; this.#isRunning; turn++) {
      try {
        if (this.#isStarting) await this.#startSome();
        await Promise.all([...this.#open.values()].map((entry) => this.#doDeeds(entry)));
        if (turn % pollEveryTurns === 0) {
          await Promise.all([...this.#open.values()].map((entry) => this.#follow(entry)));
        }
      } catch (error) {
        if (!this.#isRunning) return;
        this.#options.witness.problem(`caller: ${String(error)}`);
      }
      await sleep(turnMs);
    }
  }

  /** Runs of anybody that have not ended: children and those that workers have started too. */
  async #atWork(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const status of ['queued', 'running', 'waiting', 'interrupted'] as const) {
      const { runs } = await this.persist(() => this.#options.pawl.list({ status, limit: 100 }));
      found.push(...runs.map(({ id }) => `${id} (${status})`));
    }
    return found;
  }

  async #startSome(): Promise<void> {
    const { active, allowance, random } = this.#options;
    const wanted = Math.min(active - this.#open.size, allowance() - this.#count);
    const starts = Array.from({ length: Math.max(0, wanted) }, () => drawAssignment(random.fork()));
    await Promise.all(starts.map((assignment) => this.start(assignment)));
  }

  async #create(id: string, { workflow, input }: Assignment): Promise<void> {
    await this.persist(() => this.#options.pawl.start(workflow, input as never, { id }));
  }

  async #doDeeds(entry: Entry): Promise<void> {
    const ageMs = performance.now() - entry.startedAt;
    const due = entry.todo.filter(({ afterMs }) => afterMs <= ageMs);
    entry.todo = entry.todo.filter((deed) => !due.includes(deed));
    for (const deed of due) {
      await this.#do(entry.id, deed);
      entry.done.push(deed);
    }
  }

  async #do(id: string, { what, id: letter }: Deed): Promise<void> {
    const run = this.#options.pawl.run(id);
    try {
      if (what === 'signal') {
        const payload = { from: letter } as never;
        await this.persist(() => run.signal('letter' as never, payload, { id: letter ?? '' }));
      } else {
        await this.persist<unknown>(() => run[what]({ actor: 'matrix' }));
      }
    } catch (error) {
      // The run was faster than we; or Redis has lost it, which `look` finds out.
      if (isAnswer(error, 'PAWL_RUN_ENDED')) return;
      if (this.#options.mayForget && isAnswer(error, 'PAWL_RUN_NOT_FOUND')) return;
      throw error;
    }
  }

  /** Takes a run that has ended off the list, and says so when it has ended otherwise than it should. */
  async #follow(entry: Entry): Promise<void> {
    const { pawl, mayForget, deletes } = this.#options;
    const { id, assignment } = entry;
    let status: RunStatus;
    try {
      ({ status } = await this.persist(() => pawl.run(id).info()));
    } catch (error) {
      if (!mayForget || !isAnswer(error, 'PAWL_RUN_NOT_FOUND')) throw error;
      this.#forgotten += 1;
      await this.#create(id, assignment);
      entry.todo.push(...entry.done.splice(0));
      return;
    }
    if (!['completed', 'failed', 'cancelled', 'quarantined'].includes(status)) {
      if (mayForget) entry.todo.push(...entry.done.splice(0).flatMap(repeated));
      return;
    }
    this.#open.delete(id);
    if (mayForget) this.#over.set(id, entry);
    await this.#check(entry, status);
    if (deletes) {
      await this.persist(() => pawl.delete(id));
      this.runs.delete(id);
    }
  }

  async #check({ id, assignment }: Entry, status: RunStatus): Promise<void> {
    const { pawl, witness } = this.#options;
    const { workflow, ends, output } = assignment;
    const what = `${id} (${workflow.name})`;
    if (!ends.includes(status)) {
      const { error } = await this.persist(() => pawl.run(id).info());
      witness.problem(
        `${what} is ${status} instead of ${ends.join(' or ')}: ${error?.message ?? ''}`,
      );
    } else if (status === 'completed') {
      const found = await this.persist(() => pawl.run(id).result());
      if (isDeepStrictEqual(found, output)) return;
      witness.problem(`${what} returned ${JSON.stringify(found)}, not ${JSON.stringify(output)}`);
    } else if (status === 'cancelled' && assignment.workflow.name === booking.name) {
      const { held } = await this.persist(() => pawl.run(booking, id).state());
      if (held.length > 0)
        witness.problem(`${what} was cancelled and has not given back ${held.join()}`);
    }
  }
}

/** What was done is done again after some time, as often as it takes; but nobody wants a run to be paused for ever. */
function repeated(deed: Deed): readonly Deed[] {
  return deed.what === 'pause' ? [] : [{ ...deed, afterMs: deed.afterMs + 1000 }];
}

function isAnswer(error: unknown, code: string): boolean {
  return PawlError.is(error) && error.code === code;
}
