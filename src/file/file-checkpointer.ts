/**
 * A checkpointer in files that people can read, for loops on one machine: the contract of core/checkpointer.ts.
 *
 *   <folder>/<run>/events.jsonl, snapshot.json, checkpoints/ …      see run-folder.ts
 *
 * What holds between processes: each write happens under the run's lock (lock.ts), and begins by reading whose the run is;
 * a claim changes that under the same lock. So the newest claim wins, and a stale one writes nothing, whichever processes
 * they are in. Readers take no lock: they see full saves only, up to some moment. All processes must be on one machine and
 * know each other by pid; on a folder that several machines share, a lock of the other one is never taken for dead.
 *
 * Crash, at any point: what was acknowledged is there, and the next claim puts the rest in order (file-claim.ts). With
 * `fsync` that holds for a power cut as well.
 */
import { hostname } from 'node:os';
import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CheckpointInfo, CheckpointListOptions } from '../core/checkpoint.ts';
import {
  checkCheckpointList,
  checkClaim,
  checkList,
  checkRange,
  defaultWorkflow,
} from '../core/checkpointer-input.ts';
import type {
  Checkpointer,
  Claim,
  ClaimOptions,
  LatestSave,
  LoopCounts,
  LoopInfo,
  LoopListOptions,
} from '../core/checkpointer.ts';
import { ClaimedLoop } from '../core/claimed-loop.ts';
import { decode, encode } from '../core/codec.ts';
import { InvalidError, RunError } from '../core/errors.ts';
import type { RunEvent } from '../core/event.ts';
import { checkLimits, defaultLimits, type Limits } from '../core/limits.ts';
import { loggerFor, loggerRule } from '../core/log-lines.ts';
import type { Logger } from '../core/logger.ts';
import { checkRunId } from '../core/names.ts';
import { flag, needed, optionsOf, textOf } from '../core/option-rules.ts';
import { Disk, onDisk, unlessAbsent } from './disk.ts';
import { formatEvents, logStart, readEvents } from './event-log.ts';
import { readLatest, takeRun } from './file-claim.ts';
import { FileLoopLog } from './file-loop-log.ts';
import { listRunFolders } from './folder-list.ts';
import { withLock } from './lock.ts';
import { type FileCheckpoint, RunFolder, sweepLeftovers } from './run-folder.ts';

/** Where the files are, and how safe a save must be. */
export interface FileCheckpointerOptions {
  /** Where the runs are kept, one folder each; made if it is not there. */
  readonly folder: string;
  /** Waits until the disk has what it is given, so that a save survives a power cut as well. Default true. */
  readonly fsync?: boolean;
  /** Other limits than the usual ones, in bytes: see `Limits`. */
  readonly limits?: Partial<Limits>;
  /** Takes warnings about what a crash has left; `false` for silence. Default: standard error, as in `Pawl.open`. */
  readonly logger?: Logger | false;
}

const checkOpen = optionsOf<FileCheckpointerOptions>(
  { folder: needed(textOf(1, Infinity)), fsync: flag, limits: checkLimits, logger: loggerRule },
  "{ folder: './runs' }",
);

/** A checkpointer in files that people can read, for loops on one machine. Several processes may share a folder. */
export class FileCheckpointer implements Checkpointer {
  readonly #root: string;
  readonly #disk: Disk;
  readonly #limits: Limits;
  readonly #logger: Logger;

  private constructor(options: FileCheckpointerOptions) {
    this.#root = resolve(options.folder);
    this.#disk = new Disk(options.fsync ?? true);
    this.#limits = { ...defaultLimits, ...options.limits };
    const where = { host: process, out: console, now: () => new Date() };
    this.#logger = loggerFor(options.logger, where);
  }

  /**
   * Opens a folder of runs, and makes it if it is not there.
   * @throws InvalidError for a bad option; UnavailableError when the folder cannot be made or read.
   */
  static async open(options: FileCheckpointerOptions): Promise<FileCheckpointer> {
    checkOpen(options, 'file checkpointer options');
    const checkpointer = new FileCheckpointer(options);
    const root = checkpointer.#root;
    await onDisk(`folder ${root}`, async () => {
      await mkdir(root, { recursive: true });
      await sweepLeftovers(root);
    });
    return checkpointer;
  }

