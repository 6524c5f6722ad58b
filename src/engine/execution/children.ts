/**
 * Child runs, as a handler uses them: started, awaited.
 *
 *   child.starting (id, birth) ──▶ create ──▶ child.started ──▶ child.ended, by a message or by looking
 *          ▲                        │
 *          └─ with another id ◀── an earlier child has the id
 *
 * The birth is the token of the child's creation. It is in the log before the creation is asked for, so that this run
 * answers for the child from then on: a crash in between asks again with the same token and finds the same child, and a
 * run that ends in between has it cancelled.
 *
 * A run that has the id and another birth is somebody else's, and its result is not this run's. When its parent had this
 * run's id, and was deleted or forgotten by Redis, it is left alone and the child gets another id, which is in the log
 * before it is used, too. Any other run there is an error.
 *
 * Acknowledged writes may be forgotten by Redis: the news of a child's end, or the child itself. So whoever waits looks at
 * the child: at once when it was not started here, and again now and then. A child that is gone without a word of its
 * deletion was forgotten, and is started again. A parked run is looked after by the sweeper: see `family.ts`.
 */
import { createHash } from 'node:crypto';
import { newlyEnded } from '../../core/children.ts';
import { recordError } from '../../core/error-record.ts';
import { InvalidError, PawlError } from '../../core/errors.ts';
import type { ChildRefused, ChildStart, ChildStarting, StepFailedData } from '../../core/event.ts';
import type { Child } from '../../core/fold.ts';
import { itemResult, itemsState } from '../../core/items.ts';
import { fixedLimits, type Limits } from '../../core/limits.ts';
import type { ChildHandle, ChildOptions, StartAllOptions } from '../definition/context.ts';
import { endOf } from '../runs/family.ts';
import { encodeInput } from '../runs/run-input.ts';
import { startRun, type StartParts, TakenIdError } from '../runs/start.ts';
import { checkWorkflow } from '../definition/check-workflow.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { Item, Items } from './items.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { stepFailure } from './step-names.ts';
import { childWait, type Waits } from './waits.ts';
import { recordWrite } from './writes.ts';

type Services = StartParts & Pick<ExecutionServices, 'clock' | 'logger'>;

/** What children need of the run that starts them. */
export interface Parent {
  readonly birth: string;
  readonly items: Items;
  readonly waits: Waits;
  /** Ends when the run is parked, or not this worker's any more. */
  readonly awake: () => AbortSignal;
}

const firstRetryMs = 25;
const retryMsMax = 1000;
/** How often a child that is waited for in place is looked at: at first, and at most. */
const firstPollMs = 3_000;
const pollMsMax = 600_000;

/** Children of one call that are at work at one time, when nobody says how many. */
const childrenAtOnce = 100;

/** A child that exists, and the way to its end. */
export type StartedChild = Pick<ChildHandle, 'id' | 'result'>;

/** A child as its handler asked for it. */
interface Asked {
  readonly name: string;
  readonly create: (child: Child) => Promise<RunRecord>;
  /** It is one of many. */
  readonly item?: Item | undefined;
  /** Its id was chosen by the handler, so that no other one will do. */
  readonly isNamed: boolean;
  /** It is just created: there is nothing to look up yet. */
  isFresh: boolean;
  result?: Promise<unknown>;
}

export class Children {
  readonly #scope: RunScope;
  readonly #services: Services;
  readonly #parent: Parent;
  readonly #asked = new Map<string, Asked>();
  #isPolling = false;
  #searches = 0;

  constructor(scope: RunScope, services: Services, parent: Parent) {
    this.#scope = scope;
    this.#services = services;
    this.#parent = parent;
  }

  /** Children are looked at, or one that is gone is looked for: the run must not be parked meanwhile. */
  get isSearching(): boolean {
    return this.#searches > 0;
  }

