/** Checkpoints as handlers ask for them and as callers see them. */
import type {
  CheckpointInfo,
  CheckpointListOptions,
  CheckpointMark,
  CheckpointQuery,
  CheckpointRecord,
} from '../core/checkpoint.ts';
import { isCheckpointId } from '../core/checkpoint.ts';
import { decode, encode } from '../core/codec.ts';
import { ForgottenError, InvalidError } from '../core/errors.ts';
import { fixedLimits, type Limits } from '../core/limits.ts';
import type { RunRecord } from '../core/run.ts';
import type { Ownership, RunStore, Snapshot } from '../core/store.ts';
import type { CheckpointOptions } from './context.ts';
import type { LogWriter } from './log-writer.ts';
import type { Write } from './writes.ts';

/** What a handler says of a checkpoint, and where it is when a graph says it. */
interface About extends CheckpointOptions {
  readonly visit?: number;
}

/** The mark in the log and what the store keeps beside the snapshot. */
export function checkpointWrite(
  about: About,
  limits: Limits,
): { readonly write: Write; readonly mark: CheckpointMark } {
  const value = Object.fromEntries(
    Object.entries(about).filter(([, given]) => given !== undefined),
  );
  for (const name of ['label', 'node'] as const) {
    const text = about[name];
    if (
      text !== undefined &&
      (typeof text !== 'string' || text.length > fixedLimits.stepNameLength)
    )
      throw new InvalidError(
        name,
        `must be a text of at most ${fixedLimits.stepNameLength} characters.`,
      );
  }
  const { label, node, metadata } = about;
  const data = encode(value, 'checkpoint', limits.eventBytes);
  const mark: CheckpointMark = {
    ...(label === undefined ? {} : { label }),
    ...(node === undefined ? {} : { node }),
    ...(metadata === undefined
      ? {}
      : { metadata: encode(metadata, 'metadata', limits.eventBytes) }),
  };
  return { write: { type: 'checkpoint.saved', data, value }, mark };
}

/**
 * Keeps a checkpoint, once for each time the handler comes by: a handler that is called again after a crash, and has only
 * been told what it had done, finds the checkpoint of the same label and node that is there.
 */
export async function keepCheckpoint(
  through: {
    readonly store: RunStore;
    readonly ownership: Ownership;
    readonly writer: LogWriter;
    readonly limits: Limits;
  },
  options: CheckpointOptions,
): Promise<string> {
  const { store, ownership, writer, limits } = through;
  const { write, mark } = checkpointWrite(options, limits);
  if (!writer.hasWritten) {
    const known = await store.checkpoints({ run: ownership.run, limit: fixedLimits.runsPerPage });
    const same = known.find(({ label, node }) => label === mark.label && node === mark.node);
    if (same !== undefined) return same.id;
  }
  return writer.keep([write], mark);
}

/**
 * A checkpoint that is kept.
 * @throws InvalidError when there cannot have been such a one; ForgottenError when it has expired, or was dropped.
 */
export async function recallKept(
  store: RunStore,
  { id: run, version, firstSeq }: RunRecord,
  checkpoint: string,
): Promise<Snapshot> {
  const found = await store.recall(run, checkpoint);
  if (found !== undefined) return found;
  if (isCheckpointId(checkpoint) && Number.parseInt(checkpoint, 10) <= version) {
    throw new ForgottenError(
      run,
      `Run ${run} keeps no checkpoint ${checkpoint}: it has expired, was dropped, or never was`,
      firstSeq,
    );
  }
  throw new InvalidError('checkpoint', `${checkpoint} is none of run ${run}.`);
}

export async function listCheckpoints(
  store: RunStore,
  run: string,
  options: CheckpointListOptions,
): Promise<CheckpointInfo[]> {
  const { limit = 100 } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > fixedLimits.runsPerPage) {
    throw new InvalidError('limit', `must be from 1 to ${fixedLimits.runsPerPage}.`);
  }
  const query: CheckpointQuery = { ...options, run, limit };
  const records = await store.checkpoints(query);
  return records.map((record) => toCheckpointInfo(record, `run ${run}`));
}

function toCheckpointInfo(record: CheckpointRecord, key: string): CheckpointInfo {
  const { metadata, at, ...rest } = record;
  return {
    ...rest,
    at: new Date(at),
    ...(metadata === undefined
      ? {}
      : { metadata: decode(metadata, { key: `${key}, checkpoint ${record.id}` }) }),
  };
}
