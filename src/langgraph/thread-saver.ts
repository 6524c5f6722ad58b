/**
 * A saver of LangGraph over threads. Each put and each call of putWrites is one atomic step of the store, and nothing is
 * read before it is written.
 *
 * Late writes: a thread may be deleted while a process is still at work on it. What that process sends afterwards names a
 * parent, or a birth of the thread, that is no more. It is dropped with a warning, and not refused: LangGraph lets nobody
 * wait for most of its writes, and a rejected promise would end the process.
 */
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
} from '@langchain/langgraph-checkpoint';
import { detach } from '../core/detached.ts';
import { InvalidError, LimitError, RunError } from '../core/errors.ts';
import type { LoadedCheckpoint, PutParams, ThreadStore } from '../core/langgraph.ts';
import type { Logger } from '../core/logger.ts';
import { Births } from './births.ts';
import { keysOf, packCheckpoint, unpackBody, unpackCheckpoint } from './checkpoints.ts';
import { type Config, maxChannelVersion, type Serializer, tasksChannel } from './contract.ts';
import { asks, checkCopy, type CopyOptions, copyOf, type CopyParams } from './copying.ts';
import { listed } from './listing.ts';
import { type ThreadCipher, Payloads } from './payloads.ts';
import { type AskedPlace, configOf, placeIn } from './places.ts';
import { checkPrune, type KnownCheckpoint, type PruneOptions, superfluous } from './pruning.ts';
import { holdIn } from './thread-hold.ts';
import { ThreadHolds } from './thread-holds.ts';
import { checkId, runOf } from './thread-ids.ts';
import { threadInput } from './thread-record.ts';
import { threadAt, wholeThread } from './whole-thread.ts';
import { WriteOrder } from './write-order.ts';
import { interrupts, packWrites, unpackWrites, withoutHalves } from './writes.ts';

/** A thread that changes so often while it is read is at work. */
const changedMax = 20;

export interface ThreadSaverParts {
  readonly store: ThreadStore;
  readonly cipher: ThreadCipher | undefined;
  readonly logger: Logger;
  readonly newToken: () => string;
  /** Milliseconds after its last checkpoint at which a thread expires; undefined for never. */
  readonly ttlMs: number | undefined;
  /** What one call may store, in bytes. */
  readonly limit: number;
  readonly serde: Serializer | undefined;
}

/** Who holds the threads of a saver; only for those who execute graphs on them. */
export let holdsOf: (saver: ThreadSaver) => ThreadHolds;

