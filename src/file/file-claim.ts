/**
 * Taking a run on disk, in one go under its lock: what a crash left half done is finished or removed first, then the fence
 * is raised, then the claim is written into the log.
 *
 *   torn end of the log            cut off; the claim's entry in the log says so
 *   kept snapshot, not in the log  removed: the save was not acknowledged
 *   kept snapshot, in the log      becomes the current snapshot
 *   run.completed in the log       becomes the run's status
 *
 * Crash in the middle: each of these can be done again. Between the raised fence and the entry in the log: the old owner is
 * shut out, and nobody has the run, until somebody claims it.
 */
import { randomBytes } from 'node:crypto';
import { encode } from '../core/codec.ts';
import type { LatestSave } from '../core/checkpointer.ts';
import { CorruptionError, RunError } from '../core/errors.ts';
import { isReservedType, type RunEvent } from '../core/event.ts';
import { fixedLimits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { type Disk, formatJson } from './disk.ts';
import {
  append,
  checkEnd,
  cut,
  formatEvents,
  type LogEnd,
  logStart,
  readEvents,
} from './event-log.ts';
import { toSnapshot } from './file-loop-log.ts';
import type { FileSnapshot, Holding, RunFolder } from './run-folder.ts';

/** A run as it is on disk. */
export interface Read {
  readonly latest: LatestSave;
  readonly end: LogEnd;
  /** The newest entry of the log, if it is after the snapshot. */
  readonly newest: RunEvent | undefined;
}

/** Reads the snapshot and what came after it. @throws CorruptionError; what a crash left half done is passed over. */
export async function readLatest(folder: RunFolder): Promise<Read> {
  const snapshot = await folder.readSnapshot();
  const events: RunEvent[] = [];
  let newest: RunEvent | undefined;
  const from = snapshot === undefined ? logStart : { seq: snapshot.seq, bytes: snapshot.logBytes };
  const log = readEvents(folder.events, from);
  let next = await log.next();
  for (; next.done !== true; next = await log.next()) {
    newest = next.value;
    if (!isReservedType(newest.type)) events.push(newest);
  }
  const end = next.value;
  const latest: LatestSave = {
    state: snapshot?.state,
    version: snapshot?.version ?? 0,
    seq: end.place.seq,
    events,
  };
  return { latest, end, newest };
}

export interface TakeOptions {
  readonly run: string;
  readonly worker: string;
  readonly disk: Disk;
  readonly logger: Logger;
}

export interface Taken {
  readonly holding: Holding;
  readonly latest: LatestSave;
  readonly end: LogEnd;
}

/** Takes the run; its lock is held. @throws RunError `PAWL_RUN_ENDED`; CorruptionError. */
export async function takeRun(folder: RunFolder, options: TakeOptions): Promise<Taken> {
  const { run, worker, disk, logger } = options;
  const { latest, end, newest } = await repair(folder, disk);
  const before = await folder.readHolding();
  if (before === undefined) throw new CorruptionError({ key: folder.holding }, 'is not there');
  if (newest?.type === 'run.completed' && before.status !== 'completed') {
    const over: Holding = { status: 'completed', fence: before.fence, owner: '' };
    await disk.replace(folder.holding, formatJson(over));
    throw endedError(run);
  }
  if (before.status === 'completed') throw endedError(run);
  const { torn, place } = end;
  if (torn !== undefined) {
    logger.warn({ run, file: folder.events, ...torn }, 'a save that a crash had torn was cut off');
    await cut(disk, folder.events, place);
  }
  const fence = Math.max(before.fence + 1, Date.now() * 1000);
  const owner = randomBytes(16).toString('base64url');
  const holding: Holding = { status: 'running', fence, owner, worker };
  await checkEnd(folder.events, place);
  await disk.replace(folder.holding, formatJson(holding));
  const note = { worker, ...(torn === undefined ? {} : { cut: torn }) };
  const data = encode(note, 'record', fixedLimits.bytesPerCommit);
  const text = formatEvents([{ type: 'run.claimed', data }], {
    seq: place.seq,
    fence,
    at: new Date(),
  });
  await append(disk, folder.events, text);
  const seq = place.seq + 1;
  const bytes = place.bytes + Buffer.byteLength(text);
  return { holding, latest: { ...latest, seq }, end: { place: { seq, bytes }, torn: undefined } };
}

/** Finishes or removes a kept snapshot that is newer than the current one. */
async function repair(folder: RunFolder, disk: Disk): Promise<Read> {
  const found = await readLatest(folder);
  let newest: FileSnapshot | undefined;
  for (const version of await folder.checkpointVersions()) {
    if (version <= found.latest.version) break;
    const id = `${version}-0`;
    const kept = await folder.readCheckpoint(id);
    if (kept !== undefined && kept.seq <= found.latest.seq) newest ??= toSnapshot(kept);
    else await disk.removeFile(folder.checkpoint(id));
  }
  if (newest === undefined) return found;
  await disk.replace(folder.snapshot, formatJson(newest));
  return readLatest(folder);
}

function endedError(run: string): RunError {
  return new RunError(
    'PAWL_RUN_ENDED',
    run,
    `Run ${run} is finished and cannot be claimed. Its output is in info(); delete it to begin anew.`,
  );
}
