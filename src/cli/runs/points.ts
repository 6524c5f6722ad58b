/** A moment of a run, as people name it: a seq, `end`, a checkpoint's id, or a checkpoint's label. */
import { isCheckpointId } from '../../core/checkpoint.ts';
import type { StatePoint } from '../../engine/runs/run-handle.ts';
import type { Pawl } from '../../pawl.ts';
import { NotFoundError, UsageError } from '../failures.ts';

export async function toPoint(
  pawl: Pawl,
  { id: run, seq }: { readonly id: string; readonly seq: number },
  given: string,
): Promise<StatePoint> {
  if (given === 'end') return { seq };
  if (/^\d+$/.test(given)) return { seq: Number(given) };
  if (isCheckpointId(given)) return { checkpoint: given };
  const [newest, other] = await pawl.run(run).checkpoints({ label: given, limit: 2 });
  if (newest === undefined) {
    throw new NotFoundError(
      `Run ${run} has no checkpoint "${given}". pawl runs show ${run} lists those it has; a number is a seq.`,
    );
  }
  if (other === undefined) return { checkpoint: newest.id };
  throw new UsageError(`Run ${run} has several checkpoints "${given}": name one by its id.`);
}