export class ThreadSaver extends BaseCheckpointSaver {
  static {
    holdsOf = (saver) => new ThreadHolds(saver.#parts, async (copied) => saver.#copy(copied));
  }

  readonly #parts: ThreadSaverParts;
  readonly #payloads: Payloads;
  readonly #order = new WriteOrder();
  readonly #births = new Births();

  /** @internal */
  constructor(parts: ThreadSaverParts) {
    super(parts.serde);
    this.#parts = parts;
    this.#payloads = new Payloads({ serde: this.serde, cipher: parts.cipher, limit: parts.limit });
  }

  /**
   * A checkpoint with its pending writes: the one that `checkpoint_id` names, else the newest of thread and namespace.
   * Undefined when there is none.
   * @throws InvalidError, CorruptionError, KeyMissingError, UnavailableError.
   */
  override async getTuple(config: Config): Promise<CheckpointTuple | undefined> {
    if (config.configurable?.['thread_id'] === undefined) return undefined;
    const place = placeIn(config);
    const found = await this.#parts.store.load(place);
    this.#births.see(place.run, found.birth);
    return 'body' in found ? this.#tuple(place, found) : undefined;
  }

  /**
   * Checkpoints of a thread, or of all, read a page at a time. In each namespace the newest comes first. `filter` compares
   * fields of the metadata, `before` leaves out what is not older, `limit` counts what fits. All three may be absent.
   * @throws as `getTuple`.
   */
  override async *list(
    config: Config,
    options: CheckpointListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    const { store, cipher } = this.#parts;
    const query = { config, options, store, payloads: this.#payloads, cipher };
    for await (const { run, thread, loaded } of listed(query)) {
      yield this.#tuple({ run, thread }, loaded);
    }
  }

  /**
   * Stores a checkpoint whose parent is the one in `config`, with the values that `newVersions` names, in one step. It waits
   * for the earlier `putWrites` to the parent. What comes for a deleted thread is dropped with a warning.
   * @throws InvalidError, LimitError, RunError `PAWL_RUN_EXISTS`, or what the earlier writes have thrown: nothing was
   *   written. UnavailableError: it may have been.
   */
  override async put(
    config: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<Config> {
    const place = placeIn(config);
    const { thread, run, namespace, checkpoint: parent } = place;
    const hold = holdIn(config);
    const id = checkId(checkpoint.id, 'checkpoint.id');
    const packed = packCheckpoint(this.#payloads, place, {
      checkpoint,
      metadata,
      newVersions,
      parent,
    });
    // Packed at once: the caller may change what it has given. What is wrong with it is told below.
    detach(packed, () => undefined);
    let isLost = false;
    await this.#order.put(lineOf(place), parent, async () => {
      const parts = await packed;
      checkSize([parts.body, ...parts.values.values()], this.#parts.limit);
      const params: PutParams = {
        ...parts,
        run,
        namespace,
        checkpoint: id,
        parent,
        // The first checkpoint of a thread has no parent, and may be that of another birth. One of a subgraph may not.
        born: namespace === '' ? undefined : this.#births.of(run),
        holder: hold?.text,
        token: this.#parts.newToken(),
        input: threadInput(thread, run, this.#parts.cipher),
        ttlMs: this.#parts.ttlMs,
      };
      let made = await this.#parts.store.put(params);
      if (made.outcome === 'unknown') {
        const carried = await keysOf(this.#payloads, run, { ...parts, checkpoint }, made.channels);
        made = await this.#parts.store.put({ ...params, carried });
      }
      if (made.outcome === 'put') this.#births.see(run, made.birth);
      else if (made.outcome !== 'lost') this.#dropped('checkpoint', place, id);
      isLost = made.outcome === 'lost';
    });
    if (isLost) await hold?.lose();
    return configOf(thread, namespace, id);
  }

  /**
   * Stores what a task has written for the checkpoint in `config`, in one step; of a task that has failed, its error. It
   * resolves when the checkpoint is stored, too, if a `put` of this process is bringing it. What comes for a deleted thread
   * is dropped with a warning.
   * @throws InvalidError, LimitError, RunError `PAWL_RUN_EXISTS`: nothing was written. UnavailableError: it may have been.
   */
  override async putWrites(
    config: Config,
    given: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const place = placeIn(config);
    const { run, checkpoint } = place;
    if (checkpoint === undefined) {
      throw new InvalidError(
        'config.configurable.checkpoint_id',
        'is missing. Nothing was written.',
      );
    }
    const task = checkId(taskId, 'taskId');
    const writes = withoutHalves(given);
    const at = { run, namespace: place.namespace, checkpoint };
    const packing = packWrites(this.#payloads, at, { task, path: taskPath, writes });
    const born = this.#births.of(run);
    const hold = holdIn(config);
    const send = async (isLook: boolean) => {
      const packed = isLook ? [] : await packing;
      if (!isLook)
        checkSize(
          packed.flatMap(({ text, shared }) => [text, shared?.[1]]),
          this.#parts.limit,
        );
      const interrupted = !isLook && interrupts(writes);
      return this.#parts.store.write({
        ...at,
        born,
        holder: hold?.text,
        writes: packed,
        interrupts: interrupted,
      });
    };
    let isStored = false;
    const once = async () => {
      const result = await send(isStored);
      isStored ||= result.outcome === 'written';
      // Nothing that may come brings back the thread that was meant.
      const isOver = result.outcome === 'late' || result.outcome === 'lost';
      const isThere = isOver || (result.outcome === 'written' && result.isThere);
      return { isThere, result };
    };
    const { outcome } = await this.#order.write(lineOf(place), checkpoint, once, () => isStored);
    if (outcome === 'lost') return hold?.lose();
    await Promise.all(linesAround(place).map((line) => this.#order.settled(line)));
    if (!isStored && outcome !== 'written')
      this.#dropped(`writes of task ${task}`, place, checkpoint);
  }

  /**
   * Deletes all of a thread, in every namespace. A thread that is not there is no error.
   * @throws InvalidError, UnavailableError.
   */
  override async deleteThread(threadId: string): Promise<void> {
    await this.#parts.store.delete(runOf(checkId(threadId, 'threadId')));
  }

  /**
   * Drops the checkpoints of a thread that nobody needs, and every value that only they had. In each namespace the newest
   * `keepLast` stay. So do those with an interrupt that is not answered, and those that a delta channel is rebuilt from.
   * @returns How many were dropped.
   * @throws InvalidError; RunError `PAWL_RUN_ACTIVE` when the thread changed all the while: nothing was dropped.
   */
  async prune(threadId: string, options: PruneOptions): Promise<number> {
    checkPrune(options, 'prune options');
    const { keepLast } = options;
    const run = runOf(checkId(threadId, 'threadId'));
    const { store } = this.#parts;
    for (let tries = 0; tries < changedMax; tries++) {
      const whole = await wholeThread(store, run);
      if (whole === undefined) return 0;
      const { birth, seq } = whole;
      const known = await Promise.all(
        whole.checkpoints.map(async (one): Promise<KnownCheckpoint> => {
          const { metadata } = await unpackBody(this.#payloads, run, one);
          const { namespace, checkpoint, parent } = one;
          return {
            namespace,
            checkpoint,
            parent,
            metadata,
            asks: await asks(this.#payloads, run, one),
          };
        }),
      );
      const checkpoints = superfluous(known, keepLast);
      if (checkpoints.length === 0) return 0;
      if (await store.drop({ run, birth, seq, checkpoints })) return checkpoints.length;
    }
    throw new RunError(
      'PAWL_RUN_ACTIVE',
      run,
      `Thread ${threadId} changes all the while; nothing was dropped. Prune it when it is at rest.`,
    );
  }

  /**
   * Copies a thread, its checkpoints, values and writes, under an id that is not taken. Nobody sees a part of it. With
   * `checkpoint`, an id of one without a namespace, the copy ends there, and the nodes after it run again.
   * @throws InvalidError when there is no such thread or checkpoint; RunError `PAWL_RUN_EXISTS` when the id is taken.
   *   Nothing was written then.
   */
  async copyThread(fromId: string, toId: string, options: CopyOptions = {}): Promise<void> {
    checkCopy(options, 'copy options');
    const { checkpoint } = options;
    await this.#copy({ fromId, toId, checkpoint, holder: undefined });
  }

  async #copy({ fromId, toId, checkpoint, holder }: CopyParams): Promise<void> {
    const from = runOf(checkId(fromId, 'fromId'));
    const thread = checkId(toId, 'toId');
    const run = runOf(thread);
    const { store, cipher, newToken, ttlMs } = this.#parts;
    const all = await wholeThread(store, from);
    if (all === undefined) {
      throw new InvalidError('fromId', `${fromId} is no thread. Nothing was written.`);
    }
    const whole = checkpoint === undefined ? all : threadAt(all, checkpoint);
    if (whole === undefined) {
      throw new InvalidError(
        'checkpoint',
        `${checkpoint} is not one of thread ${fromId}, or no more. Nothing was written.`,
      );
    }
    const copy = await copyOf(this.#payloads, whole, { from, to: run });
    const input = threadInput(thread, run, cipher);
    if (await store.copy({ ...copy, run, token: newToken(), input, ttlMs, holder })) return;
    throw new RunError(
      'PAWL_RUN_EXISTS',
      run,
      `Thread ${toId} exists; nothing was written. Choose another id, or delete it first.`,
    );
  }

  async #tuple(
    { run, thread }: Pick<AskedPlace, 'run' | 'thread'>,
    loaded: LoadedCheckpoint,
  ): Promise<CheckpointTuple> {
    const { namespace, parent } = loaded;
    const { checkpoint, metadata } = await unpackCheckpoint(this.#payloads, run, loaded);
    if (checkpoint.v < 4 && parent !== undefined) {
      await this.#withSends(checkpoint, { run, namespace, parent });
    }
    return {
      config: configOf(thread, namespace, loaded.checkpoint),
      checkpoint,
      metadata,
      pendingWrites: await unpackWrites(this.#payloads, run, loaded),
      ...(parent === undefined ? {} : { parentConfig: configOf(thread, namespace, parent) }),
    };
  }

  /** Checkpoints of an older format have what was sent among the writes to their parent. */
  async #withSends(
    checkpoint: Checkpoint,
    {
      run,
      namespace,
      parent,
    }: { readonly run: string; readonly namespace: string; readonly parent: string },
  ): Promise<void> {
    const found = await this.#parts.store.load({ run, namespace, checkpoint: parent });
    const writes = 'body' in found ? await unpackWrites(this.#payloads, run, found) : [];
    const sends = writes.filter(([, channel]) => channel === tasksChannel);
    checkpoint.channel_values[tasksChannel] = sends.map(([, , value]) => value);
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_versions[tasksChannel] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  #dropped(what: string, { thread, namespace }: AskedPlace, checkpoint: string): void {
    this.#parts.logger.warn(
      { thread, namespace, checkpoint },
      `A late ${what} was dropped: the thread, or the checkpoint that it follows, was deleted meanwhile.`,
    );
  }
}

/** Puts and writes of one namespace of a thread follow each other. */
function lineOf({ run, namespace }: Pick<AskedPlace, 'run' | 'namespace'>): string {
  return `${run}\0${namespace}`;
}

/** Those of the graphs around a subgraph, the root's first. */
function linesAround({ run, namespace }: AskedPlace): string[] {
  if (namespace === '') return [];
  const parts = namespace.split('|');
  return parts.map((_, i) => lineOf({ run, namespace: parts.slice(0, i).join('|') }));
}

/** @throws LimitError; nothing was written. */
function checkSize(parts: readonly (Uint8Array | undefined)[], limit: number): void {
  const bytes = parts.reduce((sum, part) => sum + (part?.length ?? 0), 0);
  if (bytes > limit) throw new LimitError('checkpoint or writes (encoded bytes)', limit, bytes);
}
