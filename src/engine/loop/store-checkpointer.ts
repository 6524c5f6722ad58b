/**
 * The checkpointer over a run store, for those who bring their own loop: no workflow, no worker, no session.
 *
 * Its runs are unmanaged (core/store.ts) and their workflow is named `loop~<name>`, which no workflow can be called. So the
 * engine cannot start, wake or claim one of them, and nothing here touches a run of the engine.
 *
 * Crash: a run whose process is gone stays `running` until somebody claims it. Nothing else is needed; the fence shuts the
 * old one out.
 */
import { hostname } from 'node:os';
import type { CheckpointInfo, CheckpointListOptions } from '../../core/checkpoint.ts';
import {
  checkCheckpointList,
  checkClaim,
  checkList,
  checkRange,
  defaultWorkflow,
} from '../../core/checkpointer-input.ts';
import type {
  Checkpointer,
  Claim,
  ClaimOptions,
  LatestSave,
  LoopCounts,
  LoopInfo,
  LoopListOptions,
} from '../../core/checkpointer.ts';
import { ClaimedLoop } from '../../core/claimed-loop.ts';
import { decode } from '../../core/codec.ts';
import { InvalidError, RunError } from '../../core/errors.ts';
import { isReservedType, type RunEvent } from '../../core/event.ts';
import { defaults, fixedLimits } from '../../core/limits.ts';
import { checkRunId } from '../../core/names.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';
import type { ClaimOutcome, LoadedRun } from '../../core/store.ts';
import { listCheckpoints } from '../runs/checkpoints.ts';
import { pagesOf } from '../log-pages.ts';
import { LoopState, unpackState } from './loop-state.ts';
import { encodeRecord, toRunEvent } from '../payloads.ts';
import { type LoopParts, loopVersion, StoreLoopLog } from './store-loop-log.ts';

const workflowPrefix = 'loop~';

/** A run that is claimed anew at each try to delete it is at work. */
const deleteTriesMax = 20;