  /** Starts a child, or finds the one that was started before a crash. `scope`: of the graph node that starts it. */
  async start(
    workflow: AnyWorkflow,
    input: unknown,
    options: ChildOptions,
    { scope, item }: { readonly scope: string; readonly item?: Item },
  ): Promise<StartedChild> {
    checkWorkflow(workflow);
    const { run, names, deliveries, fold, undos } = this.#scope;
    const { as = workflow.name, attached = true, id: chosen, ...startOptions } = options;
    const name = scope + as;
    const parentBirth = this.#parent.birth;
    const asked: Asked = {
      name,
      item,
      isNamed: chosen !== undefined,
      isFresh: false,
      create: ({ run: id, birth }) =>
        startRun(this.#services, workflow, input, {
          ...startOptions,
          id,
          parent: run,
          birth,
          ...(attached ? { attachedTo: parentBirth } : {}),
        }),
    };
    deliveries.asked();
    let seq: number;
    try {
      const known = fold.child(name);
      names.reserve(`start:${name}`, known === undefined);
      this.#asked.set(name, asked);
      if (known === undefined && names.isHeldBack(name)) {
        deliveries.schedule();
        await undos.holdBack();
      }
      const child = known ?? (await this.#intend(name, attached, chosen ?? childId(run, name)));
      if (child.seq === 0) await this.#create(asked, child);
      ({ seq } = fold.child(name) ?? child);
    } catch (error) {
      deliveries.answered();
      throw error;
    }
    await deliveries.turn(seq);
    const id = fold.child(name)?.run ?? chosen ?? childId(run, name);
    return { id, result: () => this.#result(asked, id) };
  }

  /** A child for each input: see `items.ts`. */
  async startAll(
    workflow: AnyWorkflow,
    inputs: readonly unknown[],
    options: StartAllOptions,
    scope: string,
  ): Promise<unknown> {
    const { names, fold } = this.#scope;
    const {
      concurrency = childrenAtOnce,
      onError = 'stop',
      id,
      as = workflow.name,
      ...rest
    } = options;
    const name = scope + as;
    const isNew = itemsState(fold.bookkeeping, name).pages === 0;
    // Each is checked again when it is started: a call that was made before has passed.
    if (isNew) checkInputs(workflow, inputs, this.#services.limits);
    const many = { name, count: inputs.length, concurrency, stops: onError === 'stop' };
    const results = await this.#parent.items.each(many, async (item) => {
      const input = inputs[item.at];
      const chosen = id === undefined ? {} : { id: id(input as never, item.at) };
      const one = { ...rest, ...chosen, as: `${as}:${item.at}` };
      const own = `${name}:${item.at}`;
      try {
        await (await this.start(workflow, input, one, { scope, item })).result();
      } catch (error) {
        // One that could not be started is over, and has failed.
        if (itemResult(fold.bookkeeping, name, item.at) === undefined) throw error;
      }
      this.#asked.delete(own);
      for (const used of [`start:${own}`, childWait + own]) names.release(used);
    });
    return onError === 'stop' ? results.values() : results;
  }

