/**
 * Writes that are acknowledged only when replicas, or the disk, have them.
 *
 *   calls gather ──▶ one pipeline: script, script, …, WAIT ──▶ answers ──▶ the next pipeline with what has gathered
 *
 * The invariant: an answer is given only when the WAIT after it, on the same connection to the same server, has counted
 * enough. WAIT speaks about its own connection only. A WAIT that is sent again after a reconnect, without its scripts, would
 * speak for a server that may never have seen them: the lie that a failover makes. So a pipeline is whole or nothing
 * (ioredis drops what is left of one whose first answers have come), and where the WAIT has no answer the scripts are sent
 * again, too. They recognise their repetition by its token, and write then as well, because WAIT counts from the last write.
 *
 * One pipeline at a time per server: a connection that waits does nothing else, so what comes meanwhile shares the next
 * round. A crash in between leaves scripts that took effect and were not acknowledged, as any lost answer does.
 *
 * In a Cluster the pipeline goes to the node of the slot, and redirections (MOVED, ASK, TRYAGAIN) are followed here, each
 * call by itself, because a script and the WAIT after it must not be parted.
 */
import { detach } from '../core/detached.ts';
import calculateSlot from 'cluster-key-slot';
import { Cluster, type Redis } from 'ioredis';
import { DurabilityError, UnavailableError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Connection } from './connection.ts';
import type { Confirmation } from './durability.ts';
import type { Script } from './script-command.ts';

export type Argument = string | number | Buffer;
type Reply = readonly unknown[];

export interface DurableScript extends Pick<Script, 'source' | 'sha'> {
  readonly keys: number;
  /** Sent again after a lost answer, it answers as the first time would have. */
  readonly isRepeatable: boolean;
}

export interface DurableWritesOptions {
  /** Used for nothing else, because it waits a lot. */
  readonly connection: Connection;
  readonly confirmation: Confirmation;
  /** How long a call goes on trying to find an answer. */
  readonly callMs: number;
  readonly logger: Logger;
}

interface Call {
  readonly script: DurableScript;
  readonly args: readonly Argument[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  readonly deadline: number;
  /** The server does not know the script yet. */
  bySource: boolean;
  /** Where a redirection has pointed to. */
  at: string | undefined;
  asking: boolean;
  /** It was sent, and its answer lost. */
  perhapsApplied: boolean;
}

/** What goes over one connection. */
interface NodeQueue {
  waiting: Call[];
  isBusy: boolean;
}

/** Scripts in one pipeline. */
const batchMax = 1_000;
const againMs = 50;

/** Replies that acknowledge nothing: they say that nothing was written, so there is nothing to wait for. */
const refusals = new Set([
  'fenced',
  'conflict',
  'missing',
  'held',
  'stale',
  'notClaimable',
  'notResumable',
  'unread',
  'damaged',
  'ended',
]);
const redirection = /^(MOVED|ASK) \d+ (\S+)/;
/** The server will take the same call soon. */
const later = /^(TRYAGAIN|CLUSTERDOWN|READONLY|LOADING|MASTERDOWN|UNBLOCKED)\b/;

export class DurableWrites {
  readonly #options: DurableWritesOptions;
  readonly #queues = new WeakMap<Redis, NodeQueue>();
  #isShort = false;
  #closed = false;

  constructor(options: DurableWritesOptions) {
    this.#options = options;
  }

