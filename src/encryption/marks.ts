/** What is said of a checkpoint, sealed: its label and its metadata. The node stays readable, as names of steps do. */
import type { CheckpointMark, CheckpointRecord } from '../core/checkpoint.ts';
import type { Cipher } from '../core/cipher.ts';
import { checkpointPlace } from './places.ts';
import { openText, sealText } from './text.ts';

export function sealMark(cipher: Cipher, run: string, mark: CheckpointMark): CheckpointMark {
  const { label, metadata, ...clear } = mark;
  return {
    ...clear,
    ...(label === undefined
      ? {}
      : { label: sealText(cipher, label, checkpointPlace(run, mark, 'label')) }),
    ...(metadata === undefined
      ? {}
      : { metadata: cipher.seal(metadata, checkpointPlace(run, mark, 'metadata')) }),
  };
}

export function openCheckpoint(
  cipher: Cipher,
  run: string,
  checkpoint: CheckpointRecord,
): CheckpointRecord {
  const { label, metadata, ...clear } = checkpoint;
  return {
    ...clear,
    ...(label === undefined
      ? {}
      : { label: openText(cipher, label, checkpointPlace(run, checkpoint, 'label')) }),
    ...(metadata === undefined
      ? {}
      : { metadata: cipher.open(metadata, [checkpointPlace(run, checkpoint, 'metadata')]) }),
  };
}