  /** The same promise each time, so that a child may be raced and then awaited. */
  #result(asked: Asked, run: string): Promise<unknown> {
    if (asked.result === undefined) {
      const { name, item } = asked;
      asked.result = this.#parent.waits.child(childWait + name, name, run, item);
      // A caller that awaits it hears of its failure; nobody has to.
      asked.result.catch(() => undefined);
      if (!asked.isFresh) this.#tryToCompare([asked.name]);
      this.#pollChildren();
    }
    return asked.result;
  }

  /** From here on, this run answers for the child. */
  async #intend(name: string, attached: boolean, id: string): Promise<Child> {
    const { writer } = this.#scope;
    const starting: ChildStarting = {
      name,
      attached,
      run: id,
      birth: childBirth(this.#parent.birth, name),
    };
    await writer.submit([recordWrite('child.starting', starting)]);
    return { ...starting, seq: 0 };
  }

  async #create(asked: Asked, child: Child): Promise<void> {
    const { run, writer } = this.#scope;
    const { name } = asked;
    let created: RunRecord;
    try {
      created = await this.#untilStored(() => asked.create(child));
    } catch (error) {
      const otherId = childId(run, name, child.birth);
      const isMovable = error instanceof TakenIdError && error.isOfEarlierParent && !asked.isNamed;
      if (isMovable && child.run !== otherId) {
        await this.#create(asked, await this.#intend(name, child.attached, otherId));
        return;
      }
      const refused: ChildRefused = { name, error: recordError(error) };
      const writes = [recordWrite('child.refused', refused)];
      if (asked.item !== undefined) {
        const about = `Child run ${child.run} was not started`;
        const failed: StepFailedData = {
          name: childWait + name,
          attempts: 1,
          error: refused.error,
          about,
          item: asked.item.mark(true),
        };
        writes.push(recordWrite('step.failed', failed));
      }
      await writer.submit(writes);
      throw stepFailure(run, `start:${name}`, { attempts: 1 }, error);
    }
    // One that was there may have ended, and told so to a parent that did not know of it.
    asked.isFresh = created.fence === 0 && !isEnded(created.status);
    const started: ChildStart = { name, run: child.run };
    await writer.submit([recordWrite('child.started', started)]);
  }

  /** An absent Redis is no failure of the handler: as with a commit, there will be an answer, or somebody else's run. */
  async #untilStored<T>(start: () => Promise<T>): Promise<T> {
    const { lost } = this.#scope;
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        return await start();
      } catch (error) {
        const isWorthwhile = PawlError.is(error) && error.retryable && !lost.aborted;
        if (!isWorthwhile) throw error;
        await this.#services.clock.sleep(delayMs, lost.signal);
      }
    }
  }

  /** The run is no longer parked. */
  goOn(): void {
    this.#pollChildren();
  }

  /** While somebody waits in this process. Ends by itself when nobody does. */
  #pollChildren(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const { writer } = this.#scope;
    const { waits } = this.#parent;
    const awake = this.#parent.awake();
    const look = async (ms: number): Promise<void> => {
      await this.#services.clock.sleep(ms, awake);
      const names = waits.list.flatMap((wait) => (wait.kind === 'child' ? wait.name : []));
      if (awake.aborted || writer.isParked || names.length === 0) {
        this.#isPolling = false;
        return;
      }
      await this.#compare(names.map((name) => name.slice(childWait.length)));
      await look(Math.min(ms * 1.5, pollMsMax));
    };
    look(firstPollMs).catch(this.#onCompareFailed);
  }

  #tryToCompare(names: readonly string[]): void {
    this.#compare(names).catch(this.#onCompareFailed);
  }

  readonly #onCompareFailed = (error: unknown): void => {
    const { run } = this.#scope;
    this.#isPolling = false;
    this.#services.logger.warn(
      { run, error: String(error) },
      'children not looked at, trying again',
    );
    this.#pollChildren();
  };

  /** The run is not parked meanwhile: what is found is for the handler that waits. */
  async #compare(names: readonly string[]): Promise<void> {
    this.#searches += 1;
    try {
      for (const name of names) await this.#pollAt(name);
    } finally {
      this.#searches -= 1;
      this.#scope.deliveries.schedule();
    }
  }

  /** Looked for twice: one that is being imported comes after its parent. */
  async #startAgainIfGone(name: string, child: Child): Promise<void> {
    const { store, logger, clock } = this.#services;
    const { run, lost, deliveries } = this.#scope;
    this.#searches += 1;
    await clock.sleep(firstPollMs, lost.signal);
    try {
      if (lost.aborted || (await store.record(child.run)) !== undefined) return;
      logger.error({ run, child: child.run }, 'redis has forgotten a child run, starting it again');
      await this.#untilStored(async () => this.#asked.get(name)?.create(child));
    } finally {
      this.#searches -= 1;
      deliveries.schedule();
    }
  }

  async #pollAt(name: string): Promise<void> {
    const { fold, writer, deliveries } = this.#scope;
    const child = fold.child(name);
    if (child === undefined || child.end !== undefined) return;
    const record = await this.#services.store.record(child.run);
    if (writer.lost !== undefined || writer.isAway) return;
    if (record === undefined) {
      await this.#startAgainIfGone(name, child);
      return;
    }
    const end = endOf(child, record);
    if (end === undefined || newlyEnded(fold, end) === undefined) return;
    await writer.submit([recordWrite('child.ended', end)]);
    deliveries.schedule();
  }
}

/** What does not fit is refused before the first child is started. @throws InvalidError that names the place. */
function checkInputs(workflow: AnyWorkflow, inputs: readonly unknown[], limits: Limits): void {
  checkWorkflow(workflow);
  for (const [n, input] of inputs.entries()) {
    try {
      encodeInput(workflow, input, limits);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      const problem = error.message.slice(error.field.length + 1);
      throw new InvalidError(`inputs[${n}].${error.field}`, problem, error.cause);
    }
  }
}

/**
 * The birth of a child, made of its parent's: when the parent's log has lost the start, as a Redis that comes back with
 * less than it acknowledged may have, the next start finds the child that is there. A child of another parent that had the
 * same id has another birth.
 */
function childBirth(parent: string, name: string): string {
  return createHash('sha256').update(`${parent}\n${name}`).digest('base64url').slice(0, 22);
}

/**
 * The same for every execution, so that a child is not started twice. A dot within the name would be taken for the one
 * between the names: `a.b` and `c` are not `a` and `b.c`. With its birth it is an id that no other run has.
 */
export function childId(run: string, name: string, birth?: string): string {
  const readable = `${run}.${name.replaceAll(/[^A-Za-z0-9_~-]+/g, '-')}`;
  const isExact = readable === `${run}.${name}` && readable.length <= fixedLimits.runIdLength;
  if (isExact && birth === undefined) return readable;
  const whole = birth === undefined ? `${run}\n${name}` : `${run}\n${name}\n${birth}`;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 16);
  return `${readable.slice(0, fixedLimits.runIdLength - hash.length - 1)}.${hash}`;
}
