/** The key by which systems outside of pawl can recognise a repetition. */
import { createHash } from 'node:crypto';

/** The same for a step of a run, on any worker, however often. */
export function idempotencyKey(run: string, name: string): string {
  return createHash('sha256').update(`${run}\n${name}`).digest('hex').slice(0, 32);
}
