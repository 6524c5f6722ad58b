/** An entry of the stream of chunks, as a reader of a run's output gets it. */
import { CorruptionError } from '../core/errors.ts';
import type { StoredChunk } from '../core/outputs.ts';
import { type Entry, Fields } from './fields.ts';

/** Its id is `<number>-<fence>`. */
export function toChunk(key: string, [entryId, flat]: Entry): StoredChunk {
  const fields = new Fields(key, flat);
  const [number, fence] = entryId.toString('latin1').split('-').map(Number);
  const data = fields.bytes('data');
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(fence) || data === undefined) {
    throw new CorruptionError({ key }, `has an entry that is no chunk (${String(entryId)})`);
  }
  return {
    number: number as number,
    fence: fence as number,
    output: fields.text('output') ?? '',
    step: fields.text('step') ?? '',
    epoch: fields.number('epoch'),
    at: fields.number('at'),
    data,
  };
}
