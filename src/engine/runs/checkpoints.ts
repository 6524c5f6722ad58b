/** Checkpoints as callers see them. */
import type {
  CheckpointInfo,
  CheckpointListOptions,
  CheckpointQuery,
  CheckpointRecord,
} from '../../core/checkpoint.ts';
import { isCheckpointId } from '../../core/checkpoint.ts';
import { decode } from '../../core/codec.ts';
import { ForgottenError, InvalidError } from '../../core/errors.ts';
import type { RunRecord } from '../../core/run.ts';
import type { RunStore, Snapshot } from '../../core/store.ts';

/**
 * A checkpoint that is kept.
 * @throws InvalidError when there cannot have been such a one; ForgottenError when it has expired, or was dropped.
 */
export async function recallCheckpoint(
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
