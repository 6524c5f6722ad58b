/** What the handler of a run may ask for and the log has the result of, as the fold's bookkeeping knows it. */
import type { StepResult } from './bookkeeping.ts';
import { overAt } from './items.ts';

/** The seqs of all of them, in no order. */
export function knownSeqs(bookkeeping: ReadonlyMap<string, unknown>): number[] {
  const seqs: number[] = [];
  for (const [field, value] of bookkeeping) {
    const over = overAt(field, value);
    if (over !== undefined) seqs.push(over);
    if (!field.startsWith('step:') && !field.startsWith('child:')) continue;
    const { seq } = value as Partial<StepResult & { seq: number }>;
    if (seq !== undefined && seq > 0) seqs.push(seq);
  }
  return seqs;
}
