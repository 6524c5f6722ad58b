/**
 * A session of OpenAI Agents is a run of its own, without a workflow and a worker: see `StoreCheckpointer`. Any process may
 * change it at any time.
 *
 *   claim ──▶ fold ──▶ decide ──▶ save, all or nothing ──▶ let go
 *     ▲                              │ fenced: somebody else has claimed it since, and nothing of it was written
 *     └────── wait a little ◀────────┘
 *
 * So a change is decided on the history that it changes, and no two processes change the same one. Crash before the save:
 * nothing has happened. Crash after it: the change is there, and the run is free for the next claim, let go or not. A change
 * with an id that is made again finds its id in the log, because both were one save.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type {
  AgentInputItem,
  Session,
  SessionHistoryTransactionAwareSession,
} from '@openai/agents';
import { detach } from '../core/detached.ts';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { InvalidError, PawlError } from '../core/errors.ts';
import { duration, needed, optionsOf, text } from '../core/option-rules.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import { StoreCheckpointer } from '../engine/loop/store-checkpointer.ts';
import type { Pawl } from '../pawl.ts';
import { type Change, digestOf, History, type HistoryState, textOf } from './history.ts';
import { checkSessionId, sessionRun, sessionWorkflow } from './session-ids.ts';
import { idleSessions } from './session-expiry.ts';

/** Which session it is, and for how long it is kept. */
export interface PawlSessionOptions {
  /** The id of the session: any text of at most 1,024 characters. */
  readonly sessionId: string;
  /**
   * How long after its last change a session is deleted, as a whole. It is written down when the session is made. Default:
   * never. Processes that change sessions delete those whose time is over, now and then.
   */
  readonly ttl?: Duration;
}

type Transaction = Parameters<SessionHistoryTransactionAwareSession['applyHistoryTransaction']>[0];
type Mutation = {
  readonly type: string;
  readonly callId: string;
  readonly replacement: AgentInputItem;
};

const checkOptions = optionsOf<PawlSessionOptions>({ sessionId: needed(text), ttl: duration });

/** Between two tries to change what others change too. */
const firstPauseMs = 2;
const pauseMsMax = 100;
const triesMax = 200;

/**
 * The history of a conversation, for `run(agent, input, { session })` of OpenAI Agents, kept in the runs of a pawl.
 * Processes may change it at the same time: no item is lost, and none is stored twice. In the handler of a workflow, wrap it
 * with `session` of `durableAgent`.
 */
export class PawlSession implements Session {
  readonly #pawl: Pick<Pawl, 'checkpointer'>;
  readonly #id: string;
  readonly #run: string;
  readonly #ttlMs: number | undefined;
  readonly #queue = new SerialQueue();

  /** @throws InvalidError for an option that does not fit. Nothing is written before the first change. */
  constructor(pawl: Pick<Pawl, 'checkpointer'>, options: PawlSessionOptions) {
    checkOptions(options, 'session options');
    const { sessionId, ttl } = options;
    this.#pawl = pawl;
    this.#id = checkSessionId(sessionId);
    this.#run = sessionRun(sessionId);
    this.#ttlMs = ttl === undefined ? undefined : toMilliseconds(ttl, 'session options.ttl');
  }

  /** The id of the run that has the history, for `pawl runs show` and the pages. */
  get run(): string {
    return this.#run;
  }

  /** Its name, as it was given. */
  async getSessionId(): Promise<string> {
    return this.#id;
  }

  /** The items in their order; with `limit`, that many of the newest ones. Objects of your own: change them as you like. */
  async getItems(limit?: number): Promise<AgentInputItem[]> {
    const latest = await this.#pawl.checkpointer.loadLatest<HistoryState>(this.#run);
    const items = latest === undefined ? [] : new History(latest).items;
    return limit === undefined ? items : limit > 0 ? items.slice(-limit) : [];
  }

  /**
   * Adds items, all or none: at most 1 MB, and 256 kB each.
   * @throws UnstorableError, LimitError: nothing was written. UnavailableError: perhaps it was.
   */
  async addItems(items: AgentInputItem[]): Promise<void> {
    if (items.length === 0) return;
    await this.#change(({ length }) => ({ keep: length, add: items }));
  }