  /**
   * Takes a run from whatever process has it; makes its folder if there is none.
   * @throws as `Checkpointer.claim`; UnavailableError when the disk refuses.
   */
  async claim<State = unknown>(run: string, options: ClaimOptions = {}): Promise<Claim<State>> {
    const { metadata } = checkClaim(run, options, this.#limits);
    const { workflow, worker = `${hostname()}:${process.pid}` } = options;
    const folder = this.#folder(run);
    const parts = { disk: this.#disk, logger: this.#logger };
    const taken = await onDisk(`claim of run ${run}`, async () => {
      for (;;) {
        const known = await folder.readBeginning();
        if (known === undefined) await this.#make(run, options, metadata);
        else if (workflow !== undefined && workflow !== known.workflow) {
          throw existsError(run, known.workflow);
        }
        const done = await withLock(folder.lock, () => takeRun(folder, { run, worker, ...parts }));
        // Deleted in between: it is made anew.
        if (done !== 'missing') return done;
      }
    });
    const { holding, end } = taken;
    // It is what the caller says; nothing here knows better.
    const latest = taken.latest as LatestSave<State>;
    const { version } = latest;
    const log = new FileLoopLog({
      run,
      folder,
      holding,
      version,
      place: end.place,
      disk: this.#disk,
      limits: this.#limits,
    });
    return new ClaimedLoop({ run, fence: holding.fence }, latest, { log, limits: this.#limits });
  }

  /** Reads snapshot and later events without a lock, so a save that is under way is seen whole or not at all. */
  async loadLatest<State = unknown>(run: string): Promise<LatestSave<State> | undefined> {
    checkRunId(run);
    const found = await this.#reading(run, () => readLatest(this.#folder(run)));
    return found?.latest as LatestSave<State> | undefined;
  }

  /**
   * Reads the log from the event after `since` (default 0: all), in order. It skips what the snapshot's place in the
   * file allows.
   */
  async *listEvents(
    run: string,
    options: { readonly since?: number; readonly limit?: number } = {},
  ): AsyncGenerator<RunEvent, void, undefined> {
    const { since, limit } = checkRange(run, options);
    const folder = this.#folder(run);
    if (limit === 0 || (await this.#reading(run, () => stat(folder.events))) === undefined) return;
    const snapshot = since === 0 ? undefined : await folder.readSnapshot();
    const canSkip = snapshot !== undefined && snapshot.seq <= since;
    const from = canSkip ? { seq: snapshot.seq, bytes: snapshot.logBytes } : logStart;
    for await (const event of readEvents(folder.events, from)) {
      if (event.seq > since) yield event;
      if (event.seq >= since + limit) return;
    }
  }

  /** Where a run stands, without its state; undefined when there is no such run. */
  async info(run: string): Promise<LoopInfo | undefined> {
    checkRunId(run);
    const folder = this.#folder(run);
    return this.#reading(run, async () => {
      const beginning = await folder.readBeginning();
      const holding = await folder.readHolding();
      if (beginning === undefined || holding === undefined) return undefined;
      const { latest } = await readLatest(folder);
      const { workflow, tags, metadata, createdAt } = beginning;
      const { status, worker, fence } = holding;
      return {
        run,
        workflow,
        status,
        worker,
        fence,
        seq: latest.seq,
        version: latest.version,
        tags,
        metadata,
        createdAt,
        updatedAt: new Date(await folder.updatedAt()),
        output: status === 'completed' ? await folder.readOutput() : undefined,
      };
    });
  }

  /**
   * Lists the runs of the folder, the one last updated first. It looks at each folder, so its time grows with their
   * number.
   */
  async listRuns(
    options: LoopListOptions = {},
  ): Promise<{ readonly runs: readonly LoopInfo[]; readonly cursor: string | undefined }> {
    const { limit } = checkList(options);
    return onDisk(`folder ${this.#root}`, () =>
      listRunFolders(this.#root, { ...options, limit }, (run) => this.info(run)),
    );
  }

  /** Removes the folder of a run, with all its checkpoints; false when there was none. */
  async deleteRun(run: string): Promise<boolean> {
    checkRunId(run);
    const folder = this.#folder(run);
    const done = await onDisk(`run ${run}`, () =>
      withLock(folder.lock, () => folder.remove(this.#disk)),
    );
    return done !== 'missing';
  }

  /** Lists kept snapshots, the newest first. It reads each file until the page is full. */
  async checkpoints(
    run: string,
    options: CheckpointListOptions = {},
  ): Promise<readonly CheckpointInfo[]> {
    const limit = checkCheckpointList(run, options);
    const { node, label, before } = options;
    const found: CheckpointInfo[] = [];
    for await (const kept of this.#kept(run)) {
      if (found.length === limit) break;
      if (before !== undefined && kept.version >= Number.parseInt(before, 10)) continue;
      if (node !== undefined && kept.node !== node) continue;
      if (label !== undefined && kept.label !== label) continue;
      found.push(toInfo(kept));
    }
    return found;
  }

  /** The newest kept snapshot, of all or of a node or a label; undefined when there is none. */
  async latestCheckpoint(
    run: string,
    options: { readonly node?: string; readonly label?: string } = {},
  ): Promise<CheckpointInfo | undefined> {
    return (await this.checkpoints(run, { ...options, limit: 1 }))[0];
  }

  /**
   * Reads the state of one kept snapshot.
   * @throws InvalidError when the run has no such checkpoint.
   */
  async loadCheckpoint<State = unknown>(run: string, id: string): Promise<State> {
    checkRunId(run);
    const isId = /^\d{1,15}-0$/.test(id);
    const kept = isId
      ? await this.#reading(run, () => this.#folder(run).readCheckpoint(id))
      : undefined;
    if (kept === undefined) throw new InvalidError('checkpoint', `${id} is none of run ${run}.`);
    return kept.state as State;
  }

  /** How many events, snapshots and checkpoints a run has; undefined when there is no such run. */
  async counts(run: string): Promise<LoopCounts | undefined> {
    checkRunId(run);
    const folder = this.#folder(run);
    return this.#reading(run, async () => {
      const { latest } = await readLatest(folder);
      const kept = (await folder.checkpointVersions()).filter(
        (version) => version <= latest.version,
      );
      return { events: latest.seq, snapshots: latest.version, checkpoints: kept.length };
    });
  }

  /** Kept snapshots, the newest first, without one that is being saved at this moment. */
  async *#kept(run: string): AsyncGenerator<FileCheckpoint, void, undefined> {
    const folder = this.#folder(run);
    const current = (await this.#reading(run, () => folder.readSnapshot()))?.version ?? 0;
    for (const version of await folder.checkpointVersions()) {
      if (version > current) continue;
      const kept = await this.#reading(run, () => folder.readCheckpoint(`${version}-0`));
      if (kept !== undefined) yield kept;
    }
  }

  async #make(run: string, options: ClaimOptions, metadata: Uint8Array): Promise<void> {
    const { workflow = defaultWorkflow, tags = {} } = options;
    const createdAt = new Date();
    const data = encode({ workflow }, 'record', this.#limits.eventBytes);
    const log = formatEvents([{ type: 'run.created', data }], { seq: 0, fence: 0, at: createdAt });
    const value = decode(metadata, { key: 'metadata' });
    const more = value === undefined ? {} : { metadata: value };
    const beginning = { run, workflow, tags, createdAt, ...more };
    await this.#folder(run).make(this.#disk, beginning, log);
  }

  #folder(run: string): RunFolder {
    return new RunFolder(this.#root, run);
  }

  /** Undefined when the run is not there, or goes away meanwhile. */
  #reading<T>(run: string, body: () => Promise<T>): Promise<T | undefined> {
    return onDisk(`run ${run}`, () => unlessAbsent(body()));
  }
}

function toInfo({
  id,
  node,
  label,
  metadata,
  seq,
  version,
  at,
  bytes,
}: FileCheckpoint): CheckpointInfo {
  return {
    id,
    seq,
    version,
    schema: 0,
    at,
    bytes,
    ...(node === undefined ? {} : { node }),
    ...(label === undefined ? {} : { label }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function existsError(run: string, workflow: string): RunError {
  return new RunError(
    'PAWL_RUN_EXISTS',
    run,
    `Run ${run} exists with workflow ${workflow}; nothing was written. Choose another id.`,
  );
}
