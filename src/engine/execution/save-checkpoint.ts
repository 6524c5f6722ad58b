/** Checkpoints as handlers ask for them. */
import type { CheckpointMark } from '../../core/checkpoint.ts';
import { encode } from '../../core/codec.ts';
import { InvalidError } from '../../core/errors.ts';
import { fixedLimits, type Limits } from '../../core/limits.ts';
import type { CheckpointOptions } from '../definition/context.ts';
import type { LogWriter } from './log-writer.ts';
import type { ExecutionServices } from './services.ts';
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
export async function saveCheckpoint(
  writer: LogWriter,
  { store, limits }: Pick<ExecutionServices, 'store' | 'limits'>,
  options: CheckpointOptions,
): Promise<string> {
  const { write, mark } = checkpointWrite(options, limits);
  if (!writer.hasWritten) {
    const known = await store.checkpoints({
      run: writer.ownership.run,
      limit: fixedLimits.runsPerPage,
    });
    const same = known.find(({ label, node }) => label === mark.label && node === mark.node);
    if (same !== undefined) return same.id;
  }
  return (await writer.checkpoint([write], mark)).id;
}