  /** Takes the newest item away and resolves with it; undefined when there is none. */
  async popItem(): Promise<AgentInputItem | undefined> {
    let popped: AgentInputItem | undefined;
    await this.#change((items) => {
      popped = items.at(-1);
      return popped === undefined ? undefined : { keep: items.length - 1, add: [] };
    });
    return popped;
  }

  /** Deletes the session with all that is known of it, the ids of its changes included. */
  async clearSession(): Promise<void> {
    await this.#queue.run(() => this.#pawl.checkpointer.deleteRun(this.#run));
  }

  /** Puts these items in the place of all that are there, in one step. */
  async replaceHistoryWithCompaction(items: AgentInputItem[]): Promise<void> {
    await this.#change(() => ({ keep: 0, add: items }));
  }

  /** Changes calls of functions in the history, as the SDK asks when a person has changed their input. */
  async applyHistoryMutations({
    mutations,
  }: {
    readonly mutations: readonly Mutation[];
  }): Promise<void> {
    await this.#change((items) => {
      const changed = mutations.reduce(mutated, items);
      const keep = items.findIndex((item, i) => item !== changed[i]);
      return keep < 0 ? undefined : { keep, add: changed.slice(keep) };
    });
  }

  /**
   * Makes a change that has an id: made again, it changes nothing. The last 1,000 ids are remembered.
   * @throws PawlError `PAWL_CONFLICT` when the id was another change's, or the history does not end as the change says.
   *   Nothing was written then.
   */
  async applyHistoryTransaction({ operationId, transaction }: Transaction): Promise<void> {
    if (typeof operationId !== 'string' || operationId.trim() === '') {
      throw new InvalidError('operationId', 'must be a text that is not empty.');
    }
    const change = changeOf(transaction);
    const operation = { id: operationId, digest: digestOf(transaction) };
    await this.#change((items) => change(items, this.#id), operation);
  }

  /** `decide` gives the change of a history, or nothing when there is none. */
  #change(
    decide: (items: readonly AgentInputItem[]) => Change | undefined,
    operation?: { readonly id: string; readonly digest: string },
  ): Promise<void> {
    return this.#queue.run(async () => {
      for (let tries = 1; ; tries += 1) {
        try {
          await this.#once(decide, operation);
          return;
        } catch (error) {
          if (!isLost(error) || tries === triesMax) throw error;
          const most = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(tries, 10));
          await pause(Math.random() * most);
        }
      }
    });
  }

  async #once(
    decide: (items: readonly AgentInputItem[]) => Change | undefined,
    operation?: { readonly id: string; readonly digest: string },
  ): Promise<void> {
    const claim = await this.#pawl.checkpointer.claim<HistoryState>(this.#run, {
      workflow: sessionWorkflow,
      metadata: { session: this.#id, ...(this.#ttlMs !== undefined && { ttlMs: this.#ttlMs }) },
    });
    // Lets go of it also when the change is refused.
    await using _ = claim;
    const history = new History(claim);
    const known = operation && history.digestOf(operation.id);
    if (known !== undefined) {
      if (known === operation?.digest) return;
      throw conflict(this.#id, `operation ${operation?.id} was another change`);
    }
    const change = decide(history.items);
    if (change === undefined) return;
    await claim.saveEvents(history.change(change, operation)).catch((error: unknown) => {
      // It was stored before somebody else has taken the run.
      if (!PawlError.is(error) || error.outcome !== 'applied') throw error;
    });
    const { due } = history;
    if (due !== undefined) await claim.saveSnapshot(due).catch(ifLost);
    if (this.#ttlMs !== undefined) this.#sweep(this.#ttlMs);
  }

  #sweep(ttlMs: number): void {
    const parts = StoreCheckpointer.partsOf(this.#pawl.checkpointer);
    detach(idleSessions(this.#pawl.checkpointer, parts).sweep(ttlMs), (error) => {
      const words = 'Sessions whose time is over could not be deleted; they will be.';
      parts.logger.warn({ error: String(error) }, words);
    });
  }
}

/** Somebody else has taken or deleted the run meanwhile, and nothing was written. */
function isLost(error: unknown): boolean {
  const isOthers =
    PawlError.is(error) && ['PAWL_FENCED', 'PAWL_RUN_NOT_FOUND'].includes(error.code);
  return isOthers && error.outcome === 'not-applied';
}

/** The events are stored; a snapshot of them is saved another time. */
function ifLost(error: unknown): void {
  if (!PawlError.is(error) || !['PAWL_FENCED', 'PAWL_RUN_NOT_FOUND'].includes(error.code)) {
    throw error;
  }
}

function changeOf(
  transaction: Transaction['transaction'],
): (items: readonly AgentInputItem[], session: string) => Change {
  if (transaction.type === 'append_items') {
    return ({ length }) => ({ keep: length, add: transaction.items });
  }
  const { expectedSuffix, replacement } = transaction;
  if (!Array.isArray(expectedSuffix) || !Array.isArray(replacement)) {
    throw new InvalidError('transaction', 'is none that a session knows.');
  }
  return (items, session) => {
    const keep = items.length - expectedSuffix.length;
    const suffix = items.slice(Math.max(0, keep));
    if (keep < 0 || textOf(suffix) !== textOf(expectedSuffix)) {
      throw conflict(session, 'its history does not end as the change says');
    }
    return { keep, add: replacement };
  };
}

function mutated(
  items: readonly AgentInputItem[],
  { type, callId, replacement }: Mutation,
): readonly AgentInputItem[] {
  if (type !== 'replace_function_call') {
    throw new InvalidError('mutations', `of type ${type} are not known.`);
  }
  const isIt = (item: AgentInputItem): boolean =>
    item.type === 'function_call' && item.callId === callId;
  const first = items.findIndex(isIt);
  return items.flatMap((item, i) => (isIt(item) ? (i === first ? [replacement] : []) : [item]));
}

function conflict(session: string, what: string): PawlError {
  return new PawlError('PAWL_CONFLICT', `Session ${session}: ${what}; nothing was written.`);
}