export class StoreCheckpointer implements Checkpointer {
  readonly #parts: LoopParts;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  /**
   * What is below the checkpointer of a pawl, for what is kept in runs without a workflow.
   * @throws InvalidError for a checkpointer that has no run store.
   */
  static partsOf(checkpointer: Checkpointer): LoopParts {
    if (#parts in checkpointer) return checkpointer.#parts;
    throw new InvalidError('pawl', 'has another checkpointer than its own.');
  }

  async claim<State = unknown>(run: string, options: ClaimOptions = {}): Promise<Claim<State>> {
    const { limits, newToken } = this.#parts;
    const { metadata } = checkClaim(run, options, limits);
    const token = newToken();
    let claimed = await this.#take(run, options, token);
    while (claimed.outcome === 'missing') {
      await this.#make(run, options, metadata);
      claimed = await this.#take(run, options, token);
    }
    if (claimed.outcome !== 'claimed') throw await this.#unclaimable(run);
    const { ownership, record, snapshot } = claimed;
    // It is what the caller says; nothing here knows better.
    const latest = (await this.#latest(run, claimed)) as LatestSave<State>;
    const saved = LoopState.of(snapshot);
    const log = new StoreLoopLog(this.#parts, { ownership, seq: record.seq, saved });
    return new ClaimedLoop(ownership, latest, { log, limits });
  }

  async loadLatest<State = unknown>(run: string): Promise<LatestSave<State> | undefined> {
    checkRunId(run);
    const { store } = this.#parts;
    let loaded = await store.load(run);
    for (;;) {
      if (loaded === undefined || !isLoop(loaded.record)) return undefined;
      try {
        return (await this.#latest(run, loaded)) as LatestSave<State>;
      } catch (error) {
        // Its log may have been compacted meanwhile, or the run deleted: neither is damage.
        const before = loaded.snapshot;
        loaded = await store.load(run);
        if (loaded !== undefined && loaded.snapshot?.version === before?.version) throw error;
      }
    }
  }

  async *listEvents(
    run: string,
    options: { readonly since?: number; readonly limit?: number } = {},
  ): AsyncGenerator<RunEvent, void, undefined> {
    const { since, limit } = checkRange(run, options);
    if ((await this.#loop(run)) === undefined) return;
    let after = since;
    for (let left = limit; left > 0;) {
      const size = Math.min(fixedLimits.eventsPerPage, left);
      const page = await this.#parts.store.events({ run, after, limit: size });
      for (const event of page) yield toRunEvent(event, `run ${run}`);
      if (page.length < size) return;
      left -= size;
      // A log that was compacted begins later than was asked for.
      after = page.at(-1)?.seq ?? after;
    }
  }

  async info(run: string): Promise<LoopInfo | undefined> {
    checkRunId(run);
    const record = await this.#loop(run);
    return record && toInfo(record);
  }

  async listRuns(
    options: LoopListOptions = {},
  ): Promise<{ readonly runs: readonly LoopInfo[]; readonly cursor: string | undefined }> {
    const { limit } = checkList(options);
    const { workflow, status, cursor } = options;
    const page = await this.#parts.store.lists.runs({
      limit,
      unmanaged: true,
      ...(workflow === undefined ? {} : { workflow: workflowPrefix + workflow }),
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const records = await Promise.all(page.runs.map(({ id }) => this.#parts.store.record(id)));
    return {
      runs: records.filter((record) => record !== undefined).map(toInfo),
      cursor: page.cursor,
    };
  }

  async deleteRun(run: string): Promise<boolean> {
    checkRunId(run);
    const { store, newToken } = this.#parts;
    const record = await store.record(run);
    if (record === undefined) return false;
    if (!isLoop(record)) throw existsError(record);
    for (let tries = 0; tries < deleteTriesMax; tries++) {
      const { outcome } = await store.delete(run);
      if (outcome !== 'active') return outcome === 'deleted';
      // Whoever has it is shut out first, and lets go of it by our hand.
      const taken = await this.#take(run, { worker: 'deleteRun' }, newToken());
      if (taken.outcome !== 'claimed') continue;
      const release = { status: 'queued', resendMs: defaults.resendMs } as const;
      const commit = { token: newToken(), expectedSeq: taken.record.seq, events: [], release };
      await store.commit({ ...taken.ownership, ...commit });
    }
    throw new RunError(
      'PAWL_RUN_ACTIVE',
      run,
      `Run ${run} is claimed again and again; it was not deleted. Stop the loops that claim it.`,
    );
  }

  async checkpoints(
    run: string,
    options: CheckpointListOptions = {},
  ): Promise<readonly CheckpointInfo[]> {
    checkCheckpointList(run, options);
    if ((await this.#loop(run)) === undefined) return [];
    return listCheckpoints(this.#parts.store, run, options);
  }

  async latestCheckpoint(
    run: string,
    options: { readonly node?: string; readonly label?: string } = {},
  ): Promise<CheckpointInfo | undefined> {
    return (await this.checkpoints(run, { ...options, limit: 1 }))[0];
  }

  async loadCheckpoint<State = unknown>(run: string, id: string): Promise<State> {
    checkRunId(run);
    const isThere = (await this.#loop(run)) !== undefined;
    const snapshot = isThere ? await this.#parts.store.recall(run, id) : undefined;
    if (snapshot === undefined)
      throw new InvalidError('checkpoint', `${id} is none of run ${run}.`);
    return unpackState(snapshot, `run ${run}, checkpoint ${id}`) as State;
  }

  async counts(run: string): Promise<LoopCounts | undefined> {
    checkRunId(run);
    const record = await this.#loop(run);
    if (record === undefined) return undefined;
    let checkpoints = 0;
    const limit = fixedLimits.runsPerPage;
    for (let before: string | undefined; ;) {
      const page = await this.#parts.store.checkpoints({
        run,
        limit,
        ...(before === undefined ? {} : { before }),
      });
      checkpoints += page.length;
      if (page.length < limit) break;
      before = page.at(-1)?.id;
    }
    return { events: record.seq, snapshots: record.version, checkpoints };
  }

  /** Takes a run that is there, if it is a loop of the kind that is asked for. */
  async #take(run: string, options: ClaimOptions, token: string): Promise<ClaimOutcome> {
    const { workflow, worker = `${hostname()}:${process.pid}` } = options;
    const record = await this.#parts.store.record(run);
    if (record === undefined) return { outcome: 'missing' };
    const isOther = workflow !== undefined && record.workflow !== workflowPrefix + workflow;
    if (isOther || !isLoop(record)) throw existsError(record);
    return this.#parts.store.claim({
      run,
      worker,
      token,
      codeVersion: loopVersion,
      unmanaged: true,
    });
  }

  async #make(run: string, options: ClaimOptions, metadata: Uint8Array): Promise<void> {
    const { store, newToken } = this.#parts;
    const { workflow = defaultWorkflow, tags = {} } = options;
    await store.create({
      run,
      tags,
      input: metadata,
      token: newToken(),
      unmanaged: true,
      workflow: workflowPrefix + workflow,
      data: encodeRecord({ workflow }),
      resendMs: defaults.resendMs,
    });
  }

  async #latest(run: string, loaded: LoadedRun): Promise<LatestSave> {
    const key = `run ${run}`;
    const { record, snapshot } = loaded;
    const pages = await pagesOf(this.#parts.store, loaded, snapshot?.seq ?? 0);
    const state = unpackState(snapshot, key);
    const own: RunEvent[] = [];
    for await (const page of pages) {
      for (const event of page) if (!isReservedType(event.type)) own.push(toRunEvent(event, key));
    }
    return { state, seq: record.seq, version: record.version, events: own };
  }

  async #loop(run: string): Promise<RunRecord | undefined> {
    const record = await this.#parts.store.record(run);
    return record !== undefined && isLoop(record) ? record : undefined;
  }

  async #unclaimable(run: string): Promise<RunError> {
    const record = await this.#parts.store.record(run);
    const isPaused = record?.paused === true && !isEnded(record.status);
    return isPaused
      ? new RunError(
          'PAWL_RUN_ACTIVE',
          run,
          `Run ${run} is paused and cannot be claimed. Resume it.`,
        )
      : new RunError(
          'PAWL_RUN_ENDED',
          run,
          `Run ${run} is ${record?.status ?? 'gone'} and cannot be claimed. Its output is in info(); delete it to begin anew.`,
        );
  }
}

function isLoop(record: RunRecord): boolean {
  return record.workflow.startsWith(workflowPrefix);
}

function toInfo(record: RunRecord): LoopInfo {
  const { id, workflow, status, worker, fence, seq, version, tags, input, output } = record;
  return {
    run: id,
    workflow: workflow.slice(workflowPrefix.length),
    status,
    worker,
    fence,
    seq,
    version,
    tags,
    metadata: decode(input, { key: `run ${id}, metadata` }),
    output: output === undefined ? undefined : decode(output, { key: `run ${id}, output` }),
    createdAt: new Date(record.createdAt),
    updatedAt: new Date(record.changedAt),
  };
}

function existsError({ id, workflow }: RunRecord): RunError {
  const what = workflow.startsWith(workflowPrefix)
    ? `as a loop of kind ${workflow.slice(workflowPrefix.length)}`
    : `of workflow ${workflow}`;
  return new RunError(
    'PAWL_RUN_EXISTS',
    id,
    `Run ${id} exists ${what}; nothing was written. Choose another id.`,
  );
}