  /**
   * Runs a script and waits until it is confirmed.
   * @throws DurabilityError when it took effect and was not confirmed in time; whatever the connection throws otherwise.
   */
  call(script: DurableScript, args: readonly Argument[]): Promise<Reply> {
    const deadline = performance.now() + this.#options.callMs;
    return new Promise((resolve, reject) => {
      this.#submit({
        script,
        args,
        resolve,
        reject,
        deadline,
        bySource: false,
        at: undefined,
        asking: false,
        perhapsApplied: false,
      });
    });
  }

  close(): void {
    this.#closed = true;
    this.#options.connection.disconnect();
  }

  #submit(call: Call): void {
    const node = this.#nodeOf(call);
    if (node === undefined) {
      this.#again(call, new Error(`no node serves ${String(call.args[0])} now`));
      return;
    }
    const queue = this.#queues.get(node) ?? { waiting: [], isBusy: false };
    this.#queues.set(node, queue);
    queue.waiting.push(call);
    this.#wake(node, queue);
  }

  #wake(node: Redis, queue: NodeQueue): void {
    if (queue.isBusy || queue.waiting.length === 0) return;
    queue.isBusy = true;
    // At the end of this turn, so that all that is sent in it travels together.
    setImmediate(() => {
      const batch = queue.waiting.splice(0, batchMax);
      const sent = this.#send(node, batch).finally(() => {
        queue.isBusy = false;
        this.#wake(node, queue);
      });
      detach(sent, (error) => {
        // Those that have their answers keep them.
        for (const call of batch) call.reject(new UnavailableError('write', 'unknown', error));
      });
    });
  }

  #nodeOf({ args, at }: Call): Redis | undefined {
    const { connection } = this.#options;
    if (!(connection instanceof Cluster)) return connection;
    const key = at ?? connection.slots[calculateSlot(String(args[0]))]?.[0];
    return connection.nodes('all').find(({ options: { host, port } }) => `${host}:${port}` === key);
  }

  async #send(node: Redis, batch: readonly Call[]): Promise<void> {
    const { confirmation } = this.#options;
    const pipeline = node.pipeline();
    const places: number[] = [];
    for (const { script, args, bySource, asking } of batch) {
      if (asking) pipeline.call('ASKING');
      places.push(pipeline.length);
      const by = bySource ? ['EVAL', script.source] : ['EVALSHA', script.sha];
      pipeline.callBuffer(...(by as [string, string]), script.keys, ...args);
    }
    pipeline.call(...confirmation.command);
    let results: readonly (readonly [Error | null, unknown])[];
    try {
      results = (await pipeline.exec()) ?? [];
    } catch (error) {
      results = Array.from({ length: pipeline.length }, () => [error as Error, undefined]);
    }
    const confirmed = results.at(-1) ?? [new Error('no answer'), undefined];
    for (const [i, call] of batch.entries()) {
      const [error, reply] = results[places[i] ?? 0] ?? [new Error('no answer'), undefined];
      if (error !== null) this.#failed(call, error);
      else this.#answered(call, reply as Reply, confirmed);
    }
  }

  #answered(call: Call, reply: Reply, [error, count]: readonly [Error | null, unknown]): void {
    const { confirmation } = this.#options;
    if (refusals.has(String(reply[0]))) {
      call.resolve(reply);
      return;
    }
    if (error !== null) {
      call.perhapsApplied = true;
      if (call.script.isRepeatable) this.#again(call, error);
      else call.reject(new UnavailableError('confirm', 'unknown', error));
      return;
    }
    const reached = confirmation.reached(count);
    this.#note(reached);
    if (reached >= confirmation.wanted) call.resolve(reply);
    else call.reject(new DurabilityError(confirmation.what, confirmation.wanted, reached));
  }

  #failed(call: Call, error: Error): void {
    const { message } = error;
    const [, kind, at] = redirection.exec(message) ?? [];
    if (message.startsWith('NOSCRIPT')) {
      call.bySource = true;
      this.#submit(call);
    } else if (kind !== undefined) {
      this.#redirect(call, kind === 'ASK', at);
    } else if (later.test(message)) {
      call.at = undefined;
      call.asking = false;
      this.#again(call, error);
    } else if (error.name === 'ReplyError') {
      this.#giveUp(call, error);
    } else {
      call.perhapsApplied = true;
      call.at = undefined;
      if (call.script.isRepeatable) this.#again(call, error);
      else this.#giveUp(call, error);
    }
  }

  #redirect(call: Call, asking: boolean, at: string | undefined): void {
    const { connection } = this.#options;
    call.at = at;
    call.asking = asking;
    if (!asking && connection instanceof Cluster) connection.refreshSlotsCache();
    if (this.#nodeOf(call) === undefined) call.at = undefined;
    if (call.at === undefined) this.#again(call, new Error('the slot has moved'));
    else this.#submit(call);
  }

  #again(call: Call, error: Error): void {
    const { connection } = this.#options;
    if (this.#closed || performance.now() + againMs > call.deadline) {
      this.#giveUp(call, error);
      return;
    }
    if (connection instanceof Cluster && connection.status === 'ready') {
      connection.refreshSlotsCache();
    }
    setTimeout(() => this.#submit(call), againMs);
  }

  #giveUp(call: Call, error: Error): void {
    call.reject(call.perhapsApplied ? new UnavailableError('write', 'unknown', error) : error);
  }

  /** Says once that confirmations do not come, and once that they come again. */
  #note(reached: number): void {
    const { confirmation, logger } = this.#options;
    const { what, wanted } = confirmation;
    const isShort = reached < wanted;
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    if (isShort) {
      logger.warn({ wanted, reached }, `writes are stored, but not confirmed by ${wanted} ${what}`);
    } else {
      logger.info({ wanted, reached }, `writes are confirmed by ${wanted} ${what} again`);
    }
  }
}
